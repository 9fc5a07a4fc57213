use axum::http::Method;
use insta::assert_json_snapshot;
use serde_json::{Value, json};

use crate::support::{Api, request};

async fn with_policy() -> Api {
    let api = Api::start().await;
    let policy = json!({"allow": ["search"], "require_approval": ["send_email"], "block": ["shell"]});
    assert_eq!(api.ask(Method::PUT, "/v1/policies/runner", Some(policy)).await.status, 200);
    api
}

fn call(tool: &str) -> Value {
    json!({"agentId": "runner", "tool": tool, "parameters": {"to": "ann"}, "runId": "run-1", "triggeredBy": "cron"})
}

#[tokio::test]
async fn a_call_is_decided_and_the_decision_is_written_down() {
    let api = with_policy().await;
    assert_json_snapshot!("asked", api.post("/v1/gate/evaluate", call("send_email")).await.shown());
    assert_json_snapshot!("blocked", api.post("/v1/gate/evaluate", call("shell")).await.shown());
    let pending = api.get("/v1/approvals?status=pending&agentId=runner").await;
    assert_eq!(pending.data()[0]["tool"], "send_email");
    assert_json_snapshot!("decisions", api.get("/v1/gate/decisions?agentId=runner&since=1h").await.shown());
}

#[tokio::test]
async fn explaining_changes_nothing() {
    let api = with_policy().await;
    assert_json_snapshot!("explained", api.post("/v1/gate/explain", call("send_email")).await.shown());
    assert_eq!(api.get("/v1/approvals").await.json()["pagination"]["total"], 0);
    assert_eq!(api.get("/v1/gate/decisions").await.json()["pagination"]["total"], 0);
}

#[tokio::test]
async fn decisions_are_narrowed_and_have_pages() {
    let api = with_policy().await;
    for tool in ["search", "shell", "shell"] {
        assert_eq!(api.post("/v1/gate/evaluate", call(tool)).await.status, 200);
    }
    api.app.clock.advance(std::time::Duration::from_secs(3_600));
    api.post("/v1/gate/evaluate", call("search")).await.data();
    let tools = async |query: &str| {
        let answer = api.get(&format!("/v1/gate/decisions?{query}")).await;
        let tools: Vec<_> = answer
            .data()
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["tool"].as_str().unwrap().to_owned())
            .collect();
        (tools, answer.json()["pagination"].clone())
    };
    let (second, pagination) = tools("limit=3&page=2").await;
    assert_eq!(
        (second, &pagination["total"], &pagination["offset"]),
        (vec!["search".to_owned()], &json!(4), &json!(3))
    );
    assert_eq!(tools("decision=block").await.0, ["shell", "shell"]);
    assert_eq!(tools("since=30m").await.0, ["search"]);
    assert_eq!(tools("agentId=other").await.0, Vec::<String>::new());
    for (query, message) in [
        ("decision=maybe", "decision must be allow, require_approval or block"),
        ("since=yesterday", "since must be a time such as"),
        ("page=0", "page must be from 1"),
        ("limit=x", "limit must be a whole number"),
    ] {
        let answer = api.get(&format!("/v1/gate/decisions?{query}")).await;
        answer.is_error(400, "invalid_request_error", "invalid_request");
        assert!(answer.message().starts_with(message), "{}", answer.message());
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_call_is_named_as_it_is_called_here() {
    let api = Api::start().await;
    for (field, value) in [("tool", json!("")), ("runId", json!("")), ("triggeredBy", json!("x".repeat(201)))]
    {
        let mut body = call("shell");
        body[field] = value;
        let answer = api.post("/v1/gate/evaluate", body).await;
        answer.is_error(400, "invalid_request_error", "invalid_request");
        assert_eq!(answer.message(), format!("{field} must have 1 to 200 characters"));
    }
}

#[tokio::test]
async fn another_accounts_agent_is_not_there() {
    let api = Api::start().await;
    let agent = api.app.agent(json!({})).await.to_string();
    let stranger = api.strangers_key().await;
    let body = json!({"agentId": agent, "tool": "shell", "parameters": {}}).to_string();
    for path in ["/v1/gate/evaluate", "/v1/gate/explain"] {
        let answer = api.send(request(Method::POST, path, Some(&stranger), Some(body.clone()))).await;
        answer.is_error(404, "not_found_error", "not_found");
    }
    let path = format!("/v1/gate/decisions?agentId={agent}");
    let answer = api.send(request(Method::GET, &path, Some(&stranger), None)).await;
    answer.is_error(404, "not_found_error", "not_found");
}
