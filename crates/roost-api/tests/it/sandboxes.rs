use axum::http::Method;
use insta::assert_json_snapshot;
use serde_json::{Value, json};

use crate::support::{Answer, Api, PATIENCE};

async fn made(api: &Api, body: Value) -> String {
    api.post("/v1/sandboxes", body).await.data()["id"].as_str().unwrap().to_owned()
}

async fn run(api: &Api, id: &str, body: Value) -> Answer {
    api.post(&format!("/v1/sandboxes/{id}/run"), body).await
}

async fn until_over(api: &Api, path: &str) -> Value {
    let wait = async {
        loop {
            let run = api.get(path).await.data();
            if !matches!(run["status"].as_str(), Some("queued" | "running")) {
                return run;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.expect("the run ends in time")
}

#[tokio::test]
async fn a_sandbox_is_made_shown_and_destroyed() {
    let api = Api::start().await;
    let body = json!({
        "agentId": "support-bot",
        "config": {
            "image": "default",
            "filesystem": {"readOnly": ["/workspace/data"], "read_write": ["/workspace/out"], "blocked": ["/etc"]},
            "network": {"allow": ["api.example.com"], "block_outbound": true},
            "resources": {"cpu": "0.5", "memory": "512m", "timeout": 60},
        },
    });
    let created = api.post("/v1/sandboxes", body).await;
    assert_json_snapshot!(created.shown());
    let id = created.data()["id"].as_str().unwrap().to_owned();
    assert_eq!(api.get(&format!("/v1/sandboxes/{id}")).await.data(), created.data());
    let deleted = api.ask(Method::DELETE, &format!("/v1/sandboxes/{id}"), None).await;
    assert_eq!((deleted.status.as_u16(), deleted.text.as_str()), (204, ""));
    let gone = api.get(&format!("/v1/sandboxes/{id}")).await.data();
    assert_eq!((&gone["status"], gone["destroyedAt"].is_string()), (&json!("destroyed"), true));
    let refused = run(&api, &id, json!({"code": "print(1)"})).await;
    refused.is_error(409, "invalid_request_error", "sandbox_destroyed");
}

#[tokio::test]
async fn code_is_run_and_its_end_awaited() {
    let api = Api::start().await;
    let id = made(&api, json!({"agentId": "bot"})).await;
    let done = run(&api, &id, json!({"code": "exit 3", "timeout": 5})).await;
    assert_json_snapshot!(done.shown());
    let path = done.data()["pollUrl"].as_str().unwrap().to_owned();
    assert_eq!(api.get(&path).await.data(), done.data());
}

#[tokio::test]
async fn a_run_that_nobody_waits_for_is_polled() {
    let api = Api::start().await;
    let id = made(&api, json!({"agentId": "bot"})).await;
    let accepted = run(&api, &id, json!({"code": "hang", "async": true})).await;
    assert_eq!((accepted.status.as_u16(), &accepted.data()["status"]), (202, &json!("queued")));
    let busy = run(&api, &id, json!({"code": "print(1)"})).await;
    busy.is_error(409, "invalid_request_error", "sandbox_busy");
    api.ask(Method::DELETE, &format!("/v1/sandboxes/{id}"), None).await;
    let over = until_over(&api, accepted.data()["pollUrl"].as_str().unwrap()).await;
    assert_eq!(over["status"], "cancelled");
    let other = made(&api, json!({"agentId": "bot"})).await;
    let elsewhere = format!("/v1/sandboxes/{other}/runs/{}", accepted.data()["id"].as_str().unwrap());
    api.get(&elsewhere).await.is_error(404, "not_found_error", "not_found");
}

#[tokio::test]
async fn the_mode_wasm_takes_modules() {
    let api = Api::start().await;
    let id = made(&api, json!({"agentId": "bot", "mode": "wasm"})).await;
    let done = run(&api, &id, json!({"code": "(module)"})).await;
    assert_eq!((done.status.as_u16(), &done.data()["status"]), (200, &json!("succeeded")));
    let python = run(&api, &id, json!({"code": "print(1)"})).await;
    python.is_error(400, "invalid_request_error", "invalid_request");
    assert_eq!(python.message(), "code cannot be run: the test has no Python");
}

#[tokio::test]
async fn sandboxes_are_listed_newest_first_and_filtered() {
    let api = Api::start().await;
    let mut all = Vec::new();
    for name in ["a", "b", "a"] {
        all.insert(0, made(&api, json!({"agentId": name})).await);
        api.app.clock.advance(std::time::Duration::from_secs(1));
    }
    let ids = |answer: &Answer| {
        let data = answer.data();
        data.as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let first = api.get("/v1/sandboxes?limit=2").await;
    assert_eq!(ids(&first), all[..2]);
    let cursor = first.json()["pagination"]["nextCursor"].as_str().unwrap().to_owned();
    assert_eq!(ids(&api.get(&format!("/v1/sandboxes?cursor={cursor}")).await), all[2..]);
    assert_eq!(ids(&api.get("/v1/sandboxes?agentId=b").await), [all[1].clone()]);
}

#[tokio::test]
async fn a_wrong_field_is_named() {
    let api = Api::start().await;
    let config = |config: Value| json!({"agentId": "bot", "config": config});
    for (body, says) in [
        (json!({"agentId": " "}), "agent_id must have 1 to 200 characters"),
        (json!({"agentId": "bot", "mode": "vm"}), "mode must be container or wasm"),
        (
            config(json!({"image": "ubuntu"})),
            "config.image \"ubuntu\" is not an approved image; use one of default",
        ),
        (config(json!({"resources": {"cpu": "fast"}})), "config.resources.cpu is wrong"),
        (
            config(json!({"resources": {"timeout": 4000}})),
            "config.resources.timeout is 4000; it must be 1 to 3600 seconds",
        ),
        (config(json!({"resources": {"memory": 5}})), "config.resources.memory"),
        (config(json!({"filesystem": {"readOnly": ["/etc"]}})), "config.filesystem.read_only[0] is wrong"),
    ] {
        let wrong = api.post("/v1/sandboxes", body).await;
        wrong.is_error(400, "invalid_request_error", "invalid_request");
        assert!(wrong.message().starts_with(says), "{}", wrong.message());
    }
    let id = made(&api, json!({"agentId": "bot"})).await;
    for (body, says) in [
        (json!({"code": ""}), "code must not be empty"),
        (json!({"code": "x", "timeout": 601}), "timeout is 601"),
    ] {
        let wrong = run(&api, &id, body).await;
        assert!(wrong.message().starts_with(says), "{}", wrong.message());
    }
}
