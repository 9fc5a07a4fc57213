//! The examples of Agento's and GoPilot's own documents, with the host changed and the providers' base URLs pointing
//! at the fake model.

use std::process::Command;

use serde_json::{Value, json};

use crate::roost::{Home, Options, Process, Server, finish, text};

const SCRIPT: &str = r#"
default:
  - text: "I can help you with a wide range of tasks!"
"#;

/// Starts the fake model and a server whose providers are there, and makes a key of a product.
fn start(product: &str) -> (Process, Server, String) {
    let home = Home::new(Options { scripts: vec![("any", SCRIPT.to_owned())], ..Options::default() });
    let script = home.path().join("scripts/any.yaml");
    let script = script.to_str().expect("a plain path");
    let mut fake = Process::start(home.roost(&["fake-model", "--listen", "127.0.0.1:0", "--script", script]));
    let url = fake.line("listening on ");
    let environment = vec![
        ("ANTHROPIC_BASE_URL", url.clone()),
        ("OPENAI_BASE_URL", format!("{url}/v1")),
        ("GEMINI_BASE_URL", url),
    ];
    let server = Server::start(Options { environment, ..Options::default() });
    let made = server.home().json(&["keys", "create", "--name", product, "--as", product, "--json"]);
    let key = made["key"].as_str().expect("a key").to_owned();
    (fake, server, key)
}

/// Runs a shell line as the documents print it and returns what it printed.
fn sh(server: &Server, line: &str) -> String {
    let mut command = Command::new("sh");
    command.args(["-ec", line]).current_dir(server.home().path());
    let output = finish(command);
    assert!(output.status.success(), "{line}: {}", text(&output.stderr));
    text(&output.stdout)
}

fn json_of(printed: &str) -> Value {
    serde_json::from_str(printed).unwrap_or_else(|error| panic!("no JSON ({error}): {printed}"))
}

#[tokio::test]
async fn agentos_first_request_lists_the_agents() {
    let (_fake, server, key) = start("agento");
    assert!(key.starts_with("ak_live_") && key.len() == "ak_live_".len() + 32, "like the documents' example");
    let line = "curl -s https://api.agento.host/v1/agents \\\n-H \"X-Api-Key: ak_live_a1b2c3d4e5f6a1b2c3d4e5f6a1b2c3d4\"";
    let line = line
        .replace("https://api.agento.host", &server.url)
        .replace("ak_live_a1b2c3d4e5f6a1b2c3d4e5f6a1b2c3d4", &key);
    let body = json_of(&sh(&server, &line));
    assert_eq!(body["data"], json!([]));
    assert_eq!((&body["pagination"]["total"], &body["pagination"]["offset"]), (&json!(0), &json!(0)));
}

#[tokio::test]
async fn an_agento_client_makes_an_agent_chats_and_reads_history() {
    let (_fake, server, key) = start("agento");
    let curl = |path: &str, more: &str| {
        sh(
            &server,
            &format!(
                "curl -sN {}{path} -H 'X-Api-Key: {key}' -H 'Content-Type: application/json' {more}",
                server.url
            ),
        )
    };
    let body =
        r##"-d '{"name":"My Assistant","secrets":{"anthropicApiKey":"sk-ant-test"},"soulMd":"# SOUL.md"}'"##;
    let made = json_of(&curl("/v1/agents", body));
    let id = made["data"]["id"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned();
    assert_eq!(
        (made["data"]["status"].as_str(), made["data"]["region"].as_str()),
        (Some("running"), Some("eu"))
    );
    let chat =
        curl(&format!("/v1/agents/{id}/chat/messages"), r#"-d '{"message":"Hello!","peerId":"cust_1"}'"#);
    // An old client joins the text events and stops at done.
    let events: Vec<Value> =
        chat.lines().filter_map(|line| line.strip_prefix("data: ")).map(json_of).collect();
    let said: String =
        events.iter().filter(|e| e["type"] == "text").filter_map(|e| e["content"].as_str()).collect();
    assert_eq!(said, "I can help you with a wide range of tasks!");
    assert_eq!(events.last().map(|event| event["type"].clone()), Some(json!("done")));
    let history = json_of(&curl(&format!("/v1/agents/{id}/chat/messages"), ""));
    let roles: Vec<_> =
        history["data"].as_array().expect("a list").iter().map(|m| m["role"].clone()).collect();
    assert_eq!(roles, ["user", "assistant"]);
    let got = json_of(&curl(&format!("/v1/agents/{id}"), ""));
    for field in ["image", "avatarUrl", "config", "swarm", "lastError", "errorCategory", "needsRestart"] {
        assert!(got["data"].get(field).is_some(), "{field} is missing: {got}");
    }
    let stopped = json_of(&curl(&format!("/v1/agents/{id}/stop"), "-X POST"));
    assert_eq!(stopped["data"]["status"], "stopped");
    let refused = json_of(&curl(&format!("/v1/agents/{id}/chat/messages"), r#"-d '{"message":"Hello?"}'"#));
    assert_eq!(refused["error"]["code"], "agent_not_running");
    let deleted = json_of(&curl(&format!("/v1/agents/{id}"), "-X DELETE"));
    assert_eq!(deleted["data"], json!({"id": id, "deleted": true}));
}

#[tokio::test]
async fn gopilots_quickstart_makes_an_agent() {
    let (_fake, server, key) = start("gopilot");
    assert!(key.starts_with("gopt_live_"));
    let line = r#"curl -s -X POST https://api.gopilot.dev/v1/agents \
-H "X-API-Key: gopt_live_your_key_here" \
-H "Content-Type: application/json" \
-d '{
"name": "Support Bot",
"model": "anthropic/claude-sonnet-4-6",
"description": "Handles customer support",
"llm_keys": [
{ "provider": "anthropic", "api_key": "sk-ant-..." }
]
}'"#;
    let line = line.replace("https://api.gopilot.dev", &server.url).replace("gopt_live_your_key_here", &key);
    let made = json_of(&sh(&server, &line));
    let id = made["data"]["id"].as_str().unwrap_or_else(|| panic!("{made}"));
    let poll = format!("curl -s {}/v1/agents/{id} -H 'Authorization: Bearer {key}'", server.url);
    let got = json_of(&sh(&server, &poll));
    assert_eq!(got["data"]["status"], "running");
    assert_eq!(got["data"]["model"], "anthropic/claude-sonnet-4-6");
    let nameless = line.replace("\"name\": \"Support Bot\",", "");
    let refused = json_of(&sh(&server, &nameless));
    assert_eq!(refused["error"]["type"], "invalid_request_error");
    assert!(
        refused["error"]["message"].as_str().is_some_and(|message| message.contains("name")),
        "{refused}"
    );
    assert!(!made.to_string().contains("sk-ant-"), "a secret is in the answer");
}
