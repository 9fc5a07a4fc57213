use std::time::Duration;

use axum::http::Method;
use roost_testkit::TestApp;
use serde_json::json;

use crate::support::{Api, generous, request};

#[tokio::test]
async fn the_log_tells_what_happened_and_not_what_was_said() {
    let api = Api::start().await;
    let agent = api.app.agent(json!({})).await.to_string();
    api.say(&agent, "my secret plan").await;
    let logs = api.get(&format!("/v1/agents/{agent}/logs")).await.data()["logs"].as_str().unwrap().to_owned();
    assert!(logs.starts_with("2026-02-10T14:00:00Z [info] Agent created\n"), "{logs}");
    assert!(logs.ends_with("[info] Turn ended: answered\n"), "{logs}");
    assert!(!logs.contains("secret plan"), "{logs}");
    let tail =
        api.get(&format!("/v1/agents/{agent}/logs?tail=2")).await.data()["logs"].as_str().unwrap().to_owned();
    assert_eq!(tail.lines().count(), 2);
    assert!(logs.ends_with(&tail));
}

#[tokio::test]
async fn the_log_stream_has_the_last_lines_and_each_new_one_as_it_comes() {
    let api = Api::start().await;
    let agent = api.app.agent(json!({})).await.to_string();
    let path = format!("/v1/agents/{agent}/logs/stream?tail=1");
    let mut stream = api.open(request(Method::GET, &path, Some(&api.key), None)).await;
    assert_eq!(stream.next().await.unwrap().data, "2026-02-10T14:00:00Z [info] Agent started");
    api.ask(Method::POST, &format!("/v1/agents/{agent}/stop"), None).await;
    let line = stream.next().await.unwrap();
    assert_eq!(line.data, "2026-02-10T14:00:00Z [info] Agent stopped");
    assert_eq!((line.id, line.name), (None, None));
}

#[tokio::test]
async fn the_log_stream_ends_when_the_agent_is_deleted() {
    let mut options = generous();
    options.recheck = Duration::from_millis(50);
    let api = Api::over(TestApp::start().await, options);
    let agent = api.app.agent(json!({})).await.to_string();
    let path = format!("/v1/agents/{agent}/logs/stream");
    let mut stream = api.open(request(Method::GET, &path, Some(&api.key), None)).await;
    api.ask(Method::DELETE, &format!("/v1/agents/{agent}"), None).await;
    while let Some(event) = stream.next().await {
        assert!(event.comment || event.data.starts_with("2026-"), "{event:?}");
    }
}
