//! A real OpenClaw gateway, hosted in an agent's machine, with a scripted model behind Roost.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::roost::{Home, Options, Process, Server};

/// What the gateway's model says: by the number of the user's messages that it is shown, which tells whether the
/// gateway remembers.
const SCRIPT: &str = r#"
turns:
  - - text: "This is the first I hear."
  - - text: "This is the second."
  - - text: "This is the third."
"#;

const SECRET: &str = "sk-sentinel-openclaw-51c3";

/// Returns where the gateway is installed; says loudly when it is not.
#[expect(clippy::disallowed_methods, reason = "the tests' own switch, no part of a server's configuration")]
fn programs() -> Option<PathBuf> {
    let peers = std::env::var_os("ROOST_PEERS").map(PathBuf::from);
    if peers.is_none() {
        eprintln!("NOT TESTED: ROOST_PEERS names no directory with an OpenClaw gateway");
    }
    let place = peers?.join("npm-openclaw");
    assert!(place.join("node_modules/openclaw").is_dir(), "there is no gateway in {}", place.display());
    Some(place)
}

/// A model provider that follows a script.
fn provider() -> (Process, String, Home) {
    let home = Home::new(Options { scripts: vec![("s", SCRIPT.to_owned())], ..Options::default() });
    let mut process =
        Process::start(home.roost(&["fake-model", "--listen", "127.0.0.1:0", "--script", "scripts/s.yaml"]));
    let url = process.line("listening on ");
    (process, url, home)
}

async fn wait_for_status(server: &Server, agent: &str, wanted: &str) -> Value {
    let deadline = Instant::now() + Duration::from_secs(150);
    loop {
        let (_, answer) = server.get(&format!("/v1/agents/{agent}")).await;
        let data = &answer["data"];
        if data["status"] == wanted {
            return data.clone();
        }
        assert_ne!(data["status"], "error", "{data:#}\n{}", server.log());
        assert!(Instant::now() < deadline, "it is still {}:\n{}", data["status"], server.log());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Says something in a session and returns what the agent answers.
async fn say(server: &Server, agent: &str, peer: &str, text: &str) -> (String, Value) {
    let body = json!({"message": text, "peerId": peer});
    let stream = server.post_stream(&format!("/v1/agents/{agent}/chat/messages"), &body).await;
    let events = stream.rest().await;
    let said = events.iter().filter(|event| event["type"] == "text" || event["type"] == "delta");
    let said: String =
        said.filter_map(|event| event["content"].as_str().or_else(|| event["text"].as_str())).collect();
    (said, json!(events))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_gateway_answers_remembers_and_stays_within_its_agents_budget() {
    let Some(programs) = programs() else { return };
    let (_provider, model_url, _home) = provider();
    let config = format!("[openclaw]\npath = '{}'\n", programs.display());
    let environment = vec![("OPENAI_BASE_URL", format!("{model_url}/v1"))];
    let mut server = Server::start(Options { environment, config, ..Options::default() });

    let (status, answer) = server
        .post(
            "/v1/agents",
            &json!({
                "name": "Claw", "model": "openai/gpt-4o-mini", "runtime_kind": "openclaw", "size": "small",
                "llm_keys": [{"provider": "openai", "api_key": SECRET}],
                "config": {"budgetUsd": 1.0, "idleSeconds": 3600},
                "soulMd": "You are kind.",
            }),
        )
        .await;
    assert_eq!(status, 201, "{answer}");
    let made = &answer["data"];
    assert_eq!(
        (&made["status"], &made["runtimeKind"]),
        (&json!("provisioning"), &json!("openclaw")),
        "{made}"
    );
    let agent = made["id"].as_str().expect("an id").to_owned();
    let began = Instant::now();
    wait_for_status(&server, &agent, "running").await;
    eprintln!("the gateway was ready after {:?}", began.elapsed());

    let (said, events) = say(&server, &agent, "ann", "Hello there, 4711 is my word").await;
    assert_eq!(said, "This is the first I hear.", "{events:#}\n{}", server.log());
    let (said, events) = say(&server, &agent, "ann", "And more").await;
    assert_eq!(said, "This is the second.", "{events:#}");
    let (said, events) = say(&server, &agent, "bob", "Hello from somebody else").await;
    assert_eq!(said, "This is the first I hear.", "another peer's conversation is another: {events:#}");

    // Its model calls were its own: counted, paid, with a key that its machine never sees.
    let (_, usage) = server.get("/v1/usage").await;
    assert!(usage.to_string().contains("gpt-4o-mini") && usage.to_string().contains(&agent), "{usage:#}");
    let workspace = server.home().data().join("workspaces").join(&agent);
    let found =
        std::process::Command::new("grep").args(["-rl", SECRET]).arg(&workspace).output().expect("grep");
    assert_eq!(String::from_utf8_lossy(&found.stdout), "", "the key is in the machine");
    let soul = std::fs::read_to_string(workspace.join("SOUL.md")).expect("it is written");
    assert_eq!(soul, "You are kind.");
    let agents = std::fs::read_to_string(workspace.join("AGENTS.md")).expect("it is written");
    assert!(agents.contains("WORKFLOW.md") && agents.contains("rules/"), "{agents}");

    // What the gateway remembers survives its end.
    assert_eq!(server.post(&format!("/v1/agents/{agent}/stop"), &json!({})).await.0, 200);
    wait_for_status(&server, &agent, "stopped").await;
    assert_eq!(server.post(&format!("/v1/agents/{agent}/start"), &json!({})).await.0, 200);
    wait_for_status(&server, &agent, "running").await;
    let (said, events) = say(&server, &agent, "ann", "Hello again").await;
    assert_eq!(said, "This is the third.", "it has forgotten: {events:#}");

    // Beyond the budget no model is asked.
    let budget = json!({"config": {"budgetUsd": 0.0000001}});
    let (status, answer) = server.patch(&format!("/v1/agents/{agent}"), &budget).await;
    assert_eq!(status, 200, "{answer}");
    let (said, events) = say(&server, &agent, "cid", "One more").await;
    assert_eq!(said, "", "{events:#}");
    assert!(events.to_string().contains("budget"), "{events:#}");
    server.stop();
}
