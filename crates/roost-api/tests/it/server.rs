use axum::http::Method;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::support::{Api, request};

#[tokio::test]
async fn health_needs_no_key() {
    let api = Api::start().await;
    api.app.clock.advance(std::time::Duration::from_secs(90));
    let answer = api.send(request(Method::GET, "/health", None, None)).await;
    let expected = json!({
        "status": "ok", "version": env!("CARGO_PKG_VERSION"), "scanner": "ok", "database": "ok", "uptime_seconds": 90,
    });
    assert_eq!((answer.status.as_u16(), answer.json()), (200, expected));
    assert!(answer.headers.contains_key("x-request-id"));
}

#[tokio::test]
async fn a_server_without_its_database_is_not_well() {
    let api = Api::start().await;
    api.app.database.close();
    let answer = api.send(request(Method::GET, "/health", None, None)).await;
    assert_eq!(answer.status, 503);
    let body = answer.json();
    assert_eq!((&body["status"], &body["database"]), (&json!("degraded"), &json!("degraded")));
}

#[tokio::test]
async fn the_reference_page_comes_from_this_server_alone() {
    let api = Api::start().await;
    let page = api.send(request(Method::GET, "/docs", None, None)).await;
    assert_eq!(page.status, 200);
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'self';"), "{policy}");
    assert!(!policy.contains("http"), "{policy}");
    let scripts: Vec<&str> =
        page.text.split("<script src=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert_eq!(scripts.len(), 2);
    assert!(!page.text.contains("//"), "something comes from elsewhere: {}", page.text);
    for script in scripts {
        let response = api
            .router
            .clone()
            .oneshot(request(Method::GET, &format!("/{script}"), None, None))
            .await
            .unwrap();
        assert_eq!(response.status(), 200, "{script}");
        assert_eq!(response.headers()["content-type"], "text/javascript; charset=utf-8");
        let packed = response.headers().get("content-encoding").is_some_and(|value| value == "gzip");
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(packed, bytes.starts_with(&[0x1f, 0x8b]), "{script} is not what its headers say");
    }
}

/// Collects the names that a document refers to.
fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(map) => {
            found.extend(map.get("$ref").and_then(Value::as_str));
            map.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[tokio::test]
async fn the_openapi_document_is_whole() {
    let api = Api::start().await;
    let document = api.send(request(Method::GET, "/openapi.json", None, None)).await.json();
    assert_eq!(document, roost_api::openapi());
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 50, "only {} references", found.len());
    for reference in found {
        let pointer = reference.strip_prefix('#').expect("points into the document");
        assert!(document.pointer(pointer).is_some(), "{reference} is nowhere");
    }
    let mut ids = std::collections::HashSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id.to_owned()), "{id} names two operations");
            assert!(operation["summary"].is_string(), "{method} {path} has no summary");
            let guarded = path.starts_with("/v1/") && path != "/v1/workflows/schema.json";
            assert_eq!(operation["security"].is_array(), guarded, "{method} {path}");
            // Messages for triggers are counted for each trigger, not for a key.
            let counted = guarded || (method == "post" && path.starts_with("/hooks/"));
            assert_eq!(operation["responses"]["429"].is_object(), counted, "{method} {path}");
        }
    }
    let chat = &document["paths"]["/v1/agents/{id}/chat/messages"]["post"]["responses"]["200"]["content"];
    assert!(chat["text/event-stream"].is_object() && chat["application/json"].is_object(), "{chat}");
    let kinds = document["components"]["schemas"]["ChatEvent"].to_string();
    for kind in [
        "start",
        "text",
        "retract",
        "tool_call",
        "tool_result",
        "approval_required",
        "question",
        "error",
        "done",
    ] {
        assert!(kinds.contains(&format!("\"{kind}\"")), "{kind} is not described");
    }
}
