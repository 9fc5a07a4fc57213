//! AgentCop's sandboxes over a whole application in process.

#![expect(clippy::unwrap_used, reason = "a test that meets what it does not expect fails there")]

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request};
use http_body_util::BodyExt;
use roost_api_agentcop::Options;
use roost_core::{CreateKey, Ctx};
use roost_domain::key::{Scope, Style};
use roost_testkit::TestApp;
use serde_json::{Value, json};
use tower::ServiceExt;

const PATIENCE: Duration = Duration::from_secs(10);

struct Api {
    app: TestApp,
    router: Router,
}

impl Api {
    async fn start() -> Self {
        let app = TestApp::start().await;
        Self { router: roost_api_agentcop::router(app.core.clone(), Options::default()), app }
    }

    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        self.ask_with(&self.app.key_text, method, path, body).await
    }

    async fn ask_with(&self, key: &str, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let request = Request::builder().method(method).uri(path).header("X-AgentCop-Key", key);
        let request = request.header("Content-Type", "application/json");
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let whole = async {
            let response = self.router.clone().oneshot(request.body(body).unwrap()).await.unwrap();
            let status = response.status().as_u16();
            let bytes = response.into_body().collect().await.unwrap().to_bytes();
            (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
        };
        tokio::time::timeout(PATIENCE, whole).await.expect("the answer comes in time")
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.ask(Method::POST, path, Some(body)).await
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.ask(Method::GET, path, None).await
    }

    async fn made(&self, body: Value) -> String {
        let (status, made) = self.post("/api/sandbox/create", body).await;
        assert_eq!(status, 201, "{made}");
        made["sandbox_id"].as_str().unwrap().to_owned()
    }

    async fn key(&self, ctx: Ctx, scopes: &[Scope]) -> String {
        let new = CreateKey { name: "another".to_owned(), style: Style::Agentcop, scopes: scopes.to_vec() };
        self.app.core.keys().create(&ctx, new).await.unwrap().text.expose().to_owned()
    }
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
    let (status, made) = api.post("/api/sandbox/create", body).await;
    let id = made["sandbox_id"].as_str().unwrap();
    assert!(id.starts_with("sbx_"), "{id}");
    let expected = json!({
        "sandbox_id": id, "agent_id": "support-bot", "status": "ready", "mode": "container",
        "created_at": "2026-02-10T14:00:00.000Z", "expires_at": "2026-02-10T14:30:00.000Z",
    });
    assert_eq!((status, &made), (201, &expected));
    assert_eq!(api.get(&format!("/api/sandbox/{id}")).await, (200, expected.clone()));
    assert_eq!(api.get(&format!("/api/v1/sandbox/{id}")).await, (200, expected), "under either prefix");
    assert_eq!(api.ask(Method::DELETE, &format!("/api/sandbox/{id}"), None).await, (204, Value::Null));
    let (status, gone) = api.get(&format!("/api/sandbox/{id}")).await;
    assert_eq!((status, &gone["status"]), (200, &json!("destroyed")));
    let (status, refused) = api.post(&format!("/api/sandbox/{id}/run"), json!({"code": "print(1)"})).await;
    assert_eq!((status, &refused["error"]), (409, &json!("sandbox_destroyed")));
}

#[tokio::test]
async fn a_run_answers_when_it_is_over_or_is_polled() {
    let api = Api::start().await;
    let id = api.made(json!({"agent_id": "bot"})).await;
    let (status, done) =
        api.post(&format!("/api/sandbox/{id}/run"), json!({"code": "exit 3", "timeout": 60})).await;
    assert_eq!(status, 200);
    assert_eq!(
        (&done["status"], &done["exit_code"], &done["stdout"], &done["timeout"]),
        (&json!("failed"), &json!(3), &json!("exit 3"), &json!(60))
    );
    let (status, accepted) =
        api.post(&format!("/api/sandbox/{id}/run"), json!({"code": "hang", "async": true})).await;
    let run = accepted["run_id"].as_str().unwrap();
    let poll = format!("/api/sandbox/{id}/runs/{run}");
    assert_eq!((status, &accepted), (202, &json!({"run_id": run, "status": "queued", "poll_url": poll})));
    let (status, busy) = api.post(&format!("/api/sandbox/{id}/run"), json!({"code": "print(1)"})).await;
    assert_eq!((status, &busy["error"]), (409, &json!("sandbox_busy")));
    api.ask(Method::DELETE, &format!("/api/sandbox/{id}"), None).await;
    let (status, over) = api.get(&poll).await;
    assert_eq!((status, &over["status"]), (200, &json!("cancelled")));
}

#[tokio::test]
async fn whoever_may_not_gets_nothing() {
    let api = Api::start().await;
    let id = api.made(json!({"agent_id": "bot"})).await;
    let (_, run) = api.post(&format!("/api/sandbox/{id}/run"), json!({"code": "print(1)"})).await;
    let run = run["run_id"].as_str().unwrap();
    let poor = api.key(api.app.ctx(), &[Scope::Scans]).await;
    let stranger = api.key(api.app.stranger().await, &Scope::ALL).await;
    for (method, path, body) in [
        (Method::POST, "/api/sandbox/create".to_owned(), Some(json!({"agent_id": "bot"}))),
        (Method::GET, format!("/api/sandbox/{id}"), None),
        (Method::DELETE, format!("/api/sandbox/{id}"), None),
        (Method::POST, format!("/api/sandbox/{id}/run"), Some(json!({"code": "print(1)"}))),
        (Method::GET, format!("/api/sandbox/{id}/runs/{run}"), None),
    ] {
        let (status, refused) = api.ask_with("nonsense", method.clone(), &path, body.clone()).await;
        assert_eq!((status, &refused["error"]), (401, &json!("unauthorized")), "{method} {path}");
        let (status, refused) = api.ask_with(&poor, method.clone(), &path, body.clone()).await;
        assert_eq!((status, &refused["error"]), (403, &json!("missing_scope")), "{method} {path}");
        if path.contains("sbx_") {
            let (status, refused) = api.ask_with(&stranger, method.clone(), &path, body.clone()).await;
            assert_eq!((status, &refused["error"]), (404, &json!("not_found")), "{method} {path}");
        }
        if body.is_some() {
            let (status, refused) = api.ask(method.clone(), &path, Some(json!({"nobody_knows": 1}))).await;
            assert_eq!((status, &refused["error"]), (400, &json!("invalid_request")), "{method} {path}");
        }
    }
    let (_, there) = api.get(&format!("/api/sandbox/{id}")).await;
    assert_eq!(there["status"], "ready");
}

#[tokio::test]
async fn a_wrong_field_is_named() {
    let api = Api::start().await;
    let body = json!({"agent_id": "bot", "config": {"image": "python:3.12"}});
    let (status, refused) = api.post("/api/sandbox/create", body).await;
    assert_eq!(status, 400);
    let message = "config.image \"python:3.12\" is not an approved image; use one of default";
    assert_eq!(refused["message"], message);
    let (status, refused) = api.post("/api/sandbox/create", json!({"agent_id": "bot", "mode": "vm"})).await;
    assert_eq!((status, &refused["message"]), (400, &json!("mode must be container or wasm")));
}
