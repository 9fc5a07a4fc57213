use std::num::NonZeroU32;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use roost_api::Options;
use roost_core::CreateKey;
use roost_domain::key::{Scope, Style};
use roost_testkit::TestApp;
use serde_json::Value;
use tower::ServiceExt;

/// How long a test waits for anything before it fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// The application with the native API on it.
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
        Self::over(TestApp::start().await, generous())
    }

    pub(crate) fn over(app: TestApp, options: Options) -> Self {
        Self { router: roost_api::router(app.core.clone(), options), key: app.key_text.clone(), app }
    }

    /// Makes a key of the first account.
    pub(crate) async fn key(&self, style: Style, scopes: &[Scope]) -> String {
        let new = CreateKey { name: "another".to_owned(), style, scopes: scopes.to_vec() };
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
        self.ask(Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.ask(Method::POST, path, Some(body)).await
    }

    /// Asks with the app's own key.
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

    /// Opens a stream.
    pub(crate) async fn open(&self, request: Request<Body>) -> Stream {
        let answer = self.router.clone().oneshot(request);
        let response =
            tokio::time::timeout(PATIENCE, answer).await.expect("the stream opens in time").unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Stream { headers: response.headers().clone(), body: response.into_body(), rest: String::new() }
    }

    /// Says something to an agent and returns the events of the answer.
    pub(crate) async fn say(&self, agent: &str, message: &str) -> Vec<Value> {
        let body = serde_json::json!({"message": message});
        let answer = self.post(&format!("/v1/agents/{agent}/chat/messages"), body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.events()
    }
}

/// Options under which no test runs into a limit that is not about limits.
pub(crate) fn generous() -> Options {
    let mut options = Options::default();
    options.http.limits.requests = NonZeroU32::new(100_000).unwrap();
    options
}

pub(crate) fn request(method: Method, path: &str, key: Option<&str>, body: Option<String>) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    if let Some(key) = key {
        request = request.header("X-API-Key", key);
    }
    if body.is_some() {
        request = request.header("Content-Type", "application/json");
    }
    request.body(body.map_or_else(Body::empty, Body::from)).unwrap()
}

impl Answer {
    /// Checks the status.
    pub(crate) fn is(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn data(&self) -> Value {
        assert!(self.status.is_success(), "{self:?}");
        self.json()["data"].clone()
    }

    /// The events of a stream that has ended, without comments.
    pub(crate) fn events(&self) -> Vec<Value> {
        let data = self.text.lines().filter_map(|line| line.strip_prefix("data: "));
        data.map(|data| serde_json::from_str(data).unwrap()).collect()
    }

    /// Status and body, with what differs from run to run taken out.
    pub(crate) fn shown(&self) -> Value {
        serde_json::json!({"status": self.status.as_u16(), "body": redacted(self.json())})
    }

    /// Checks that this is an error of the envelope.
    pub(crate) fn is_error(&self, status: u16, kind: &str, code: &str) {
        assert_eq!(self.status, status, "{self:?}");
        let error = &self.json()["error"];
        assert_eq!((error["type"].as_str(), error["code"].as_str()), (Some(kind), Some(code)), "{self:?}");
        assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()), "{self:?}");
        assert_eq!(self.headers["content-type"], "application/json");
        assert!(self.headers.contains_key("x-request-id"), "{self:?}");
    }

    pub(crate) fn message(&self) -> String {
        self.json()["error"]["message"].as_str().unwrap_or_default().to_owned()
    }
}

/// Takes ids out: they are seeded, but how many were made before depends on the runtime's steps.
pub(crate) fn redacted(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(redacted_text(&text)),
        Value::Array(items) => items.into_iter().map(redacted).collect(),
        Value::Object(map) => map
            .into_iter()
            .map(|(key, value)| match key.as_str() {
                "nextCursor" => (key, "<cursor>".into()),
                "pollUrl" => (key, "<url>".into()),
                _ => (key, redacted(value)),
            })
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value,
    }
}

fn redacted_text(text: &str) -> String {
    for prefix in [
        "key:key_",
        "sess_",
        "turn_",
        "apr_",
        "key_",
        "acct_",
        "roost_live_",
        "ak_live_",
        "gopt_live_",
        "req_",
        "scan_",
        "sbx_",
        "run_",
        "we_",
        "msg_",
        "snap_",
    ] {
        if text.strip_prefix(prefix).is_some_and(|rest| rest.len() >= 24 && is_hex(rest)) {
            return format!("{prefix}…");
        }
    }
    let uuid = text.len() == 36 && text.split('-').count() == 5 && is_hex(&text.replace('-', ""));
    match text.len() {
        _ if uuid => "<uuid>".to_owned(),
        64 if is_hex(text) => "<sha-256>".to_owned(),
        4 if is_hex(text) => "<hint>".to_owned(),
        _ => text.to_owned(),
    }
}

fn is_hex(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// A stream that is read as it comes.
pub(crate) struct Stream {
    pub(crate) headers: HeaderMap,
    body: Body,
    rest: String,
}

/// One event of a stream.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Event {
    pub(crate) id: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) data: String,
    pub(crate) comment: bool,
}

impl Event {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.data).unwrap()
    }
}

impl Stream {
    /// Returns the next event or comment; `None` when the stream has ended.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        let next = async {
            loop {
                if let Some((event, rest)) = self.rest.split_once("\n\n") {
                    let event = parse(event);
                    self.rest = rest.to_owned();
                    return Some(event);
                }
                let chunk = loop {
                    let frame = self.body.frame().await?.unwrap();
                    if let Ok(data) = frame.into_data() {
                        break data;
                    }
                };
                self.rest.push_str(std::str::from_utf8(&chunk).unwrap());
            }
        };
        tokio::time::timeout(PATIENCE, next).await.expect("the stream goes on in time")
    }

    /// Returns the data of the next event of a chat answer, as JSON.
    pub(crate) async fn next_json(&mut self) -> Value {
        loop {
            let event = self.next().await.expect("the stream goes on");
            if !event.comment {
                return event.json();
            }
        }
    }

    /// Reads on until an event of this type comes.
    pub(crate) async fn until(&mut self, kind: &str) -> Value {
        loop {
            let event = self.next_json().await;
            if event["type"] == kind {
                return event;
            }
        }
    }
}

fn parse(text: &str) -> Event {
    let mut event = Event::default();
    for line in text.lines() {
        if let Some(id) = line.strip_prefix("id: ") {
            event.id = Some(id.to_owned());
        } else if let Some(name) = line.strip_prefix("event: ") {
            event.name = Some(name.to_owned());
        } else if let Some(data) = line.strip_prefix("data: ") {
            event.data.push_str(data);
        } else if line.starts_with(':') {
            event.comment = true;
        }
    }
    event
}
