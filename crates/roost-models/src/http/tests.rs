use std::time::{Duration, Instant};

use roost_domain::conversation::{Conversation, Wishes};
use roost_domain::secret::Secret;
use roost_ports::model::{Error, Models, Request};
use serde_json::{Value, json};

use crate::draft::MAX_ANSWER_BYTES;
use crate::options::{Compatible, Options};
use crate::testing::{
    KEY, Prepared, StandIn, ask, events, events_then_cut, events_then_silence, hello, impatient, options,
    permit, providers, refusal,
};

const GOOD: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"Fine.\"},\"finish_reason\":\"stop\"}]}\n\n";

async fn outcome(answers: Vec<Prepared>) -> (StandIn, Vec<String>, Result<String, Error>) {
    outcome_with(options, answers).await
}

async fn outcome_with(
    options: fn(&str) -> Options,
    answers: Vec<Prepared>,
) -> (StandIn, Vec<String>, Result<String, Error>) {
    let stand_in = StandIn::new(answers).await;
    let providers = providers(options(&stand_in.server.base));
    let (texts, end) = ask(&providers, "openai/m", hello()).await;
    (stand_in, texts, end.map(|answer| answer.text))
}

fn error(status: u16, message: &str) -> Prepared {
    refusal(status, &[], &json!({"error": {"message": message}}).to_string())
}

#[tokio::test]
async fn requests_go_where_the_vendors_clients_send_them_with_the_key_in_its_header() {
    let stand_in = StandIn::new(vec![error(400, "no")]).await;
    let mut options = options(&stand_in.server.base);
    options.compatible.push(Compatible {
        name: "my-vllm".into(),
        base_url: format!("{}/deep/v1/", stand_in.server.base),
        key: None,
    });
    let providers = providers(options);
    for (model, path, header, value) in [
        ("anthropic/m", "/v1/messages", "x-api-key", Some(KEY)),
        ("openai/m", "/v1/chat/completions", "authorization", Some("Bearer sk-very-secret-0123456789")),
        (
            "google/../m?x=1#y",
            "/v1beta/models/..%2Fm%3Fx=1%23y:streamGenerateContent?alt=sse",
            "x-goog-api-key",
            Some(KEY),
        ),
        ("openrouter/a/b", "/v1/chat/completions", "authorization", Some("Bearer sk-very-secret-0123456789")),
        ("ollama/m", "/v1/chat/completions", "authorization", None),
        ("my-vllm/m", "/deep/v1/chat/completions", "authorization", None),
    ] {
        assert!(ask(&providers, model, hello()).await.1.is_err());
        let seen = stand_in.requests().pop().unwrap();
        assert_eq!(seen.path, path, "{model}");
        assert_eq!(seen.headers.get(header).map(|value| value.to_str().unwrap()), value, "{model}");
    }
    assert_eq!(stand_in.requests()[0].headers["anthropic-version"], "2023-06-01");
    assert_eq!(stand_in.requests()[3].body["model"], json!("a/b"));
}

#[tokio::test]
async fn the_agents_own_key_goes_before_the_servers() {
    let stand_in = StandIn::new(vec![events(GOOD)]).await;
    let providers = providers(options(&stand_in.server.base));
    let key = Some(Secret::new("the-agents-own"));
    let request =
        Request { model: "openai/m".parse().unwrap(), conversation: hello(), wishes: Wishes::default(), key };
    drop(providers.stream(&permit("openai/m"), request).await.unwrap());
    assert_eq!(stand_in.requests()[0].headers["authorization"], "Bearer the-agents-own");
}

#[tokio::test]
async fn passing_refusals_are_tried_again_with_the_same_request() {
    for status in [429, 500, 502, 503, 504, 529] {
        let (stand_in, _, end) =
            outcome(vec![error(status, "busy"), error(status, "busy"), events(GOOD)]).await;
        assert_eq!(end.unwrap(), "Fine.", "{status}");
        let bodies: Vec<Value> = stand_in.requests().into_iter().map(|seen| seen.body).collect();
        assert!(bodies.len() == 3 && bodies.iter().all(|body| *body == bodies[0]), "{status}");
    }
}

#[tokio::test]
async fn lasting_refusals_are_not_tried_again_and_keep_their_meaning() {
    type Is = fn(&Error) -> bool;
    let table: [(u16, Is); 6] = [
        (400, |error| matches!(error, Error::Refused { status: 400, .. })),
        (401, |error| matches!(error, Error::Auth { status: 401, .. })),
        (403, |error| matches!(error, Error::Auth { status: 403, .. })),
        (404, |error| matches!(error, Error::Refused { status: 404, .. })),
        (413, |error| matches!(error, Error::Refused { status: 413, .. })),
        (501, |error| matches!(error, Error::Failed { status: 501, .. })),
    ];
    for (status, is) in table {
        let (stand_in, _, end) = outcome(vec![error(status, "no")]).await;
        let error = end.unwrap_err();
        assert!(is(&error), "{status}: {error}");
        assert!(error.to_string().ends_with(&format!("(HTTP {status}): no")), "{error}");
        assert_eq!(stand_in.requests().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn the_provider_can_say_itself_whether_to_try_again() {
    let no = || refusal(500, &[("x-should-retry", "false")], "{}");
    let (stand_in, _, end) = outcome(vec![no(), events(GOOD)]).await;
    assert!(end.is_err() && stand_in.requests().len() == 1);
    let yes = || refusal(409, &[("x-should-retry", "true")], "{}");
    assert_eq!(outcome(vec![yes(), events(GOOD)]).await.2.unwrap(), "Fine.");
}

#[tokio::test]
async fn an_empty_account_is_not_waited_for() {
    let body = json!({"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}});
    let (stand_in, _, end) = outcome(vec![refusal(429, &[], &body.to_string())]).await;
    assert!(matches!(end, Err(Error::RateLimited { .. })) && stand_in.requests().len() == 1);
}

#[tokio::test]
async fn messages_of_providers_are_cut_and_never_hold_the_key() {
    let long = format!("Incorrect API key {KEY} {}{KEY}", "x".repeat(255));
    let error_of = |answer: Prepared| async move { outcome(vec![answer]).await.2.unwrap_err() };
    let nonsense: &'static str = Box::leak(format!("data: {{\"choices\": \"{KEY}\"}}\n\n").into_boxed_str());
    let inline: &'static str =
        Box::leak(format!("data: {{\"error\": {{\"message\": \"bad {KEY}\"}}}}\n\n").into_boxed_str());
    for answer in [
        error(401, &long),
        error(400, &long),
        error(418, &long),
        refusal(500, &[], &long),
        events(nonsense),
        events(inline),
    ] {
        let error = error_of(answer).await;
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("very-secret"), "{shown}");
        assert!(error.to_string().chars().count() < 400, "{error}");
    }
}

#[tokio::test]
async fn a_refusal_without_a_message_still_says_its_status() {
    let (_, _, end) = outcome(vec![refusal(502, &[], "<html><body>nginx</body></html>")]).await;
    assert_eq!(end.unwrap_err().to_string(), "openai failed (HTTP 502): Bad Gateway");
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let elsewhere = StandIn::new(vec![events(GOOD)]).await;
    let to: &'static str = Box::leak(elsewhere.server.base.clone().into_boxed_str());
    let headers: &'static [(&str, &str)] = Box::leak(Box::new([("location", to)]));
    let (_, _, end) = outcome(vec![refusal(307, headers, "")]).await;
    assert_eq!(
        end.unwrap_err().to_string(),
        "openai refused the request (HTTP 307): Temporary Redirect; redirects are not followed"
    );
    assert!(elsewhere.requests().is_empty());
}

#[tokio::test]
async fn a_break_before_the_first_word_is_tried_again_and_after_it_is_not() {
    let (_, _, end) = outcome(vec![events_then_cut(": hello\n\n"), events(GOOD)]).await;
    assert_eq!(end.unwrap(), "Fine.");
    let half = "data: {\"choices\":[{\"delta\":{\"content\":\"Half\"}}]}\n\n";
    let (stand_in, texts, end) = outcome(vec![events_then_cut(half), events(GOOD)]).await;
    assert!(matches!(end, Err(Error::Broken { .. })), "{end:?}");
    assert_eq!((texts.concat().as_str(), stand_in.requests().len()), ("Half", 1));
}

#[tokio::test]
async fn a_break_in_a_call_that_came_without_words_is_not_tried_again() {
    let half = concat!(
        r#"data: {"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"shell","arguments":"{\"c"}}]}}]}"#,
        "\n\n"
    );
    let (stand_in, _, end) = outcome(vec![events_then_cut(half), events(GOOD)]).await;
    assert!(matches!(end, Err(Error::Broken { .. })), "{end:?}");
    assert_eq!(stand_in.requests().len(), 1);
}

#[tokio::test]
async fn an_overloaded_provider_may_say_so_within_the_stream_and_is_tried_again() {
    let overloaded = "data: {\"error\":{\"code\":503,\"message\":\"busy\"}}\n\n";
    let (_, _, end) = outcome(vec![events(overloaded), events(GOOD)]).await;
    assert_eq!(end.unwrap(), "Fine.");
}

#[tokio::test]
async fn a_connection_left_open_or_cut_after_the_whole_answer_does_no_harm() {
    assert_eq!(outcome_with(impatient, vec![events_then_silence(GOOD)]).await.2.unwrap(), "Fine.");
    assert_eq!(outcome(vec![events_then_cut(GOOD)]).await.2.unwrap(), "Fine.");
}

#[tokio::test]
async fn silence_is_told_apart_from_a_break() {
    let half = "data: {\"choices\":[{\"delta\":{\"content\":\"Half\"}}]}\n\n";
    let (_, _, end) = outcome_with(impatient, vec![events_then_silence(half)]).await;
    assert!(
        matches!(end, Err(Error::Timeout { silence, .. }) if silence == Duration::from_millis(200)),
        "{end:?}"
    );
}

#[tokio::test]
async fn a_server_that_accepts_and_never_answers_times_out() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut options = options(&format!("http://{}", listener.local_addr().unwrap()));
    options.timeouts.first_byte = Duration::from_millis(200);
    let end = ask(&providers(options), "openai/m", hello()).await.1;
    assert!(matches!(end, Err(Error::Timeout { .. })), "{end:?}");
}

#[tokio::test]
async fn a_stream_of_nothing_but_pings_ends_at_the_whole_answers_deadline() {
    let answer: Prepared = Box::new(|| {
        use axum::response::IntoResponse;
        let pings = async_stream::stream! {
            loop {
                tokio::time::sleep(Duration::from_millis(20)).await;
                yield Ok::<_, std::io::Error>(axum::body::Bytes::from_static(b": ping\n\n"));
            }
        };
        ([("content-type", "text/event-stream")], axum::body::Body::from_stream(pings)).into_response()
    });
    let stand_in = StandIn::new(vec![answer]).await;
    let mut options = options(&stand_in.server.base);
    options.timeouts.whole = Duration::from_millis(400);
    let begun = Instant::now();
    let end = ask(&providers(options), "openai/m", hello()).await.1;
    assert!(matches!(end, Err(Error::Timeout { .. })), "{end:?}");
    assert!(begun.elapsed() < Duration::from_secs(15));
}

#[tokio::test]
async fn an_unreachable_provider_names_its_address_and_nothing_else() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    for (model, path) in [
        ("anthropic/m", "/v1/messages"),
        ("openai/m", "/v1/chat/completions"),
        ("google/m", "/v1beta/models/m:streamGenerateContent"),
    ] {
        let error = ask(&providers(options(&base)), model, hello()).await.1.unwrap_err();
        assert!(
            matches!(&error, Error::Unreachable { url, .. } if *url == format!("{base}{path}")),
            "{error:?}"
        );
        assert!(!format!("{error:?}").contains("very-secret"));
    }
}

#[tokio::test]
async fn a_web_page_is_nonsense() {
    use axum::response::IntoResponse;
    let page: Prepared = Box::new(|| axum::response::Html("<html></html>").into_response());
    let (_, _, end) = outcome(vec![page]).await;
    assert!(matches!(&end, Err(Error::Nonsense { problem, .. }) if problem.contains("text/html")), "{end:?}");
    for body in ["data: {\"choices\":[{]}\n\n", "data: \u{1}\n\n", "data: {\"choices\": 3}\n\n"] {
        let (_, _, end) = outcome(vec![events(body)]).await;
        assert!(matches!(end, Err(Error::Nonsense { .. })), "{body}: {end:?}");
    }
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let line =
        format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{}\"}}}}]}}\n\n", "x".repeat(1024 * 1024));
    let body: &'static str = Box::leak(line.repeat(MAX_ANSWER_BYTES / (1024 * 1024) + 1).into_boxed_str());
    let (_, _, end) = outcome(vec![events(body)]).await;
    assert!(matches!(&end, Err(Error::Nonsense { problem, .. }) if problem.contains("4194304")), "{end:?}");
}

#[tokio::test]
async fn without_a_key_nothing_is_sent_except_to_providers_that_need_none() {
    let stand_in = StandIn::new(vec![events(GOOD)]).await;
    let mut options = options(&stand_in.server.base);
    options.anthropic.key = None;
    options.openai.key = Some(Secret::new("line\nbreak"));
    let providers = providers(options);
    let error = ask(&providers, "anthropic/m", hello()).await.1.unwrap_err();
    assert_eq!(
        error.to_string(),
        "there is no key for anthropic; set ANTHROPIC_API_KEY for the server or give the agent a key of its own"
    );
    let error = ask(&providers, "openai/m", hello()).await.1.unwrap_err();
    assert!(matches!(error, Error::NoKey { .. }), "{error}");
    assert!(stand_in.requests().is_empty());
    let talk: Conversation = hello();
    assert_eq!(ask(&providers, "ollama/m", talk).await.1.unwrap().text, "Fine.");
}
