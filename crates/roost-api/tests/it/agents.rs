use std::time::Duration;

use axum::http::Method;
use insta::assert_json_snapshot;
use roost_domain::key::{Scope, Style};
use roost_testkit::Reply;
use serde_json::{Value, json};

use crate::support::{Answer, Api, PATIENCE, request};

const AGENTS: &str = "/v1/agents";

async fn made(api: &Api, body: Value) -> String {
    let answer = api.post(AGENTS, body).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.data()["id"].as_str().unwrap().to_owned()
}

async fn named(api: &Api, name: &str) -> String {
    made(api, json!({"name": name, "model": "test/echo"})).await
}

async fn as_key(api: &Api, key: &str, method: Method, path: &str) -> Answer {
    api.send(request(method, path, Some(key), None)).await
}

#[tokio::test]
async fn an_agent_is_made_of_agentos_body() {
    let api = Api::start().await;
    let body = json!({
        "name": "My Assistant",
        "region": "us",
        // The test's usual model for a key of anthropic is one of its own provider, keyed.
        "secrets": {"anthropicApiKey": "sk-ant-1", "openaiApiKey": null, "telegramBotToken": "1:a", "keyedApiKey": "k"},
        "config": {"llmProvider": "anthropic", "tone": "warm"},
        "soulMd": "# SOUL.md\n\nYou are kind.",
        "workflowMd": "# Workflow",
        "swarmId": null,
    });
    assert_json_snapshot!(api.post(AGENTS, body).await.shown());
}

#[tokio::test]
async fn an_agent_is_made_of_gopilots_body() {
    let api = Api::start().await;
    let body = json!({
        "name": "Support Bot",
        "model": "keyed/claude-sonnet-4-6",
        "description": "Handles customer support",
        "llm_keys": [{"provider": "keyed", "api_key": "sk-ant-1"}],
        "size": "large",
        "channels": {"telegram": {"botToken": "1:a"}},
    });
    assert_json_snapshot!(api.post(AGENTS, body).await.shown());
}

#[tokio::test]
async fn an_agent_is_made_of_the_native_body_and_its_secrets_are_never_shown() {
    let api = Api::start().await;
    let body = json!({
        "name": "Ada",
        "model": "keyed/one",
        "size": "small",
        "secrets": {"keyedApiKey": "sk-very-secret"},
        "identityMd": "# I am Ada",
        "tags": ["support", "eu"],
        "avatarUrl": "https://example.com/ada.png",
        "policy": "strict",
    });
    let id = made(&api, body).await;
    let seen = api.get(&format!("{AGENTS}/{id}")).await;
    assert!(!seen.text.contains("sk-very-secret"));
    assert_json_snapshot!(seen.shown());
}

#[tokio::test]
async fn what_is_wrong_with_a_body_is_said_and_nothing_is_made() {
    let api = Api::start().await;
    let table = [
        (json!({"model": "test/echo"}), "name is required"),
        (json!({"name": "A", "colour": "red"}), "colour is not a known field"),
        (json!({"name": 5}), "name is a number; it must be a text"),
        (json!({"name": ""}), "name is required and must have 1 to 100 characters"),
        (json!({"name": "x".repeat(101)}), "name has 101 characters; at most 100 are allowed"),
        (json!({"name": "A", "model": "echo"}), "model \"echo\" is not a model name"),
        (json!({"name": "A", "model": "nobody/one"}), "no provider serves nobody/one"),
        (json!({"name": "A", "model": "keyed/one"}), "there is no key for keyed/one"),
        (json!({"name": "A"}), "secrets must hold a key for a model provider"),
        (json!({"name": "A", "size": "huge"}), "size \"huge\" is not a machine size"),
        (json!({"name": "A", "region": "mars"}), "region \"mars\" is not a region"),
        (json!({"name": "A", "runtime_kind": "other"}), "runtime_kind \"other\" is not a runtime"),
        (json!({"name": "A", "runtime_kind": "hermes"}), "use roost or openclaw"),
        (json!({"name": "A", "runtime_kind": "openclaw"}), "runtime_kind: this server hosts no openclaw"),
        (json!({"name": "A", "model": "test/echo", "policy": "lax"}), "config.policy is wrong"),
        (
            json!({"name": "A", "policy": "open", "config": {"policy": "strict"}}),
            "policy and config.policy differ",
        ),
        (
            json!({"name": "A", "model": "test/echo", "config": {"network": {"allow": [1]}}}),
            "config.network.allow[0] must be a text",
        ),
        (json!({"name": "A", "secrets": "sk-ant-secret"}), "secrets is a text; it must be an object"),
        (json!({"name": "A", "secrets": {"anthropicApiKey": 1}}), "secrets.anthropicApiKey is a number"),
        (json!({"name": "A", "llm_keys": [{"provider": "openai"}]}), "llm_keys[0].api_key is required"),
        (
            json!({"name": "A", "llm_keys": [{"provider": "openai", "apiKey": "sk-secret"}]}),
            "llm_keys[0].apiKey is not a known field",
        ),
        (
            json!({
                "name": "A", "secrets": {"openaiApiKey": "sk-secret"},
                "llm_keys": [{"provider": "openai", "api_key": "sk-secret"}],
            }),
            "llm_keys[0] gives the secret openai_api_key a second time",
        ),
        (json!({"name": "A", "tags": ["", "b"]}), "tags[0] must have 1 to 50 characters"),
        (json!({"name": "A", "avatarUrl": "javascript:1"}), "avatarUrl must be an http or https URL"),
    ];
    for (body, message) in table {
        let answer = api.post(AGENTS, body.clone()).await;
        assert_eq!(answer.status, 400, "{body}: {answer:?}");
        assert!(answer.message().contains(message), "{body}: {}", answer.message());
        assert!(!answer.text.contains("secret\""), "{body}: a secret in {}", answer.text);
        assert!(!answer.text.contains("sk-"), "{body}: a secret in {}", answer.text);
    }
    let swarm = json!({"name": "A", "model": "test/echo", "swarmId": "s1b2c3d4-e5f6-7890-abcd-ef1234567890"});
    api.post(AGENTS, swarm).await.is_error(404, "not_found_error", "not_found");
    assert_eq!(api.get(AGENTS).await.json()["pagination"]["total"], 0);
}

#[tokio::test]
async fn lists_are_paged_newest_first_and_filtered() {
    let api = Api::start().await;
    for name in ["Ada", "Bob", "Cleo"] {
        named(&api, name).await;
        api.app.clock.advance(Duration::from_secs(1));
    }
    made(&api, json!({"name": "Adam", "model": "test/echo", "tags": ["vip"]})).await;

    assert_json_snapshot!(api.get("/v1/agents?limit=2").await.shown());
    let names = |answer: &Answer| -> Vec<String> {
        let data = answer.data();
        data.as_array().unwrap().iter().map(|agent| agent["name"].as_str().unwrap().to_owned()).collect()
    };
    let first = api.get("/v1/agents?limit=3").await;
    assert_eq!(names(&first), ["Adam", "Cleo", "Bob"]);
    let cursor = first.json()["pagination"]["nextCursor"].as_str().unwrap().to_owned();
    let second = api.get(&format!("/v1/agents?limit=3&cursor={cursor}")).await;
    assert_eq!(names(&second), ["Ada"]);
    assert_eq!(second.json()["pagination"], json!({"total": 4, "limit": 3, "offset": 0}));

    assert_eq!(names(&api.get("/v1/agents?name=ada").await), ["Adam", "Ada"]);
    assert_eq!(names(&api.get("/v1/agents?tag=vip").await), ["Adam"]);
    assert_eq!(names(&api.get("/v1/agents?status=stopped").await), Vec::<String>::new());
    assert_eq!(names(&api.get("/v1/agents").await).len(), 4);
}

#[tokio::test]
async fn lists_say_what_is_wrong_with_a_query() {
    let api = Api::start().await;
    for (query, message) in [
        ("limit=many", "limit must be a whole number"),
        ("cursor=abc", "cursor is not one that this list gave"),
        ("status=asleep", "status must be provisioning, running, paused, stopped or error"),
        ("limt=3", "limt is not a known query parameter"),
    ] {
        let answer = api.get(&format!("/v1/agents?{query}")).await;
        answer.is_error(400, "invalid_request_error", "invalid_request");
        assert!(answer.message().starts_with(message), "{}", answer.message());
    }
    // Another list's cursor, too.
    let approvals = roost_http_cursor();
    api.get(&format!("/v1/agents?cursor={approvals}")).await.is_error(
        400,
        "invalid_request_error",
        "invalid_request",
    );
}

/// A cursor that the list of approvals could have given.
fn roost_http_cursor() -> String {
    roost_http::write_cursor("approvals", &[&"2026-02-10T14:00:00Z", &"apr_00000000000070008000000000000001"])
}

#[tokio::test]
async fn an_agent_is_changed_in_part() {
    let api = Api::start().await;
    let id = made(
        &api,
        json!({
            "name": "Ada", "model": "test/echo", "avatarUrl": "https://example.com/a.png",
            "config": {"tone": "warm", "budgetUsd": 5},
        }),
    )
    .await;
    let path = format!("{AGENTS}/{id}");
    let change = json!({
        "name": "Updated Assistant",
        "avatarUrl": null,
        "config": {"tone": null, "idleSeconds": 60},
        "policy": "open",
        "swarmId": null,
    });
    assert_json_snapshot!(api.ask(Method::PATCH, &path, Some(change)).await.shown());

    let replaced = api.ask(Method::PUT, &path, Some(json!({"description": "New"}))).await.data();
    assert_eq!((&replaced["description"], &replaced["name"]), (&json!("New"), &json!("Updated Assistant")));

    for (body, message) in [
        (json!({"nam": "x"}), "nam is not a known field"),
        (json!({"config": []}), "config is a list; it must be an object"),
        (json!({"config": {"maxRounds": 0}}), "config.maxRounds must be a whole number from 1 to 200"),
    ] {
        let answer = api.ask(Method::PATCH, &path, Some(body)).await;
        answer.is_error(400, "invalid_request_error", "invalid_request");
        assert!(answer.message().starts_with(message), "{}", answer.message());
    }
    let swarm = json!({"swarmId": "s1b2c3d4-e5f6-7890-abcd-ef1234567890"});
    api.ask(Method::PATCH, &path, Some(swarm)).await.is_error(404, "not_found_error", "not_found");
}

#[tokio::test]
async fn an_agent_is_stopped_started_paused_and_deleted() {
    let api = Api::start().await;
    let id = named(&api, "Ada").await;
    let act = async |verb: &str| api.ask(Method::POST, &format!("{AGENTS}/{id}/{verb}"), None).await;

    api.app.clock.advance(Duration::from_secs(60));
    assert_json_snapshot!("stopped", act("stop").await.shown());
    act("pause").await.is_error(409, "invalid_request_error", "invalid_state");
    let chat = format!("{AGENTS}/{id}/chat/messages");
    api.post(&chat, json!({"message": "Hi"})).await.is_error(
        409,
        "invalid_request_error",
        "agent_not_running",
    );
    assert_eq!(api.get(&chat).await.status, 200, "the history of a stopped agent can be read");
    assert_eq!(act("start").await.data()["status"], "running");
    assert_eq!(act("pause").await.data()["status"], "paused");
    assert_eq!(act("resume").await.data()["status"], "running");
    assert_eq!(act("restart").await.data()["needsRestart"], false);

    let gone = api.ask(Method::DELETE, &format!("{AGENTS}/{id}"), None).await;
    assert_eq!(gone.json(), json!({"data": {"id": id, "deleted": true}}));
    api.get(&format!("{AGENTS}/{id}")).await.is_error(404, "not_found_error", "not_found");
    assert_eq!(api.get(AGENTS).await.json()["pagination"]["total"], 0);
}

#[tokio::test]
async fn a_frozen_agent_is_running_for_agento_and_paused_for_others() {
    let api = Api::start().await;
    let id = named(&api, "Ada").await;
    api.app.models.when(
        "work",
        [Reply::Use("", vec![("shell", json!({"command": "true"}))]), Reply::Say(vec!["done"])],
    );
    api.say(&id, "work").await;
    api.app.machines.idle_for(Duration::from_secs(1_000));
    // The machine freezes after the agent is marked.
    let frozen = async {
        while api.get(&format!("{AGENTS}/{id}/status")).await.data()["machine"]["condition"] != "frozen" {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, frozen).await.expect("the machine of an idle agent freezes");

    let agento = api.key(Style::Agento, &[]).await;
    let gopilot = api.key(Style::Gopilot, &[]).await;
    for (key, status, container) in [
        (&agento, "running", "running"),
        (&gopilot, "paused", "paused"),
        (&api.key.clone(), "paused", "paused"),
    ] {
        let seen = as_key(&api, key, Method::GET, &format!("{AGENTS}/{id}")).await.data();
        assert_eq!(seen["status"], status);
        let seen = as_key(&api, key, Method::GET, &format!("{AGENTS}/{id}/status")).await.data();
        assert_eq!((&seen["status"], &seen["containerStatus"]), (&json!(status), &json!(container)));
        assert_eq!(seen["live"], true);
        let listed = as_key(&api, key, Method::GET, &format!("{AGENTS}?status={status}")).await;
        assert_eq!(listed.json()["pagination"]["total"], 1);
    }
}

#[tokio::test]
async fn status_shows_the_machine() {
    let api = Api::start().await;
    let id = named(&api, "Ada").await;
    let status = async || api.get(&format!("{AGENTS}/{id}/status")).await;
    assert_json_snapshot!("before_the_first_tool", status().await.shown());
    api.app.models.when(
        "work",
        [Reply::Use("", vec![("shell", json!({"command": "true"}))]), Reply::Say(vec!["done"])],
    );
    api.say(&id, "work").await;
    assert_json_snapshot!("after_the_first_tool", status().await.shown());
    api.ask(Method::POST, &format!("{AGENTS}/{id}/stop"), None).await;
    let stopped = status().await.data();
    assert_eq!((&stopped["containerStatus"], &stopped["live"]), (&json!("exited"), &json!(false)));
}

#[tokio::test]
async fn agentos_keys_may_delete_with_their_write_scope_and_others_may_not() {
    let api = Api::start().await;
    let id = named(&api, "Ada").await;
    let native = api.key(Style::Native, &[Scope::AgentsWrite]).await;
    as_key(&api, &native, Method::DELETE, &format!("{AGENTS}/{id}")).await.is_error(
        403,
        "authorization_error",
        "missing_scope",
    );
    let agento = api.key(Style::Agento, &[Scope::AgentsWrite]).await;
    assert_eq!(as_key(&api, &agento, Method::DELETE, &format!("{AGENTS}/{id}")).await.status, 200);
}

#[tokio::test]
async fn an_agent_with_a_runtime_of_others_is_provisioning_until_that_is_up() {
    let api = Api::start().await;
    api.app.runtimes.install();
    let body = json!({"name": "Claw", "model": "test/echo", "runtime_kind": "openclaw"});
    let created = api.post(AGENTS, body.clone()).await;
    assert_eq!(
        (created.status.as_u16(), created.json()["data"]["status"].clone()),
        (201, json!("provisioning")),
        "{}",
        created.text
    );
    assert_eq!(created.json()["data"]["image"], "openclaw");
    let id = created.json()["data"]["id"].as_str().unwrap().to_owned();
    let running = until(&api, &id, "running").await;
    assert_eq!(running["lastError"], Value::Null);
    // One that does not come up is in error, with the reason; starting it again tries again.
    api.app.runtimes.break_next("the gateway ended before it answered");
    api.post(&format!("{AGENTS}/{id}/restart"), json!({})).await;
    let failed = until(&api, &id, "error").await;
    assert_eq!(failed["lastError"], "the gateway ended before it answered");
    api.post(&format!("{AGENTS}/{id}/start"), json!({})).await;
    until(&api, &id, "running").await;
}

/// Waits until an agent has a status, and returns the agent.
async fn until(api: &Api, id: &str, status: &str) -> Value {
    let deadline = std::time::Instant::now() + crate::support::PATIENCE;
    loop {
        let seen = api.get(&format!("{AGENTS}/{id}")).await.data();
        if seen["status"] == status {
            return seen;
        }
        assert!(std::time::Instant::now() < deadline, "{seen}");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}
