use futures_util::stream;
use http_body_util::StreamBody;
use hyper::body::Frame;

use super::*;

type Piece = Result<Frame<Bytes>, std::io::Error>;

fn piece(text: String) -> Piece {
    Ok(Frame::data(Bytes::from(text)))
}

fn says(text: &str) -> Piece {
    piece(format!("data: {}\n\n", json!({"choices": [{"delta": {"content": text}}]})))
}

async fn last(body: impl Body<Data = Bytes, Error = std::io::Error> + Send) -> Result<Chunk, Error> {
    let chunks: Vec<_> = read((), body, Instant::now() + WHOLE).collect().await;
    chunks.into_iter().next_back().expect("something is said at the end")
}

#[tokio::test]
async fn an_answer_that_is_too_long_ends_with_an_error() {
    let whole = |pieces: usize| {
        let text = "x".repeat(1 << 10);
        let pieces = std::iter::repeat_with(move || says(&text)).take(pieces);
        StreamBody::new(stream::iter(pieces.chain([piece("data: [DONE]\n\n".to_owned())])))
    };
    let Ok(Chunk::End(answer)) = last(whole(1 << 10)).await else { panic!("as much as is allowed is taken") };
    assert_eq!(answer.text.len(), TEXT_MAX);
    let error = last(whole((1 << 10) + 1)).await.expect_err("more is not");
    assert!(error.to_string().contains("its answer is longer than 1048576 bytes"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_never_ends_is_given_up() {
    let lines = stream::unfold((), |()| async {
        tokio::time::sleep(Duration::from_secs(60)).await;
        Some((piece(": still there\n".to_owned()), ()))
    });
    let began = Instant::now();
    let error = last(StreamBody::new(lines)).await.expect_err("it never ends");
    assert!(error.to_string().contains("its answer was not whole after 14400 s"), "{error}");
    assert_eq!(began.elapsed(), WHOLE);
}

#[tokio::test(start_paused = true)]
async fn of_a_refusal_only_so_much_is_read_and_for_so_long() {
    let said = refusal(Full::new(Bytes::from(r#"{"error": {"message": "busy"}}"#))).await;
    assert_eq!(said, "busy");
    let endless = StreamBody::new(stream::repeat_with(|| piece("x".repeat(1 << 10))));
    assert_eq!(refusal(endless).await, "why cannot be read: length limit exceeded");
    let silent = StreamBody::new(stream::pending::<Piece>());
    assert_eq!(refusal(silent).await, "it did not say why within 10 s");
}
