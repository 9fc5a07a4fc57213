use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::{Value, json};

use crate::support::Api;

#[tokio::test]
async fn a_policy_is_put_as_json_or_yaml_and_read_back() {
    let api = Api::start().await;
    let yaml = "agent_id: bot\nversion: \"9.9\"\nallow:\n  - read_*\nrequire_approval: [send_email]\nblock: []\n\
                on_block: raise_and_alert\non_timeout: escalate\nscan: {min_score: 70, fail_on: HIGH}\n";
    let request = Request::put("/api/gate/policy/bot")
        .header("X-AgentCop-Key", &api.key)
        .header("Content-Type", "application/yaml")
        .body(Body::from(yaml))
        .unwrap();
    let put = api.send(request).await.ok();
    assert_eq!((&put["agent_id"], &put["version"]), (&json!("bot"), &json!("1.0")));
    assert_eq!((&put["allow"], &put["on_timeout"]), (&json!(["read_*"]), &json!("escalate")));
    assert_eq!(put["scan"], json!({"min_score": 70, "fail_on": "HIGH"}));
    assert_eq!(put["warnings"], json!([]));
    let read = api.get("/api/v1/gate/policy/bot").await.ok();
    assert_eq!((&read["require_approval"], &read["updated_by"]), (&json!(["send_email"]), &json!("test")));
    let again = api.policy("bot", read.clone()).await;
    assert_eq!(again["version"], "1.1", "what was read can be sent back");
    assert_eq!(again["allow"], read["allow"]);
}

#[tokio::test]
async fn every_version_is_kept() {
    let api = Api::start().await;
    api.get("/api/gate/policy/bot").await.is_error(404, "no_policy_found");
    api.policy("bot", json!({"allow": ["a"]})).await;
    api.policy("bot", json!({"allow": ["b"]})).await;
    let versions = api.get("/api/gate/policy/bot/versions").await.ok();
    let numbers: Vec<_> =
        versions["versions"].as_array().unwrap().iter().map(|row| &row["version"]).collect();
    assert_eq!(numbers, ["1.1", "1.0"]);
    assert_eq!(api.get("/api/gate/policy/bot/versions/1.0").await.ok()["allow"], json!(["a"]));
    api.get("/api/gate/policy/bot/versions/1.7").await.is_error(404, "no_policy_found");
    api.get("/api/gate/policy/bot/versions/x").await.is_error(404, "not_found");
    assert_eq!(api.evaluate("bot", "a", json!({})).await["decision"], "block");
    assert_eq!(api.evaluate("bot", "b", json!({})).await["decision"], "allow");
}

#[tokio::test]
async fn what_is_odd_is_named_and_refused_only_where_that_is_asked_for() {
    let api = Api::start().await;
    let agent = api.app.agent(json!({})).await.to_string();
    let odd = json!({"allow": ["shell", "fly"], "block": ["shell"]});
    let put = api.policy(&agent, odd.clone()).await;
    let codes: Vec<_> = put["warnings"].as_array().unwrap().iter().map(|one| &one["code"]).collect();
    assert_eq!(codes, ["contradiction", "unknown_tool"]);
    assert_eq!(put["warnings"][0]["path"], "allow[0]");
    let strict = api.put(&format!("/api/gate/policy/{agent}?strict=true"), odd.clone()).await;
    strict.is_error(400, "policy_has_problems");
    let dry = api.put(&format!("/api/gate/policy/{agent}?dry_run=true"), odd).await.ok();
    assert_eq!(dry["version"], "1.1");
    assert_eq!(api.get(&format!("/api/gate/policy/{agent}")).await.ok()["version"], "1.0");
}

#[tokio::test]
async fn a_policy_that_cannot_be_used_changes_nothing() {
    let api = Api::start().await;
    api.policy("bot", json!({"allow": ["a"]})).await;
    for (document, message) in [
        (json!({"alow": ["a"]}), "alow is not known here"),
        (
            json!({"allow": [{"tool": "a", "when": {"x": {"like": 1}}}]}),
            "allow[0].when.x has the key \"like\"",
        ),
        (json!({"agent_id": "other"}), "agent_id must be \"bot\" or left out"),
        (json!([]), "the policy must be an object"),
        (json!({"block": ["["]}), "block[0] is no glob"),
    ] {
        let refused = api.put("/api/gate/policy/bot", document).await;
        refused.is_error(400, "invalid_request");
        assert!(refused.message().starts_with(message), "{}", refused.message());
    }
    assert_eq!(api.get("/api/gate/policy/bot").await.ok()["version"], "1.0");
    let image = Request::put("/api/gate/policy/bot")
        .header("X-AgentCop-Key", &api.key)
        .header("Content-Type", "image/png")
        .body(Body::from("x"))
        .unwrap();
    api.send(image).await.is_error(415, "unsupported_media_type");
}

#[tokio::test]
async fn a_new_policy_is_tried_on_what_was_decided() {
    let api = Api::start().await;
    api.policy("bot", json!({"default": "allow"})).await;
    for (tool, parameters) in
        [("read", json!({})), ("send", json!({"to": "a@corp.example"})), ("send", json!({"to": "x"}))]
    {
        api.evaluate("bot", tool, parameters).await;
    }
    api.evaluate("bot", "read", json!({"x": "y".repeat(20_000)})).await;
    let stricter = json!({
        "allow": ["read", {"tool": "send", "when": {"to": {"glob": "*@corp.example"}}}],
        "require_approval": [],
    });
    let tried = api.post("/api/gate/policy/bot/test?since=7d", stricter.clone()).await.ok();
    assert_eq!((&tried["decisions"], &tried["evaluated"]), (&json!(4), &json!(4)));
    assert_eq!(
        (&tried["unchanged"], &tried["changed"], &tried["not_replayable"]),
        (&json!(2), &json!(1), &json!(1))
    );
    let change = &tried["changes"][0];
    assert_eq!((&change["was"], &change["would_be"]), (&json!("allow"), &json!("block")));
    assert_eq!(change["parameters"], json!({"to": "x"}));
    assert_eq!(api.get("/api/gate/policy/bot").await.ok()["version"], "1.0", "nothing was put in force");
    api.app.clock.advance(std::time::Duration::from_secs(3_600));
    let later = api.post("/api/gate/policy/bot/test?since=30m", stricter).await.ok();
    assert_eq!(later["decisions"], 0);
    let wrong = api.post("/api/gate/policy/bot/test?since=soon", json!({})).await;
    assert!(wrong.message().starts_with("since must be a time such as"), "{}", wrong.message());
}

#[tokio::test]
async fn the_smallest_policy_that_covers_the_last_week_is_suggested() {
    let api = Api::start().await;
    let nothing = api.get("/api/gate/policy/bot/suggestion").await;
    nothing.is_error(409, "nothing_observed");
    api.policy("bot", json!({"default": "allow", "require_approval": ["pay"]})).await;
    for (tool, parameters) in
        [("send", json!({"to": "a"})), ("send", json!({"to": "b"})), ("pay", json!({"to": "c"}))]
    {
        api.evaluate("bot", tool, parameters).await;
    }
    let suggested = api.get("/api/gate/policy/bot/suggestion?since=24h").await.ok();
    assert_eq!(
        suggested,
        json!({
            "agent_id": "bot", "default": "block", "block": [], "require_approval": ["pay"],
            "allow": [{"tool": "send", "when": {"to": {"one_of": ["a", "b"]}}}],
        })
    );
    api.policy("bot", suggested).await;
    assert_eq!(api.evaluate("bot", "send", json!({"to": "b"})).await["decision"], "allow");
    assert_eq!(api.evaluate("bot", "send", json!({"to": "z"})).await["decision"], "block");
}

#[tokio::test]
async fn another_accounts_agent_has_no_policy_to_be_changed() {
    let api = Api::start().await;
    let agent = api.app.agent(json!({})).await.to_string();
    let stranger = api.strangers_key().await;
    let path = format!("/api/gate/policy/{agent}");
    for method in [Method::GET, Method::PUT] {
        let body = (method == Method::PUT).then(|| json!({"default": "allow"}));
        api.with_key(&stranger, method, &path, body).await.is_error(404, "not_found");
    }
    api.policy("bot", json!({"default": "allow"})).await;
    let foreign = api.with_key(&stranger, Method::GET, "/api/gate/policy/bot", None).await;
    foreign.is_error(404, "no_policy_found");
    let _: Value = api.get("/api/gate/policy/bot").await.ok();
}
