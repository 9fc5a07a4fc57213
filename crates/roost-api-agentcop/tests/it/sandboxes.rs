use axum::http::Method;
use roost_domain::plan::BuiltinPlan;
use serde_json::{Value, json};

use crate::support::{Answer, Api};

async fn made(api: &Api, body: Value) -> String {
    let made = api.post("/api/sandbox/create", body).await;
    assert_eq!(made.status, 201, "{made:?}");
    made.json()["sandbox_id"].as_str().unwrap().to_owned()
}

/// Status and body; null where there is none.
fn shown(answer: &Answer) -> (u16, Value) {
    let body = if answer.text.is_empty() { Value::Null } else { answer.json() };
    (answer.status.as_u16(), body)
}

#[tokio::test]
async fn a_sandbox_is_made_as_documented() {
    let api = Api::start().await;
    let body = json!({
        "agent_id": "support-bot",
        "mode": "container",
        "config": {
            "image": "default",
            "filesystem": {
                "read_only": ["/workspace/data"], "read_write": ["/workspace/out"], "blocked": ["/etc"],
            },
            "network": {"allow": ["api.example.com"], "block_outbound": true},
            "resources": {"cpu": "0.5", "memory": "512m", "timeout": 1800},
        },
    });
    let (status, made) = shown(&api.post("/api/sandbox/create", body).await);
    let id = made["sandbox_id"].as_str().unwrap();
    assert!(id.starts_with("sbx_"), "{id}");
    let expected = json!({
        "sandbox_id": id, "agent_id": "support-bot", "status": "ready", "mode": "container",
        "created_at": "2026-02-10T14:00:00.000Z", "expires_at": "2026-02-10T14:30:00.000Z",
    });
    assert_eq!((status, &made), (201, &expected));
    assert_eq!(shown(&api.get(&format!("/api/sandbox/{id}")).await), (200, expected.clone()));
    assert_eq!(
        shown(&api.get(&format!("/api/v1/sandbox/{id}")).await),
        (200, expected),
        "under either prefix"
    );
    assert_eq!(
        shown(&api.ask(Method::DELETE, &format!("/api/sandbox/{id}"), None).await),
        (204, Value::Null)
    );
    let (status, gone) = shown(&api.get(&format!("/api/sandbox/{id}")).await);
    assert_eq!((status, &gone["status"]), (200, &json!("destroyed")));
    let (status, refused) =
        shown(&api.post(&format!("/api/sandbox/{id}/run"), json!({"code": "print(1)"})).await);
    assert_eq!((status, &refused["error"]), (409, &json!("sandbox_destroyed")));
}

#[tokio::test]
async fn a_run_answers_when_it_is_over_or_is_polled() {
    let api = Api::start().await;
    let id = made(&api, json!({"agent_id": "bot"})).await;
    let (status, done) =
        shown(&api.post(&format!("/api/sandbox/{id}/run"), json!({"code": "exit 3", "timeout": 60})).await);
    assert_eq!(status, 200);
    assert_eq!(
        (&done["status"], &done["exit_code"], &done["stdout"], &done["timeout"]),
        (&json!("failed"), &json!(3), &json!("exit 3"), &json!(60))
    );
    let (status, accepted) =
        shown(&api.post(&format!("/api/sandbox/{id}/run"), json!({"code": "hang", "async": true})).await);
    let run = accepted["run_id"].as_str().unwrap();
    let poll = format!("/api/sandbox/{id}/runs/{run}");
    assert_eq!((status, &accepted), (202, &json!({"run_id": run, "status": "queued", "poll_url": poll})));
    let (status, busy) =
        shown(&api.post(&format!("/api/sandbox/{id}/run"), json!({"code": "print(1)"})).await);
    assert_eq!((status, &busy["error"]), (409, &json!("sandbox_busy")));
    api.ask(Method::DELETE, &format!("/api/sandbox/{id}"), None).await;
    let (status, over) = shown(&api.get(&poll).await);
    assert_eq!((status, &over["status"]), (200, &json!("cancelled")));
}

#[tokio::test]
async fn a_wrong_field_is_named() {
    let api = Api::start().await;
    let body = json!({"agent_id": "bot", "config": {"image": "python:3.12"}});
    let (status, refused) = shown(&api.post("/api/sandbox/create", body).await);
    assert_eq!(status, 400);
    let message = "config.image \"python:3.12\" is not an approved image; use one of default";
    assert_eq!(refused["message"], message);
    let (status, refused) =
        shown(&api.post("/api/sandbox/create", json!({"agent_id": "bot", "mode": "vm"})).await);
    assert_eq!((status, &refused["message"]), (400, &json!("mode must be container or wasm")));
}

#[tokio::test]
async fn the_free_plan_has_three_at_once() {
    let api = Api::under(BuiltinPlan::Free).await;
    let mut last = String::new();
    for _ in 0..3 {
        last = made(&api, json!({"agent_id": "bot"})).await;
    }
    let refused = api.post("/api/sandbox/create", json!({"agent_id": "bot"})).await;
    refused.is_error(403, "sandbox_limit");
    api.ask(Method::DELETE, &format!("/api/sandbox/{last}"), None).await;
    made(&api, json!({"agent_id": "bot"})).await;
}
