use rustix::process::Signal;
use serde_json::json;

use crate::DEADLINE;
use crate::roost::{Home, Options, Process};

const SCRIPT: &str = "default:\n  - text: \"I am not real.\"\n";

#[tokio::test]
async fn a_script_is_served_over_the_protocols_and_ends_on_a_signal() {
    let home = Home::new(Options { scripts: vec![("s", SCRIPT.to_owned())], ..Options::default() });
    let arguments = ["fake-model", "--listen", "127.0.0.1:0", "--script", "scripts/s.yaml"];
    let mut process = Process::start(home.roost(&arguments));
    let url = process.line("listening on ");
    let body = json!({ "model": "any", "messages": [{ "role": "user", "content": "Hello" }] });
    // Fails where another test of this process has done it already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::Client::builder().tls_certs_only([]).timeout(DEADLINE).build().expect("a client");
    let request = http.post(format!("{url}/v1/chat/completions")).bearer_auth("any").json(&body);
    let answer: serde_json::Value = request.send().await.expect("it answers").json().await.expect("JSON");
    assert_eq!(answer["choices"][0]["message"]["content"], "I am not real.", "{answer}");
    process.signal(Signal::TERM);
    assert!(process.ended().success());
}

#[test]
fn a_script_that_cannot_be_used_is_named_with_what_is_wrong() {
    let home = Home::new(Options { scripts: vec![("s", "turns: 5".to_owned())], ..Options::default() });
    let message = home.failure(&["fake-model", "--script", "scripts/s.yaml", "--listen", "127.0.0.1:0"]);
    assert!(message.contains("scripts/s.yaml") && message.contains("scripted-models.md"), "{message}");
    let message = home.failure(&["fake-model", "--script", "none.yaml", "--listen", "127.0.0.1:0"]);
    assert!(message.contains("none.yaml cannot be read") && message.contains("--script"), "{message}");
}
