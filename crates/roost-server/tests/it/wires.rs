//! One scripted story told over three wire formats leaves one log.

use serde_json::{Value, json};

use crate::roost::{Home, Options, Process, Server};

const SCRIPT: &str = r#"
turns:
  - - text: "I look at two things at once."
      calls:
        - {tool: shell, arguments: {command: "echo one"}}
        - {tool: write_file, arguments: {path: notes.txt, content: "two\n"}}
      usage: {input: 900, cached: 300, output: 40}
    - calls: [{tool: read_file, arguments: {path: notes.txt}}]
      usage: {input: 1000, cached: 900, output: 12}
    - text: "The notes say {{result}}"
      usage: {input: 1100, output: 15}
  - - text: "Once more."
      calls: [{tool: edit_file, arguments: {path: notes.txt, old: "two", new: "zwei"}}]
      usage: {input: 1200, output: 20}
    - text: "Changed. Grüße! 🐓"
      usage: {input: 1300, output: 9}
  - - calls: [{tool: search_files, arguments: {pattern: "zw.i"}}]
      usage: {input: 1400, output: 11}
    - text: "Found it."
      usage: {input: 1500, output: 4}
"#;

fn fake_model() -> (Process, String, Home) {
    let home = Home::new(Options { scripts: vec![("story", SCRIPT.to_owned())], ..Options::default() });
    let script = home.path().join("scripts/story.yaml");
    let script = script.to_str().expect("a plain path");
    let mut process =
        Process::start(home.roost(&["fake-model", "--listen", "127.0.0.1:0", "--script", script]));
    let url = process.line("listening on ");
    (process, url, home)
}

/// Tells the story with a model and returns what is in the session's log, but for ids, times, the model's name and
/// what it costs there.
async fn tell(server: &Server, model: &str) -> Vec<Value> {
    let agent = server.agent("ada", model, &[]);
    let path = format!("/v1/agents/{agent}/chat/messages");
    let mut session = String::new();
    for message in ["begin", "go on", "finish"] {
        let mut stream = server.post_stream(&path, &json!({"message": message})).await;
        session = stream.next_of("start").await["sessionId"].as_str().expect("an id").to_owned();
        stream.next_of("done").await;
    }
    let mut stream = server.get_stream(&format!("/v1/agents/{agent}/chat/sessions/{session}/events")).await;
    let mut events = Vec::new();
    while events.iter().filter(|event: &&Value| event["type"] == "turn_ended").count() < 3 {
        let mut event = stream.next().await.expect("the story ends");
        if !event["offset"].is_u64() {
            continue;
        }
        for part in ["at", "turnId"] {
            event[part] = Value::Null;
        }
        for part in ["model", "reservedMicroUsd", "costMicroUsd"] {
            if event["details"].get(part).is_some() {
                event["details"][part] = Value::Null;
            }
        }
        if event["type"] == "tool_finished" {
            // How long a command took is told with its result.
            let text = event["details"]["text"].as_str().unwrap_or_default();
            event["details"]["text"] = text.lines().next().unwrap_or_default().into();
        }
        events.push(event);
    }
    in_parallel_order(events)
}

/// Tools that run at once may end in either order; their events are put in the order of their calls.
fn in_parallel_order(mut events: Vec<Value>) -> Vec<Value> {
    let is_tool = |event: &Value| matches!(event["type"].as_str(), Some("tool_started" | "tool_finished"));
    for run in events.chunk_by_mut(|a, b| is_tool(a) && is_tool(b)) {
        run.sort_by_key(|event| (event["details"]["callId"].to_string(), event["type"] == "tool_finished"));
    }
    events
        .into_iter()
        .map(|mut event| {
            event["offset"] = Value::Null;
            event
        })
        .collect()
}

#[tokio::test]
async fn a_story_with_five_tool_calls_leaves_the_same_log_over_every_wire_format() {
    let (_fake, url, _home) = fake_model();
    let environment = vec![
        ("ANTHROPIC_API_KEY", "sk-ant-fake".to_owned()),
        ("ANTHROPIC_BASE_URL", url.clone()),
        ("OPENAI_API_KEY", "sk-fake".to_owned()),
        ("OPENAI_BASE_URL", format!("{url}/v1")),
        ("GEMINI_API_KEY", "fake".to_owned()),
        ("GEMINI_BASE_URL", url),
    ];
    let scripts = vec![("story", SCRIPT.to_owned())];
    let server = Server::start(Options { environment, scripts, ..Options::default() });
    let in_process = tell(&server, "scripted/story").await;
    let started = in_process.iter().filter(|event| event["type"] == "tool_started").count();
    assert_eq!(started, 5, "{in_process:#?}");
    for model in ["anthropic/claude-sonnet-4-6", "openai/gpt-5.5", "google/gemini-2.5-pro"] {
        let log = tell(&server, model).await;
        for (ours, theirs) in in_process.iter().zip(&log) {
            assert_eq!(theirs, ours, "{model}");
        }
        assert_eq!(log.len(), in_process.len(), "{model}");
    }
    assert!(!server.log().contains("sk-fake"), "a key is in the log");
}
