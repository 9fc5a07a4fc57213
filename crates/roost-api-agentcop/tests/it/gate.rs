use roost_domain::key::Scope;
use serde_json::{Value, json};

use crate::support::Api;

#[tokio::test]
async fn an_agent_without_records_is_blocked_with_no_policy_found() {
    let api = Api::start().await;
    let evaluated = api.evaluate("nobody", "read_file", json!({})).await;
    assert_eq!((&evaluated["decision"], &evaluated["reason"]), (&json!("block"), &json!("no_policy_found")));
    assert_eq!(evaluated["policy_version"], Value::Null);
    assert!(evaluated.get("approval_request_id").is_none());
}

#[tokio::test]
async fn an_evaluation_answers_as_documented() {
    let api = Api::start().await;
    api.policy("bot", json!({"allow": ["read_*"], "require_approval": ["send_email"], "block": ["drop_*"]}))
        .await;
    api.policy("bot", json!({"allow": ["read_*"], "require_approval": ["send_email"], "block": ["drop_*"]}))
        .await;
    let allowed = api.evaluate("bot", "read_file", json!({"path": "a"})).await;
    assert_eq!((&allowed["decision"], &allowed["policy_version"]), (&json!("allow"), &json!("1.1")));
    assert_eq!(allowed["evaluated_at"], "2026-02-10T14:00:00.000Z");
    let asked = api.evaluate("bot", "send_email", json!({"to": "ann"})).await;
    assert_eq!(asked["decision"], "require_approval");
    let reason = asked["reason"].as_str().unwrap();
    assert!(reason.starts_with("send_email requires human approval per policy v1.1"), "{reason}");
    assert!(asked["approval_request_id"].as_str().unwrap().starts_with("apr_"));
    let blocked = api.evaluate("bot", "drop_table", json!({})).await;
    assert_eq!((&blocked["decision"], &blocked["rule"]), (&json!("block"), &json!("block[0]")));
    let unlisted = api.evaluate("bot", "fly", json!({})).await;
    assert_eq!((&unlisted["decision"], &unlisted["code"]), (&json!("block"), &json!("tool_not_listed")));
    assert_eq!(unlisted["would_allow"], "Add \"fly\" to allow");
}

#[tokio::test]
async fn the_log_is_newest_first_and_paged() {
    let api = Api::start().await;
    api.policy("bot", json!({"default": "allow"})).await;
    for n in 0..5 {
        let body = json!({
            "agent_id": "bot", "tool_name": format!("t{n}"), "parameters": {},
            "context": {"run_id": format!("run {n}"), "triggered_by": "cron"},
        });
        api.post("/api/v1/gate/evaluate", body).await.ok();
        api.app.clock.advance(std::time::Duration::from_secs(1));
    }
    let log = api.get("/api/gate/log/bot?limit=2").await.ok();
    assert_eq!((&log["agent_id"], &log["total"], &log["page"]), (&json!("bot"), &json!(5), &json!(1)));
    let first = &log["decisions"][0];
    assert_eq!((&first["tool_name"], &first["decision"]), (&json!("t4"), &json!("allow")));
    assert_eq!(
        (&first["run_id"], &first["timestamp"]),
        (&json!("run 4"), &json!("2026-02-10T14:00:04.000Z"))
    );
    let last = api.get("/api/gate/log/bot?page=3&limit=2").await.ok();
    assert_eq!(last["decisions"].as_array().unwrap().len(), 1);
    assert_eq!(last["decisions"][0]["tool_name"], "t0");
    api.get("/api/gate/log/bot?limit=501").await.is_error(400, "invalid_request");
    api.get("/api/gate/log/bot?page=0").await.is_error(400, "invalid_request");
    assert_eq!(api.get("/api/gate/log/other").await.ok()["total"], 0);
}

#[tokio::test]
async fn permissions_and_policy_are_combined_and_denials_win() {
    let api = Api::start().await;
    api.policy("bot", json!({"default": "allow"})).await;
    let permissions = json!({
        "tools": {"block": ["delete_*"]}, "data": {"read": ["/data/**"], "deny": ["/data/secret/**"]},
        "network": {"allow": ["api.example"]}, "compute": {"max_tool_calls_per_run": 2},
    });
    api.post("/api/permissions/bot", permissions).await.ok();
    for (tool, parameters, code) in [
        ("delete_row", json!({}), "tool_blocked"),
        ("read_file", json!({"path": "/data/a"}), "allowed_by_default"),
        ("read_file", json!({"path": "/data/secret/a"}), "path_denied"),
        ("read_file", json!({"path": "/data/../etc/passwd"}), "path_not_permitted"),
        ("http_get", json!({"url": "https://api.example/v1"}), "allowed_by_default"),
        ("http_get", json!({"url": "https://evil.example/"}), "host_not_permitted"),
    ] {
        assert_eq!(api.evaluate("bot", tool, parameters.clone()).await["code"], code, "{tool} {parameters}");
    }
    let call = |run: &str| json!({"agent_id": "bot", "tool_name": "think", "parameters": {}, "context": {"run_id": run}});
    for (run, code) in [
        ("one", "allowed_by_default"),
        ("one", "allowed_by_default"),
        ("one", "compute_exceeded"),
        ("two", "allowed_by_default"),
    ] {
        assert_eq!(api.post("/api/gate/evaluate", call(run)).await.ok()["code"], code, "{run}");
    }
}

#[tokio::test]
async fn a_hosted_agent_is_judged_by_its_own_gate() {
    let api = Api::start().await;
    let agent = api.app.agent(json!({})).await.to_string();
    let strict = api.app.agent(json!({"policy": "strict"})).await.to_string();
    let code = async |agent: &str, tool: &str, parameters: Value| {
        api.evaluate(agent, tool, parameters).await["code"].as_str().unwrap().to_owned()
    };
    assert_eq!(code(&agent, "shell", json!({"command": "ls"})).await, "profile");
    assert_eq!(code(&strict, "shell", json!({"command": "ls"})).await, "command");
    assert_eq!(code(&agent, "http_request", json!({"host": "a.example"})).await, "host_not_listed");
    assert_eq!(code(&agent, "shell", json!({"line": "ls"})).await, "bad_call");
    api.policy(&agent, json!({"block": ["shell"], "default": "allow"})).await;
    assert_eq!(code(&agent, "shell", json!({"command": "ls"})).await, "blocked_by_rule");
}

#[tokio::test]
async fn explaining_decides_the_same_and_leaves_nothing_behind() {
    let api = Api::start().await;
    api.policy("bot", json!({"require_approval": ["send"]})).await;
    let body = json!({"agent_id": "bot", "tool_name": "send", "parameters": {}});
    let explained = api.post("/api/gate/explain", body).await.ok();
    assert_eq!(
        (&explained["decision"], &explained["rule"]),
        (&json!("require_approval"), &json!("require_approval[0]"))
    );
    assert!(explained["would_allow"].as_str().unwrap().contains("Add \"send\" to allow"));
    assert_eq!(api.get("/api/gate/log/bot").await.ok()["total"], 0);
    assert_eq!(api.get("/api/approvals").await.ok()["total"], 0);
}

#[tokio::test]
async fn what_is_wrong_with_a_call_is_named_and_nothing_is_decided() {
    let api = Api::start().await;
    api.policy("bot", json!({"default": "allow"})).await;
    let stranger = api.strangers_key().await;
    for (body, field) in [
        (json!({"tool_name": "a", "parameters": {}}), "agent_id"),
        (json!({"agent_id": "", "tool_name": "a", "parameters": {}}), "agent_id"),
        (json!({"agent_id": "bot", "parameters": {}}), "tool_name"),
        (json!({"agent_id": "bot", "tool_name": "", "parameters": {}}), "tool_name"),
        (json!({"agent_id": "bot", "tool_name": "a"}), "parameters"),
        (json!({"agent_id": "bot", "tool_name": "a", "parameters": []}), "parameters"),
        (json!({"agent_id": "bot", "tool_name": "a", "parameters": {}, "context": {"run": 1}}), "context"),
        (
            json!({"agent_id": "bot", "tool_name": "a", "parameters": {"x": "y".repeat(300_000)}}),
            "parameters",
        ),
    ] {
        let refused = api.post("/api/gate/evaluate", body).await;
        refused.is_error(400, "invalid_request");
        assert!(refused.message().contains(field), "{field}: {}", refused.message());
    }
    assert_eq!(api.get("/api/gate/log/bot").await.ok()["total"], 0);
    let agent = api.app.agent(json!({})).await;
    let body = json!({"agent_id": agent.to_string(), "tool_name": "a", "parameters": {}});
    let foreign = api.with_key(&stranger, axum::http::Method::POST, "/api/gate/evaluate", Some(body)).await;
    foreign.is_error(404, "not_found");
}

#[tokio::test]
async fn an_agents_own_key_may_ask_and_see_how_it_ends_and_no_more() {
    let api = Api::start().await;
    api.policy("bot", json!({"require_approval": ["send"]})).await;
    let key = api.key(&[Scope::Gate]).await;
    let ask = async |method: axum::http::Method, path: &str, body: Option<Value>| {
        api.with_key(&key, method, path, body).await
    };
    use axum::http::Method;
    let body = json!({"agent_id": "bot", "tool_name": "send", "parameters": {}});
    let asked = ask(Method::POST, "/api/gate/evaluate", Some(body)).await.ok();
    let id = asked["approval_request_id"].as_str().unwrap();
    let seen = ask(Method::GET, &format!("/api/approvals/{id}"), None).await.ok();
    assert_eq!(seen["status"], "pending");
    let body = Some(json!({"approver": "bot"}));
    ask(Method::POST, &format!("/api/approvals/{id}/approve"), body).await.is_error(403, "missing_scope");
    let open = Some(json!({"default": "allow"}));
    ask(Method::PUT, "/api/gate/policy/bot", open).await.is_error(403, "missing_scope");
    ask(Method::DELETE, "/api/permissions/bot", None).await.is_error(403, "missing_scope");
}
