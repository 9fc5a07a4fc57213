use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use roost_api_agentcop::Options;
use roost_core::{CreateKey, Settings};
use roost_domain::key::{Scope, Style};
use roost_domain::plan::{BuiltinPlan, Plans};
use roost_testkit::TestApp;
use serde_json::{Value, json};
use tower::ServiceExt;

/// How long a test waits for anything before it fails.
const PATIENCE: Duration = Duration::from_secs(10);

/// The application with the AgentCop API on it.
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
        Self::over(TestApp::builder().key_style(Style::Agentcop).build().await)
    }

    pub(crate) async fn under(plan: BuiltinPlan) -> Self {
        let settings = Settings { plans: Plans::builtin(plan), ..Settings::default() };
        Self::over(TestApp::builder().key_style(Style::Agentcop).settings(settings).build().await)
    }

    pub(crate) fn over(app: TestApp) -> Self {
        let router = roost_api_agentcop::router(app.core.clone(), Options::default());
        Self { router, key: app.key_text.clone(), app }
    }

    /// Makes a key of the first account with these scopes only.
    pub(crate) async fn key(&self, scopes: &[Scope]) -> String {
        let new = CreateKey { name: "another".to_owned(), style: Style::Agentcop, scopes: scopes.to_vec() };
        let made = self.app.core.keys().create(&self.app.ctx(), new).await.unwrap();
        made.text.expose().to_owned()
    }

    /// Makes a key of another account.
    pub(crate) async fn strangers_key(&self) -> String {
        let new =
            CreateKey { name: "strange".to_owned(), style: Style::Agentcop, scopes: Scope::ALL.to_vec() };
        let made = self.app.core.keys().create(&self.app.stranger().await, new).await.unwrap();
        made.text.expose().to_owned()
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.ask(Method::POST, path, Some(body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        self.ask(Method::PUT, path, Some(body)).await
    }

    pub(crate) async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.with_key(&self.key, method, path, body).await
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

    /// Asks the gate about a call.
    pub(crate) async fn evaluate(&self, agent: &str, tool: &str, parameters: Value) -> Value {
        let body = json!({"agent_id": agent, "tool_name": tool, "parameters": parameters});
        self.post("/api/gate/evaluate", body).await.ok()
    }

    /// Puts a policy in force.
    pub(crate) async fn policy(&self, agent: &str, document: Value) -> Value {
        self.put(&format!("/api/gate/policy/{agent}"), document).await.ok()
    }
}

pub(crate) fn request(method: Method, path: &str, key: Option<&str>, body: Option<String>) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    if let Some(key) = key {
        request = request.header("X-AgentCop-Key", key);
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
    pub(crate) fn ok(&self) -> Value {
        assert!(self.status.is_success(), "{self:?}");
        self.json()
    }

    /// Checks that it is an error in AgentCop's envelope.
    #[track_caller]
    pub(crate) fn is_error(&self, status: u16, code: &str) {
        let body = self.json();
        assert_eq!((self.status.as_u16(), body["error"].as_str()), (status, Some(code)), "{self:?}");
        assert_eq!(body["code"], status);
        assert!(body["docs"].is_string() && !body["message"].as_str().unwrap().is_empty(), "{body}");
        assert_eq!(body.as_object().unwrap().len(), 4, "{body}");
    }

    pub(crate) fn message(&self) -> String {
        self.json()["message"].as_str().unwrap_or_default().to_owned()
    }
}
