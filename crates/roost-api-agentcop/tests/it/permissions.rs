use axum::http::Method;
use serde_json::json;

use crate::support::Api;

#[tokio::test]
async fn permissions_are_made_read_replaced_and_deleted_as_documented() {
    let api = Api::start().await;
    let path = "/api/permissions/bot";
    api.get(path).await.is_error(404, "permissions_not_found");
    let body = json!({
        "tools": {"allow": ["read_file"], "block": ["delete_*"]},
        "data": {"read": ["/data/**"], "write": [], "deny": ["/data/secret"]},
        "network": {"allow": ["api.example"], "block_outbound": true},
        "compute": {"max_tokens_per_run": 1000, "max_tool_calls_per_run": 5},
    });
    let made = api.post(path, body.clone()).await;
    assert_eq!(made.status, 201);
    let made = made.json();
    assert_eq!((&made["agent_id"], &made["version"]), (&json!("bot"), &json!("1.0")));
    for section in ["tools", "data"] {
        assert_eq!(made[section], body[section]);
    }
    assert_eq!(
        (&made["network"]["block_outbound"], &made["network"]["allow"]),
        (&json!(true), &json!(["api.example"]))
    );
    assert_eq!(made["compute"]["max_tokens_per_run"], 1000);
    assert_eq!(made["updated_at"], "2026-02-10T14:00:00.000Z");
    api.post(path, body).await.is_error(409, "permissions_exist");
    let replaced = api.put(path, json!({"tools": {"allow": ["x"]}})).await.ok();
    assert_eq!(
        (&replaced["version"], &replaced["tools"]),
        (&json!("1.1"), &json!({"allow": ["x"], "block": []}))
    );
    assert_eq!(replaced["data"], json!({"read": [], "write": [], "deny": []}), "fields left out are empty");
    assert_eq!(api.get("/api/v1/permissions/bot").await.ok(), replaced);
    let sent_back = api.put(path, replaced).await.ok();
    assert_eq!(sent_back["version"], "1.2", "what was read can be sent back");
    let deleted = api.ask(Method::DELETE, path, None).await;
    assert_eq!((deleted.status.as_u16(), deleted.text.as_str()), (204, ""));
    api.get(path).await.is_error(404, "permissions_not_found");
    api.ask(Method::DELETE, path, None).await.is_error(404, "permissions_not_found");
    let versions = api.get("/api/permissions/bot/versions").await.ok();
    assert_eq!(versions["versions"][0]["deleted"], true);
    assert_eq!(versions["versions"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn after_a_deletion_the_gate_finds_no_policy_until_there_are_permissions_again() {
    let api = Api::start().await;
    api.policy("bot", json!({"default": "allow"})).await;
    assert_eq!(api.evaluate("bot", "a", json!({})).await["decision"], "allow");
    api.post("/api/permissions/bot", json!({})).await.ok();
    api.ask(Method::DELETE, "/api/permissions/bot", None).await;
    let blocked = api.evaluate("bot", "a", json!({})).await;
    assert_eq!((&blocked["decision"], &blocked["reason"]), (&json!("block"), &json!("no_policy_found")));
    api.post("/api/permissions/bot", json!({})).await.ok();
    assert_eq!(api.evaluate("bot", "a", json!({})).await["decision"], "allow");
}

#[tokio::test]
async fn a_patch_changes_single_entries() {
    let api = Api::start().await;
    let path = "/api/permissions/bot";
    api.ask(Method::PATCH, path, Some(json!({}))).await.is_error(404, "permissions_not_found");
    api.post(path, json!({"tools": {"allow": ["a", "b"]}})).await.ok();
    let change = json!({
        "tools": {"add_allow": ["c"], "remove_allow": ["a"], "add_block": ["d"], "remove_block": ["e"]},
        "data": {"add_read": ["/r/**"], "add_deny": ["/s"]},
    });
    let patched = api.ask(Method::PATCH, path, Some(change)).await.ok();
    assert_eq!(
        (&patched["version"], &patched["tools"]),
        (&json!("1.1"), &json!({"allow": ["b", "c"], "block": ["d"]}))
    );
    assert_eq!(patched["data"], json!({"read": ["/r/**"], "write": [], "deny": ["/s"]}));
    for (change, message) in [
        (json!({"tools": {"allow": []}}), "tools.allow is not known here"),
        (json!({"tools": {"add_allow": ["x", ""]}}), "tools.add_allow[1] must be the name of a tool"),
        (json!({"network": {"add_allow": ["http://x"]}}), "network.add_allow[0] \"http://x\" is not a host"),
    ] {
        let refused = api.ask(Method::PATCH, path, Some(change)).await;
        refused.is_error(400, "invalid_request");
        assert!(refused.message().starts_with(message), "{}", refused.message());
    }
    assert_eq!(api.get(path).await.ok()["version"], "1.1", "nothing was half done");
}

#[tokio::test]
async fn agents_inherit_from_their_account_and_their_swarm() {
    let api = Api::start().await;
    let (_, [agent]) = api.app.swarm("Night", [("Owl", json!({}))]).await;
    let agent = agent.to_string();
    let other = api.app.agent(json!({})).await.to_string();
    api.post("/api/permissions/account", json!({"tools": {"block": ["shell"]}})).await.ok();
    api.post("/api/permissions/swarm:night", json!({"data": {"deny": ["diary.txt"]}})).await.ok();
    api.post(&format!("/api/permissions/{agent}"), json!({"network": {"allow": ["api.example"]}})).await.ok();
    for (who, tool, parameters, code) in [
        (&agent, "shell", json!({"command": "ls"}), "tool_blocked"),
        (&other, "shell", json!({"command": "ls"}), "tool_blocked"),
        (&agent, "read_file", json!({"path": "diary.txt"}), "path_denied"),
        (&other, "read_file", json!({"path": "diary.txt"}), "profile"),
        (&agent, "http_request", json!({"host": "api.example"}), "profile"),
        (&agent, "http_request", json!({"host": "b.example"}), "host_not_permitted"),
        (&other, "http_request", json!({"host": "b.example"}), "host_not_listed"),
    ] {
        assert_eq!(api.evaluate(who, tool, parameters.clone()).await["code"], code, "{tool} {parameters}");
    }
    api.ask(Method::DELETE, "/api/permissions/account", None).await;
    assert_eq!(api.evaluate(&other, "shell", json!({"command": "ls"})).await["code"], "profile");
}

#[tokio::test]
async fn unknown_keys_are_refused_and_nothing_is_made() {
    let api = Api::start().await;
    for (body, message) in [
        (json!({"tool": {}}), "tool is not known here"),
        (json!({"compute": {"max_cpu": 1}}), "compute.max_cpu is not known here"),
        (json!({"data": {"read": ["../x"]}}), "data.read[0] must be a path or a glob"),
        (json!("x"), "the permissions must be an object"),
    ] {
        let refused = api.post("/api/permissions/bot", body).await;
        refused.is_error(400, "invalid_request");
        assert!(refused.message().starts_with(message), "{}", refused.message());
    }
    api.get("/api/permissions/bot").await.is_error(404, "permissions_not_found");
}
