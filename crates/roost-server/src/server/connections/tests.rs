use std::pin::pin;

use axum::routing::get;
use futures_util::stream;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use super::*;
use crate::config::quantity::Span;

const SOON: Duration = Duration::from_secs(10);

/// A listener on a free port, and a router with an answer and an endless stream.
async fn listener() -> (TcpListener, SocketAddr, Router) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let endless = || async {
        let first = stream::once(async { Ok::<_, Infallible>("data: hello\n\n") });
        Response::builder()
            .header(CONTENT_TYPE, "text/event-stream")
            .body(Body::from_stream(first.chain(stream::pending())))
            .expect("a response")
    };
    let router = Router::new().route("/", get(|| async { "here" })).route("/stream", get(endless));
    (listener, address, router)
}

async fn ask(address: SocketAddr, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let request = format!("GET {path} HTTP/1.1\r\nhost: h\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("it is sent");
    stream
}

/// Reads until the text has come or the connection is closed.
async fn read_until(stream: &mut TcpStream, wanted: &str) -> String {
    let mut all = Vec::new();
    let reading = async {
        while !String::from_utf8_lossy(&all).contains(wanted) {
            let mut piece = [0; 1024];
            match stream.read(&mut piece).await.expect("it can be read") {
                0 => break,
                n => all.extend_from_slice(&piece[..n]),
            }
        }
    };
    timeout(SOON, reading).await.expect("it comes in time");
    String::from_utf8(all).expect("text")
}

#[tokio::test]
async fn a_client_that_never_finishes_its_request_is_sent_away() {
    let (listener, address, router) = listener().await;
    let connections =
        Connections::new(&file::Server { header_timeout: Span::from_millis(50), ..file::Server::default() });
    let client = async {
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        stream.write_all(b"GET / HTTP/1.1\r\nhost:").await.expect("it is sent");
        read_until(&mut stream, "no such text").await
    };
    tokio::select! {
        () = connections.accept(&listener, &router) => panic!("accepting does not end"),
        answer = client => assert!(!answer.contains("here"), "{answer}"),
    }
}

#[tokio::test]
async fn more_connections_than_the_bound_wait_until_one_closes() {
    let (listener, address, router) = listener().await;
    let connections = Connections::new(&file::Server { max_connections: 1, ..file::Server::default() });
    let client = async {
        let mut first = ask(address, "/").await;
        read_until(&mut first, "here").await;
        let mut second = ask(address, "/").await;
        let mut byte = [0];
        let early = timeout(Duration::from_millis(100), second.read(&mut byte)).await;
        assert!(early.is_err(), "the second was served beside the first");
        drop(first);
        assert!(read_until(&mut second, "here").await.contains("here"));
    };
    tokio::select! {
        () = connections.accept(&listener, &router) => panic!("accepting does not end"),
        () = client => {}
    }
}

#[tokio::test]
async fn at_the_end_idle_connections_close_and_streams_end_whole() {
    let (listener, address, router) = listener().await;
    let connections = Connections::new(&file::Server::default());
    let (mut idle, mut stream) = {
        let mut accepting = pin!(connections.accept(&listener, &router));
        let clients = async {
            let (mut idle, mut stream) = (ask(address, "/").await, ask(address, "/stream").await);
            read_until(&mut idle, "here").await;
            read_until(&mut stream, "hello").await;
            (idle, stream)
        };
        tokio::select! {
            () = &mut accepting => panic!("accepting does not end"),
            clients = clients => clients,
        }
    };
    connections.finish_requests();
    assert_eq!(read_until(&mut idle, "no such text").await, "", "an idle connection is closed");
    timeout(SOON, connections.end_streams()).await.expect("every connection is closed");
    let rest = read_until(&mut stream, "no such text").await;
    assert!(rest.ends_with("0\r\n\r\n"), "the stream ends as one that is whole: {rest:?}");
}
