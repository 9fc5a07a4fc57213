use std::time::Duration;

use axum::http::Method;
use insta::assert_json_snapshot;
use roost_testkit::{Reply, TestApp};
use serde_json::{Value, json};

use crate::support::{Api, Event, Stream, generous, redacted, request};

/// Makes an agent, talks with it, and returns the path of the session's events.
async fn talked(api: &Api, message: &str) -> (String, String) {
    let agent = api.app.agent(json!({})).await.to_string();
    let start = api.say(&agent, message).await[0].clone();
    let session = start["sessionId"].as_str().unwrap();
    (agent.clone(), format!("/v1/agents/{agent}/chat/sessions/{session}/events"))
}

async fn follow(api: &Api, path: &str) -> Stream {
    api.open(request(Method::GET, path, Some(&api.key), None)).await
}

/// Reads the events of the log up to one of this type, without the deltas between them.
async fn logged(stream: &mut Stream, until: &str) -> Vec<Event> {
    let mut events = Vec::new();
    loop {
        let event = stream.next().await.expect("the stream goes on");
        if event.comment || event.name.as_deref() == Some("delta") {
            continue;
        }
        events.push(event);
        if events.last().is_some_and(|event| event.json()["type"] == until) {
            return events;
        }
    }
}

#[tokio::test]
async fn a_session_tells_everything_that_happened_in_it() {
    let api = Api::start().await;
    api.app.models.when(
        "look",
        [
            Reply::Use("Let me look.", vec![("shell", json!({"command": "ls"}))]),
            Reply::Say(vec!["One file."]),
        ],
    );
    let (_, path) = talked(&api, "look").await;
    let mut stream = follow(&api, &path).await;
    assert_eq!(stream.headers["x-accel-buffering"], "no");
    assert!(stream.headers.contains_key("x-ratelimit-remaining"));
    let events = logged(&mut stream, "turn_ended").await;
    let ids: Vec<_> = events.iter().filter_map(|event| event.id.clone()).collect();
    let offsets: Vec<_> = (1..=ids.len()).map(|offset| offset.to_string()).collect();
    assert_eq!(ids, offsets);
    let bodies: Vec<Value> = events.iter().map(Event::json).collect();
    assert_json_snapshot!(redacted(json!(bodies)));
}

#[tokio::test]
async fn a_stream_goes_on_where_the_client_left_it() {
    let api = Api::start().await;
    let (_, path) = talked(&api, "Hi").await;
    let all = logged(&mut follow(&api, &path).await, "turn_ended").await;
    let mut resumed = request(Method::GET, &path, Some(&api.key), None);
    resumed.headers_mut().insert("Last-Event-ID", "3".parse().unwrap());
    assert_eq!(logged(&mut api.open(resumed).await, "turn_ended").await, all[3..]);
    let mut after = follow(&api, &format!("{path}?after=3")).await;
    assert_eq!(logged(&mut after, "turn_ended").await, all[3..]);

    let mut wrong = request(Method::GET, &path, Some(&api.key), None);
    wrong.headers_mut().insert("Last-Event-ID", "latest".parse().unwrap());
    let refused = api.send(wrong).await;
    refused.is_error(400, "invalid_request_error", "invalid_request");
    assert!(refused.message().starts_with("Last-Event-ID "), "{}", refused.message());
}

#[tokio::test]
async fn a_late_follower_hears_the_unfinished_text_from_its_beginning() {
    let api = Api::start().await;
    let (agent, path) = talked(&api, "Hi").await;
    api.app.models.when("long", [Reply::Hang(vec!["It was", " a dark night"])]);
    let body = json!({"message": "long"}).to_string();
    let chat = format!("/v1/agents/{agent}/chat/messages");
    let mut talk = api.open(request(Method::POST, &chat, Some(&api.key), Some(body))).await;
    let mut said = String::new();
    while said != "It was a dark night" {
        said += talk.until("text").await["content"].as_str().unwrap();
    }
    let mut late = follow(&api, &format!("{path}?after=5")).await;
    let mut told = String::new();
    while told != said {
        let event = late.next().await.unwrap();
        if event.name.as_deref() == Some("delta") {
            assert_eq!(event.id, None);
            assert_eq!(event.json()["modelCall"], 7);
            told += event.json()["text"].as_str().unwrap();
        }
    }
}

#[tokio::test]
async fn an_agents_journal_is_followed_like_a_session() {
    let api = Api::start().await;
    let (agent, _) = talked(&api, "Hi").await;
    api.ask(Method::PATCH, &format!("/v1/agents/{agent}"), Some(json!({"name": "Bob"}))).await;
    let journal = format!("/v1/agents/{agent}/chat/sessions/sess_{}/events", agent.replace('-', ""));
    let events = logged(&mut follow(&api, &journal).await, "agent_changed").await;
    let kinds: Vec<Value> = events.iter().map(|event| event.json()["type"].clone()).collect();
    assert_eq!(kinds, ["agent_created", "agent_started", "agent_changed"]);
}

#[tokio::test]
async fn a_silent_stream_beats_every_ten_seconds() {
    let api = Api::over(TestApp::builder().without_runtime().build().await, generous());
    let agent = api.app.agent(json!({})).await;
    let session = api.app.post(agent, "Hi").await.session;
    let path = format!("/v1/agents/{agent}/chat/sessions/{session}/events?after=100");
    let mut stream = follow(&api, &path).await;
    // From here on nothing but time passes.
    tokio::time::pause();
    let begun = tokio::time::Instant::now();
    for beat in 1..=2 {
        assert!(stream.next().await.unwrap().comment);
        assert_eq!(begun.elapsed().as_secs(), 10 * beat);
    }
}

#[tokio::test]
async fn no_piece_of_a_text_is_told_after_the_event_that_has_the_whole() {
    let api = Api::start().await;
    let (agent, path) = talked(&api, "Hi").await;
    let mut stream = follow(&api, &path).await;
    for round in 0..20 {
        api.say(&agent, &format!("round {round}")).await;
    }
    let (mut ended, mut answers) = (0, 0);
    while answers < 21 {
        let event = stream.next().await.unwrap();
        if event.name.as_deref() == Some("delta") {
            // A whole text that was never told in pieces comes as one, under the offset of its event.
            assert!(event.json()["modelCall"].as_u64().unwrap() > ended, "{event:?} after event {ended}");
        } else if event.json()["type"] == "model_answered" {
            ended = event.json()["offset"].as_u64().unwrap();
            answers += 1;
        }
    }
}

#[tokio::test]
async fn a_stream_ends_with_its_agent() {
    let mut options = generous();
    options.recheck = Duration::from_millis(50);
    let api = Api::over(TestApp::start().await, options);
    let (agent, path) = talked(&api, "Hi").await;
    let mut stream = follow(&api, &format!("{path}?after=100")).await;
    api.ask(Method::DELETE, &format!("/v1/agents/{agent}"), None).await;
    let last = loop {
        let event = stream.next().await.expect("the stream says why it ends");
        // The text that was just finished may still have been there when the stream began.
        if event.name.as_deref() != Some("delta") {
            break event;
        }
    };
    assert_eq!((last.name.as_deref(), &last.json()["code"]), (Some("error"), &json!("not_found")));
    assert_eq!(stream.next().await, None);
}
