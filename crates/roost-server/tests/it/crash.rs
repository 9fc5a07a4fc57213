//! `kill -9` at the worst moments: after the next start the session goes on, nothing is lost and nothing is done
//! twice behind anybody's back.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::DEADLINE;
use crate::roost::{Options, Server};

const SCRIPT: &str = r#"
rules:
  - when: '^tell$'
    then:
      - text: "one two three four five six seven eight nine ten"
        chunks: 10
        chunk_delay_ms: 30
  - when: '(?s)^run (.+)$'
    then:
      - calls: [{tool: shell, arguments: {command: "$1"}}]
      - text: "It gave {{result}}"
default:
  - text: "Yes."
"#;

fn start() -> Server {
    Server::start(Options { scripts: vec![("story", SCRIPT.to_owned())], ..Options::default() })
}

fn messages(agent: &str) -> String {
    format!("/v1/agents/{agent}/chat/messages")
}

/// Returns the events of a session's log up to the end of its turn number `turns`.
async fn log(server: &Server, agent: &str, session: &str, turns: usize) -> Vec<Value> {
    let path = format!("/v1/agents/{agent}/chat/sessions/{session}/events");
    let mut stream = server.get_stream(&path).await;
    let mut events = Vec::new();
    let mut ended = 0;
    while ended < turns {
        let Some(event) = stream.next().await else { panic!("the stream ended early: {events:#?}") };
        // Deltas carry no offset; what they tell is in the log too.
        if event["offset"].is_u64() {
            ended += usize::from(event["type"] == "turn_ended");
            events.push(event);
        }
    }
    events
}

fn types(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().expect("a type")).collect()
}

async fn pending_approval(server: &Server) -> Value {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let (status, body) = server.get("/v1/approvals?status=pending").await;
        assert_eq!(status, 200, "{body}");
        if let Some(approval) = body["data"].get(0) {
            return approval.clone();
        }
        assert!(Instant::now() < deadline, "no approval appeared");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Tells whether a process of this machine has `text` in its command line.
fn runs(text: &str) -> bool {
    let processes = std::fs::read_dir("/proc").expect("Linux");
    processes.flatten().any(|entry| {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(text)
    })
}

#[tokio::test]
async fn an_answer_that_was_streaming_is_given_whole_after_the_restart() {
    let mut server = start();
    let agent = server.agent("ada", "scripted/story", &[]);
    let mut stream = server.post_stream(&messages(&agent), &json!({"message": "tell"})).await;
    let session = stream.next_of("start").await["sessionId"].as_str().expect("an id").to_owned();
    stream.next_of("text").await;
    server.kill9();
    assert!(!types(&stream.rest().await).contains(&"done"), "a half answer was passed off as whole");
    server.restart();
    let events = log(&server, &agent, &session, 1).await;
    assert_eq!(
        types(&events)[1..],
        ["message_received", "model_called", "model_lost", "model_called", "model_answered", "turn_ended"]
    );
    let (_, history) = server.get(&messages(&agent)).await;
    let said: Vec<_> =
        history["data"].as_array().expect("messages").iter().map(|m| m["content"].clone()).collect();
    assert_eq!(said, ["tell", "one two three four five six seven eight nine ten"]);
}

#[tokio::test]
async fn a_command_that_was_running_ends_with_the_server_and_is_not_run_again_unasked() {
    let mut server = start();
    let agent = server.agent("ada", "scripted/story", &[]);
    // A number of its own, so that the process can be told from those of other tests.
    let marker = format!("86400.{}", std::process::id());
    let message = format!("run echo began >> log.txt; cat log.txt; sleep {marker}");
    let mut stream = server.post_stream(&messages(&agent), &json!({"message": message})).await;
    let session = stream.next_of("start").await["sessionId"].as_str().expect("an id").to_owned();
    stream.next_of("tool_output").await;
    assert!(runs(&marker));
    server.kill9();
    let deadline = Instant::now() + DEADLINE;
    while runs(&marker) {
        assert!(Instant::now() < deadline, "the command outlives its server");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    server.restart();
    let approval = pending_approval(&server).await;
    assert_eq!(approval["question"], "outcome_unknown", "{approval}");
    let id = approval["id"].as_str().expect("an id");
    let (status, body) = server.post(&format!("/v1/approvals/{id}/deny"), &json!({"note": "I looked"})).await;
    assert_eq!(status, 200, "{body}");
    let events = log(&server, &agent, &session, 1).await;
    assert_eq!(types(&events).iter().filter(|kind| **kind == "tool_started").count(), 1);
    let answer = events[events.len() - 2]["details"]["text"].as_str().expect("the model answered");
    assert!(answer.contains("its outcome is unknown") && answer.contains("I looked"), "{answer}");
    let mut stream = server.post_stream(&messages(&agent), &json!({"message": "run cat log.txt"})).await;
    assert_eq!(
        stream.next_of("tool_result").await["content"].as_str().map(|text| text.matches("began").count()),
        Some(1)
    );
}

#[tokio::test]
async fn an_approval_that_was_pending_can_be_given_after_the_restart_and_acts_once() {
    let mut server = start();
    let agent = server.agent("ada", "scripted/story", &["--policy", "strict"]);
    let message = json!({"message": "run echo acted >> log.txt; cat log.txt"});
    let mut stream = server.post_stream(&messages(&agent), &message).await;
    let session = stream.next_of("start").await["sessionId"].as_str().expect("an id").to_owned();
    let approval = stream.next_of("approval_required").await;
    server.kill9();
    server.restart();
    let id = approval["approvalId"].as_str().expect("an id");
    let (status, body) = server.post(&format!("/v1/approvals/{id}/approve"), &json!({})).await;
    assert_eq!(status, 200, "{body}");
    let events = log(&server, &agent, &session, 1).await;
    let result = events.iter().find(|event| event["type"] == "tool_finished").expect("it ran");
    assert_eq!(
        result["details"]["text"].as_str().map(|text| text.matches("acted").count()),
        Some(1),
        "{result}"
    );
    let (status, _) = server.post(&format!("/v1/approvals/{id}/approve"), &json!({})).await;
    assert_eq!(status, 409);
}

#[tokio::test]
async fn what_was_acknowledged_survives_kills_at_any_moment_and_is_answered_once() {
    const KILLS: u64 = 8;
    let mut server = start();
    let agent = server.agent("ada", "scripted/story", &[]);
    let mut posted = Vec::new();
    for round in 0..KILLS {
        for peer in 0..4 {
            let peer = format!("peer {round}.{peer}");
            let body = json!({"message": "run true", "peerId": peer});
            let mut stream = server.post_stream(&messages(&agent), &body).await;
            posted.push(stream.next_of("start").await["sessionId"].as_str().expect("an id").to_owned());
        }
        // Different moments of the turns: while they are leased, while the command runs, while they end.
        tokio::time::sleep(Duration::from_millis(round * 7)).await;
        server.kill9();
        server.restart();
    }
    for session in &posted {
        settle(&server, &agent, session).await;
    }
}

/// Lets whatever a crash left unknown go on, and checks that the session's log tells one whole story.
async fn settle(server: &Server, agent: &str, session: &str) {
    let path = format!("/v1/agents/{agent}/chat/sessions/{session}/events");
    let mut stream = server.get_stream(&path).await;
    let mut events = Vec::new();
    loop {
        let event = stream.next().await.expect("the turn ends");
        if !event["offset"].is_u64() {
            continue;
        }
        if event["type"] == "approval_requested" {
            let id = event["details"]["approvalId"].as_str().expect("an id").to_owned();
            let (status, body) = server.post(&format!("/v1/approvals/{id}/deny"), &json!({})).await;
            assert_eq!(status, 200, "{body}");
        }
        events.push(event);
        if events.last().is_some_and(|event| event["type"] == "turn_ended") {
            break;
        }
    }
    let offsets: Vec<_> = events.iter().filter_map(|event| event["offset"].as_u64()).collect();
    assert_eq!(offsets, (1..=offsets.len() as u64).collect::<Vec<_>>());
    let count = |kind| events.iter().filter(|event| event["type"] == kind).count();
    assert_eq!(count("message_received"), 1);
    assert_eq!(count("tool_started"), 1, "{events:#?}");
    assert_eq!(events.last().expect("has an end")["details"]["status"], "answered", "{events:#?}");
}

#[tokio::test]
async fn a_server_that_was_killed_leaves_nothing_in_the_way_of_the_next() {
    let mut server = start();
    let agent = server.agent("ada", "scripted/story", &[]);
    let mut stream =
        server.post_stream(&messages(&agent), &json!({"message": "run echo kept > file.txt"})).await;
    stream.next_of("done").await;
    server.kill9();
    assert!(Path::new(&server.home().data()).join("lock").exists(), "the lock file stays behind");
    server.restart();
    let mut stream = server.post_stream(&messages(&agent), &json!({"message": "run cat file.txt"})).await;
    let result = stream.next_of("tool_result").await;
    assert!(result["content"].as_str().expect("a text").contains("kept"), "the workspace lasts: {result}");
}
