use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use roost_api_fullpilot::Options;
use roost_core::CreateKey;
use roost_domain::key::{Scope, Style};
use roost_testkit::TestApp;
use serde_json::{Value, json};
use tower::ServiceExt;

/// How long a test waits for anything before it fails.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) const AGENTS: &str = "/api/v1/agents";

/// The application with the Fullpilot API on it.
pub(crate) struct Api {
    pub(crate) app: TestApp,
    pub(crate) router: Router,
    pub(crate) key: String,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Api {
    /// Starts one under which no test runs into a limit that is not about limits.
    pub(crate) async fn start() -> Self {
        let mut options = Options::default();
        let many = std::num::NonZeroU32::new(100_000).unwrap();
        (options.http.limits.requests, options.execution.requests) = (many, many);
        Self::with(options).await
    }

    pub(crate) async fn with(options: Options) -> Self {
        let app = TestApp::builder().key_style(Style::Fullpilot).build().await;
        let router = roost_api_fullpilot::router(app.core.clone(), options);
        Self { router, key: app.key_text.clone(), app }
    }

    /// Makes a key of the first account with these scopes only.
    pub(crate) async fn key(&self, scopes: &[Scope]) -> String {
        let new = CreateKey { name: "another".to_owned(), style: Style::Fullpilot, scopes: scopes.to_vec() };
        let made = self.app.core.keys().create(&self.app.ctx(), new).await.unwrap();
        made.text.expose().to_owned()
    }

    /// Makes a key of another account.
    pub(crate) async fn strangers_key(&self) -> String {
        let new =
            CreateKey { name: "strange".to_owned(), style: Style::Fullpilot, scopes: Scope::ALL.to_vec() };
        let made = self.app.core.keys().create(&self.app.stranger().await, new).await.unwrap();
        made.text.expose().to_owned()
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.ask(Method::POST, path, Some(body)).await
    }

    pub(crate) async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.send(request(method, path, Some(&self.key), body.map(|body| body.to_string()))).await
    }

    /// Sends a request and waits for the whole answer.
    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let whole = async {
            let response = self.router.clone().oneshot(request).await.unwrap();
            let (parts, body) = response.into_parts();
            let bytes = body.collect().await.unwrap().to_bytes();
            let text = String::from_utf8_lossy(&bytes).into_owned();
            Answer { status: parts.status, headers: parts.headers, text }
        };
        tokio::time::timeout(PATIENCE, whole).await.expect("the answer comes and ends in time")
    }

    /// Makes an agent with these steps and starts it.
    pub(crate) async fn started(&self, steps: Value) -> String {
        let config = json!({"name": "Reporter", "model": "test/echo", "steps": steps});
        let agent = self.post(AGENTS, config).await.data()["id"].as_str().unwrap().to_owned();
        self.ask(Method::POST, &format!("{AGENTS}/{agent}/start"), None).await.data();
        agent
    }

    /// Starts a run and returns its path.
    pub(crate) async fn run(&self, agent: &str, input: Value) -> String {
        let begun = self.post(&format!("{AGENTS}/{agent}/runs"), input).await.data();
        format!("{AGENTS}/{agent}/runs/{}", begun["run_id"].as_str().unwrap())
    }

    /// Polls a run until it is as wanted.
    pub(crate) async fn until(&self, run: &str, status: &str) -> Value {
        let wait = async {
            loop {
                let now = self.get(run).await.data();
                if now["status"] == status {
                    return now;
                }
                assert!(
                    now["is_in_progress"].as_bool().unwrap(),
                    "the run ended before it was {status}: {now:#}"
                );
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, wait)
            .await
            .unwrap_or_else(|_| panic!("{run} does not become {status}"))
    }
}

pub(crate) fn request(method: Method, path: &str, key: Option<&str>, body: Option<String>) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    if let Some(key) = key {
        request = request.header("Authorization", format!("Bearer {key}"));
    }
    if body.is_some() {
        request = request.header("Content-Type", "application/json");
    }
    request.body(body.map_or_else(Body::empty, Body::from)).unwrap()
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    #[track_caller]
    pub(crate) fn data(&self) -> Value {
        assert!(self.status.is_success(), "{self:?}");
        let body = self.json();
        assert_eq!(body["success"], true, "{body}");
        body["data"].clone()
    }

    /// Status and body, with what differs from run to run taken out.
    pub(crate) fn shown(&self) -> Value {
        json!({"status": self.status.as_u16(), "body": redacted(self.json())})
    }

    #[track_caller]
    pub(crate) fn is_error(&self, status: u16, code: &str) {
        assert_eq!(self.status, status, "{self:?}");
        let body = self.json();
        assert_eq!((&body["success"], body["error"]["code"].as_str()), (&json!(false), Some(code)), "{body}");
        assert!(body["error"]["message"].as_str().is_some_and(|message| !message.is_empty()), "{body}");
    }

    pub(crate) fn message(&self) -> String {
        self.json()["error"]["message"].as_str().unwrap_or_default().to_owned()
    }
}

fn redacted(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(redacted_text(&text)),
        Value::Array(items) => items.into_iter().map(redacted).collect(),
        Value::Object(map) => map.into_iter().map(|(key, value)| (key, redacted(value))).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value,
    }
}

fn redacted_text(text: &str) -> String {
    let is_hex = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    for prefix in ["wrun_", "form_", "art_", "sess_"] {
        if text.strip_prefix(prefix).is_some_and(|rest| rest.len() == 32 && is_hex(rest)) {
            return format!("{prefix}…");
        }
    }
    if let Some((before, _)) = text.split_once("/forms/") {
        return format!("{before}/forms/…");
    }
    let uuid = text.len() == 36 && text.split('-').count() == 5 && is_hex(&text.replace('-', ""));
    if uuid { "<uuid>".to_owned() } else { text.to_owned() }
}
