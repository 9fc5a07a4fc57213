//! Every route, with the ways in which a caller must not get through.

use std::num::NonZeroU32;

use axum::http::Method;
use roost_api_openai::{Options, ROUTES};
use roost_domain::key::Scope;
use serde_json::{Value, json};

use crate::support::{Api, request, user};

/// What every route is asked with.
struct Row {
    method: Method,
    route: &'static str,
    path: String,
    body: Option<Value>,
}

async fn rows(api: &Api) -> Vec<Row> {
    let agent = api.app.agent(json!({})).await;
    let model = format!("agent:{agent}");
    let kept = api.respond(json!({"model": model, "input": "x"})).await.ok();
    let row = |(method, route): (&'static str, &'static str)| {
        let body = match (method, route) {
            ("post", "/v1/chat/completions") => Some(json!({"model": model, "messages": [user("x")]})),
            ("post", "/v1/embeddings") => Some(json!({"model": "lexical/words", "input": "x"})),
            ("post", "/v1/responses") => Some(json!({"model": model, "input": "x"})),
            _ => None,
        };
        let path = route.replace("{*id}", &model).replace("{id}", kept["id"].as_str().unwrap());
        Row { method: method.to_uppercase().parse().unwrap(), route, path, body }
    };
    ROUTES.into_iter().map(row).collect()
}

#[tokio::test]
async fn every_route_is_there_for_whoever_has_a_key_and_no_other_method() {
    let api = Api::start().await;
    for row in rows(&api).await {
        let answer = api.send(request(row.method.clone(), &row.path, None, None)).await;
        answer.is_error(401, "invalid_api_key");
        assert_eq!(answer.headers["www-authenticate"], "Bearer");
        let wrong = api.send(request(Method::TRACE, &row.path, Some(&api.key), None)).await;
        wrong.is_error(405, "method_not_allowed");
        let bad = api.send(request(row.method, &row.path, Some("sk-nonsense"), None)).await;
        bad.is_error(401, "invalid_api_key");
    }
    let mut by_header = request(Method::GET, "/v1/models", None, None);
    by_header.headers_mut().insert("x-api-key", api.key.parse().unwrap());
    api.send(by_header).await.ok();
}

#[tokio::test]
async fn without_a_scope_nothing_is_done() {
    let api = Api::start().await;
    let rows = rows(&api).await;
    let key = api.key(&[Scope::UsageRead, Scope::AgentsRead]).await;
    for row in rows {
        let answer = api.with_key(&key, row.method, &row.path, row.body).await;
        answer.is_error(403, "missing_scope");
        assert!(answer.headers.contains_key("x-ratelimit-limit"), "{}", row.route);
    }
}

#[tokio::test]
async fn what_another_account_has_is_not_there() {
    let api = Api::start().await;
    let rows = rows(&api).await;
    let stranger = api.strangers_key().await;
    // The models themselves are the server's.
    for row in rows.into_iter().filter(|row| !["/v1/models", "/v1/embeddings"].contains(&row.route)) {
        let answer = api.with_key(&stranger, row.method, &row.path, row.body).await;
        let code = if row.route == "/v1/responses/{id}" { "not_found" } else { "model_not_found" };
        answer.is_error(404, code);
    }
    let list = api.with_key(&stranger, Method::GET, "/v1/models", None).await.ok();
    let mut ids = list["data"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap());
    assert!(ids.all(|id| !id.starts_with("agent:")));
}

#[tokio::test]
async fn malformed_bodies_are_refused() {
    let api = Api::start().await;
    for row in rows(&api).await.into_iter().filter(|row| row.body.is_some()) {
        for body in ["{\"model\": ", "[]", "\"text\"", "{\"nobody_knows\": 1}", "null", "", "{}"] {
            let sent = request(row.method.clone(), &row.path, Some(&api.key), Some(body.to_owned()));
            api.send(sent).await.is_error(400, "invalid_request");
        }
    }
}

#[tokio::test]
async fn over_the_limit_nothing_is_done() {
    let api = Api::start().await;
    let rows = rows(&api).await;
    let mut options = Options::default();
    options.http.limits.requests = NonZeroU32::new(1).unwrap();
    let strict = Api { router: roost_api_openai::router(api.app.core.clone(), options), ..api };
    assert_eq!(strict.get("/v1/models").await.status, 200);
    for row in rows {
        let answer = strict.with_key(&strict.key, row.method, &row.path, row.body).await;
        answer.is_error(429, "rate_limit_exceeded");
        assert_eq!(answer.json()["error"]["type"], "rate_limit_error");
        assert!(answer.headers.contains_key("retry-after"), "{}", row.route);
    }
}
