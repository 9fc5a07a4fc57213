//! Every route, with the ways in which a caller must not get through.

use std::num::NonZeroU32;

use axum::body::Body;
use axum::http::{Method, Request};
use roost_api_agentcop::{Options, ROUTES};
use roost_domain::key::Scope;
use serde_json::{Value, json};

use crate::support::{Api, request};

/// What every route is asked with.
struct Row {
    method: &'static str,
    path: &'static str,
    body: Option<Value>,
}

fn rows() -> Vec<Row> {
    let call = || Some(json!({"agent_id": "bot", "tool_name": "send", "parameters": {}}));
    let document = || Some(json!({}));
    let row = |(method, path): (&'static str, &'static str)| {
        let body = match (method, path) {
            ("post", "/scan") => Some(json!({"code": "x"})),
            ("post", "/scan/zip") => None,
            ("post", "/gate/evaluate" | "/gate/explain") => call(),
            ("post", "/approvals/{approval_id}/approve" | "/approvals/{approval_id}/escalate") => {
                Some(json!({"approver": "ann"}))
            }
            ("post", "/approvals/{approval_id}/deny") => Some(json!({"approver": "ann", "reason": "no"})),
            ("post", "/sandbox/create") => Some(json!({"agent_id": "bot"})),
            ("post", "/sandbox/{sandbox_id}/run") => Some(json!({"code": "print(1)"})),
            ("post" | "put" | "patch", _) => document(),
            _ => None,
        };
        Row { method, path, body }
    };
    ROUTES.into_iter().map(row).collect()
}

impl Row {
    fn method(&self) -> Method {
        self.method.to_uppercase().parse().unwrap()
    }

    fn path(&self, prefix: &str, things: &Things) -> String {
        let path = self
            .path
            .replace("{scan_id}", &things.scan)
            .replace("{agent_id}", &things.agent)
            .replace("{approval_id}", &things.approval)
            .replace("{sandbox_id}", &things.sandbox)
            .replace("{run_id}", &things.run)
            .replace("{version}", "1.0");
        format!("{prefix}{path}")
    }
}

/// Things of the first account that paths can name.
struct Things {
    scan: String,
    agent: String,
    approval: String,
    sandbox: String,
    run: String,
}

async fn things(api: &Api) -> Things {
    let scan = api.post("/api/scan", json!({"code": "y"})).await.ok();
    let agent = api.app.agent(json!({})).await.to_string();
    api.policy(&agent, json!({"require_approval": ["shell"]})).await;
    api.post(&format!("/api/permissions/{agent}"), json!({})).await.ok();
    let asked = api.evaluate(&agent, "shell", json!({"command": "ls"})).await;
    let sandbox = api.post("/api/sandbox/create", json!({"agent_id": "bot"})).await.ok();
    let sandbox = sandbox["sandbox_id"].as_str().unwrap().to_owned();
    let run = api.post(&format!("/api/sandbox/{sandbox}/run"), json!({"code": "print(1)"})).await.ok();
    Things {
        sandbox,
        run: run["run_id"].as_str().unwrap().to_owned(),
        scan: scan["scan_id"].as_str().unwrap().to_owned(),
        agent,
        approval: asked["approval_request_id"].as_str().unwrap().to_owned(),
    }
}

#[tokio::test]
async fn every_route_is_there_under_both_prefixes_and_no_other_method() {
    let api = Api::start().await;
    let things = things(&api).await;
    for row in rows() {
        for prefix in ["/api", "/api/v1"] {
            let path = row.path(prefix, &things);
            let there = api.send(request(row.method(), &path, None, None)).await;
            there.is_error(401, "unauthorized");
            let wrong = api.send(request(Method::TRACE, &path, Some(&api.key), None)).await;
            wrong.is_error(405, "method_not_allowed");
        }
    }
}

#[tokio::test]
async fn without_a_scope_nothing_is_done() {
    let api = Api::start().await;
    let things = things(&api).await;
    let key = api.key(&[Scope::UsageRead]).await;
    for row in rows() {
        let answer = if row.path == "/scan/zip" {
            let form = "--B\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nx\r\n--B--\r\n";
            let upload = Request::post("/api/scan/zip")
                .header("X-AgentCop-Key", &key)
                .header("Content-Type", "multipart/form-data; boundary=B");
            api.send(upload.body(Body::from(form)).unwrap()).await
        } else {
            api.with_key(&key, row.method(), &row.path("/api", &things), row.body.clone()).await
        };
        answer.is_error(403, "missing_scope");
        assert!(answer.headers.contains_key("x-ratelimit-limit"), "{} {}", row.method, row.path);
    }
    let approval = api.get(&format!("/api/approvals/{}", things.approval)).await.ok();
    assert_eq!(approval["status"], "pending");
}

#[tokio::test]
async fn what_another_account_has_is_not_there() {
    let api = Api::start().await;
    let things = things(&api).await;
    let stranger = api.strangers_key().await;
    for row in rows().into_iter().filter(|row| row.path.contains('{')) {
        let path = row.path("/api", &things);
        let answer = api.with_key(&stranger, row.method(), &path, row.body.clone()).await;
        answer.is_error(404, "not_found");
    }
    for path in ["/api/approvals?status=pending", "/api/approvals/audit"] {
        let answer = api.with_key(&stranger, Method::GET, path, None).await.ok();
        assert_eq!(answer["total"], 0, "{path}");
    }
}

#[tokio::test]
async fn malformed_bodies_and_queries_are_refused() {
    let api = Api::start().await;
    let things = things(&api).await;
    for row in rows() {
        let path = row.path("/api", &things);
        if row.body.is_some() {
            for body in ["{\"name\": ", "[]", "\"text\"", "{\"nobody_knows\": 1}", "null", ""] {
                let body = request(row.method(), &path, Some(&api.key), Some(body.to_owned()));
                api.send(body).await.is_error(400, "invalid_request");
            }
        }
        if matches!(row.path, "/gate/log/{agent_id}" | "/approvals" | "/approvals/audit") {
            let answer = api.get(&format!("{path}?nobody_knows=1")).await;
            answer.is_error(400, "invalid_request");
        }
    }
}

#[tokio::test]
async fn over_the_limit_nothing_is_done() {
    let api = Api::start().await;
    let things = things(&api).await;
    let mut options = Options::default();
    options.http.limits.requests = NonZeroU32::new(1).unwrap();
    let strict = Api { router: roost_api_agentcop::router(api.app.core.clone(), options), ..api };
    assert_eq!(strict.get("/api/approvals").await.status, 200);
    for row in rows() {
        let answer = strict.ask(row.method(), &row.path("/api", &things), row.body.clone()).await;
        answer.is_error(429, "rate_limited");
        assert_eq!(answer.headers["retry-after"], "60", "{} {}", row.method, row.path);
    }
}
