use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use roost_api_openai::Options;
use roost_core::{ChangePermissions, CreateKey, Live, PutPolicy, UpdateAgent};
use roost_domain::event::{Body as EventBody, Offset, TurnEvent};
use roost_domain::id::{AgentId, SessionId};
use roost_domain::key::{Scope, Style};
use roost_domain::subject::Subject;
use roost_testkit::TestApp;
use serde_json::{Value, json};
use tower::ServiceExt;

/// How long a test waits for anything before it fails.
const PATIENCE: Duration = Duration::from_secs(10);

/// The application with the OpenAI-compatible API on it.
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
    pub(crate) async fn start() -> Self {
        Self::over(TestApp::start().await)
    }

    pub(crate) fn over(app: TestApp) -> Self {
        let router = roost_api_openai::router(app.core.clone(), Options::default());
        Self { router, key: app.key_text.clone(), app }
    }

    /// Makes a key of the first account with these scopes only.
    pub(crate) async fn key(&self, scopes: &[Scope]) -> String {
        let new = CreateKey { name: "another".to_owned(), style: Style::Native, scopes: scopes.to_vec() };
        let made = self.app.core.keys().create(&self.app.ctx(), new).await.unwrap();
        made.text.expose().to_owned()
    }

    /// Makes a key of another account.
    pub(crate) async fn strangers_key(&self) -> String {
        let new = CreateKey { name: "strange".to_owned(), style: Style::Native, scopes: Scope::ALL.to_vec() };
        let made = self.app.core.keys().create(&self.app.stranger().await, new).await.unwrap();
        made.text.expose().to_owned()
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.with_key(&self.key, Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.with_key(&self.key, Method::POST, path, Some(body)).await
    }

    pub(crate) async fn chat(&self, body: Value) -> Answer {
        self.post("/v1/chat/completions", body).await
    }

    pub(crate) async fn respond(&self, body: Value) -> Answer {
        self.post("/v1/responses", body).await
    }

    pub(crate) async fn with_key(
        &self,
        key: &str,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Answer {
        self.send(request(method, path, Some(key), body.map(|body| body.to_string()))).await
    }

    /// Puts a policy in force.
    pub(crate) async fn policy(&self, agent: AgentId, document: Value) {
        let put = PutPolicy { subject: Subject::hosted(agent), document, strict: false, dry_run: false };
        self.app.core.policies().put(&self.app.ctx(), put).await.unwrap();
    }

    /// Puts permissions in force.
    pub(crate) async fn permit(&self, subject: &str, document: Value) {
        let (subject, change) = (subject.parse().unwrap(), ChangePermissions::Replace(document));
        self.app.core.permissions().change(&self.app.ctx(), subject, change).await.unwrap();
    }

    /// Gives an agent another name.
    pub(crate) async fn rename(&self, agent: AgentId, name: &str) {
        let change = UpdateAgent { name: Some(name.to_owned()), ..UpdateAgent::default() };
        self.app.core.agents().update(&self.app.ctx(), agent, change).await.unwrap();
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

    /// Waits until an event of a session is there.
    pub(crate) async fn until(&self, agent: AgentId, session: SessionId, is_it: impl Fn(&TurnEvent) -> bool) {
        let wait = async {
            let mut events = self
                .app
                .core
                .events()
                .subscribe(&self.app.ctx(), agent, session, Offset::START)
                .await
                .unwrap();
            loop {
                if let Live::Event(event) = events.next().await.unwrap()
                    && let EventBody::Turn { event, .. } = &event.body
                    && is_it(event)
                {
                    return;
                }
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.expect("the event comes in time");
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

    /// Returns the body of an answer that must be good.
    #[track_caller]
    pub(crate) fn ok(&self) -> Value {
        assert!(self.status.is_success(), "{self:?}");
        self.json()
    }

    /// Returns the session that an agent answered in.
    pub(crate) fn session(&self) -> SessionId {
        self.headers["x-roost-session-id"].to_str().unwrap().parse().unwrap()
    }

    /// Returns the data of a stream's events.
    #[track_caller]
    pub(crate) fn events(&self) -> Vec<Value> {
        assert_eq!(self.headers["content-type"], "text/event-stream", "{self:?}");
        self.text
            .lines()
            .filter_map(|line| line.strip_prefix("data: "))
            .map(|data| serde_json::from_str(data).unwrap_or_else(|_| json!(data)))
            .collect()
    }

    /// Checks that it is an error in OpenAI's shape.
    #[track_caller]
    pub(crate) fn is_error(&self, status: u16, code: &str) -> String {
        let body = self.json();
        let error = &body["error"];
        assert_eq!((self.status.as_u16(), error["code"].as_str()), (status, Some(code)), "{self:?}");
        assert_eq!(body.as_object().unwrap().len(), 1, "{body}");
        let mut keys: Vec<&String> = error.as_object().unwrap().keys().collect();
        keys.sort();
        assert_eq!(keys, ["code", "message", "param", "type"]);
        error["message"].as_str().unwrap().to_owned()
    }

    /// Checks that it is a 400 that names a parameter.
    #[track_caller]
    pub(crate) fn is_invalid(&self, param: &str) -> String {
        let message = self.is_error(400, "invalid_request");
        let error = &self.json()["error"];
        assert_eq!(
            (&error["param"], &error["type"]),
            (&json!(param), &json!("invalid_request_error")),
            "{error}"
        );
        message
    }
}

pub(crate) fn user(text: &str) -> Value {
    json!({"role": "user", "content": text})
}

pub(crate) fn assistant(text: &str) -> Value {
    json!({"role": "assistant", "content": text})
}

/// A function tool of chat completions.
pub(crate) fn function(name: &str) -> Value {
    json!({"type": "function", "function": {
        "name": name,
        "description": "Tells the weather.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    }})
}
