use std::time::Duration;

use serde_json::{Value, json};

use crate::support::Api;

async fn asked(api: &Api, policy: Value) -> String {
    let mut document = json!({"require_approval": ["send_email"]});
    document.as_object_mut().unwrap().extend(policy.as_object().unwrap().clone());
    api.policy("bot", document).await;
    let body = json!({
        "agent_id": "bot", "tool_name": "send_email", "parameters": {"to": "ann"},
        "context": {"run_id": "run 7", "triggered_by": "cron"},
    });
    let asked = api.post("/api/gate/evaluate", body).await.ok();
    asked["approval_request_id"].as_str().unwrap().to_owned()
}

async fn act(api: &Api, id: &str, verb: &str, body: Value) -> crate::support::Answer {
    api.post(&format!("/api/approvals/{id}/{verb}"), body).await
}

#[tokio::test]
async fn an_approval_is_listed_and_read_as_documented() {
    let api = Api::start().await;
    let id = asked(&api, json!({})).await;
    let listed = api.get("/api/approvals").await.ok();
    assert_eq!((&listed["total"], &listed["page"]), (&json!(1), &json!(1)));
    let one = api.get(&format!("/api/v1/approvals/{id}")).await.ok();
    assert_eq!(listed["approvals"][0], one);
    for (field, value) in [
        ("approval_id", json!(id)),
        ("agent_id", json!("bot")),
        ("action", json!("send_email")),
        ("parameters", json!({"to": "ann"})),
        ("risk_level", json!("HIGH")),
        ("status", json!("pending")),
        ("requested_at", json!("2026-02-10T14:00:00.000Z")),
        ("expires_at", json!("2026-02-10T14:05:00.000Z")),
        ("context", json!({"triggered_by": "cron", "agent_run_id": "run 7"})),
    ] {
        assert_eq!(one[field], value, "{field}");
    }
    assert!(one.get("approved_by").is_none());
    assert_eq!(api.get("/api/approvals?status=approved").await.ok()["total"], 0);
    assert_eq!(api.get("/api/approvals?agent_id=other").await.ok()["total"], 0);
    assert_eq!(api.get("/api/approvals?agent_id=bot&limit=1&page=2").await.ok()["approvals"], json!([]));
    api.get("/api/approvals?status=open").await.is_error(400, "invalid_request");
}

#[tokio::test]
async fn approving_answers_as_documented_once() {
    let api = Api::start().await;
    let id = asked(&api, json!({})).await;
    act(&api, &id, "approve", json!({})).await.is_error(400, "invalid_request");
    act(&api, &id, "approve", json!({"approver": " "})).await.is_error(400, "invalid_request");
    let approved = act(&api, &id, "approve", json!({"approver": "Ann", "note": "fine"})).await.ok();
    assert_eq!(approved["approval_id"], json!(id));
    assert_eq!((&approved["status"], &approved["approved_by"]), (&json!("approved"), &json!("Ann")));
    assert_eq!(approved["approved_at"], "2026-02-10T14:00:00.000Z");
    assert_eq!(approved["action_executed_at"], Value::Null);
    let one = api.get(&format!("/api/approvals/{id}")).await.ok();
    assert_eq!((&one["approved_by"], &one["note"]), (&json!("Ann"), &json!("fine")));
    act(&api, &id, "approve", json!({"approver": "Bob"})).await.is_error(409, "approval_decided");
    act(&api, &id, "deny", json!({"approver": "Bob", "reason": "no"}))
        .await
        .is_error(409, "approval_decided");
}

#[tokio::test]
async fn denying_needs_a_reason_and_keeps_it() {
    let api = Api::start().await;
    let id = asked(&api, json!({})).await;
    act(&api, &id, "deny", json!({"approver": "Ann"})).await.is_error(400, "invalid_request");
    let denied = act(&api, &id, "deny", json!({"approver": "Ann", "reason": "not on a Friday"})).await.ok();
    assert_eq!((&denied["status"], &denied["denied_by"]), (&json!("denied"), &json!("Ann")));
    let one = api.get(&format!("/api/approvals/{id}")).await.ok();
    assert_eq!((&one["status"], &one["note"]), (&json!("denied"), &json!("not on a Friday")));
}

#[tokio::test]
async fn nobody_deciding_in_time_means_what_the_policy_says() {
    let api = Api::start().await;
    let end = async |policy: Value| {
        let id = asked(&api, policy).await;
        let path = format!("/api/approvals/{id}");
        assert_eq!(api.get(&path).await.ok()["status"], "pending");
        api.app.clock.advance(Duration::from_secs(300));
        act(&api, &id, "approve", json!({"approver": "Ann"})).await.json();
        api.app.core.approvals().expire(roost_domain::page::Limit::clamped(10, 10)).await.unwrap();
        api.get(&path).await.ok()
    };
    assert_eq!(end(json!({})).await["status"], "expired");
    assert_eq!(end(json!({"on_timeout": "block"})).await["status"], "expired");
    let allowed = end(json!({"on_timeout": "allow"})).await;
    assert_eq!(allowed["status"], "approved");
    assert_eq!(allowed["approved_by"], "policy (on_timeout: allow)");
    let escalated = end(json!({"on_timeout": "escalate", "approvals": {"escalate_to": "Cleo"}})).await;
    assert_eq!((&escalated["status"], &escalated["escalated_to"]), (&json!("pending"), &json!("Cleo")));
    let id = escalated["approval_id"].as_str().unwrap();
    act(&api, id, "approve", json!({"approver": "Ann"})).await.is_error(409, "approval_passed_on");
    assert_eq!(act(&api, id, "approve", json!({"approver": "cleo"})).await.ok()["status"], "approved");
}

#[tokio::test]
async fn an_expired_approval_cannot_be_decided() {
    let mut api = Api::start().await;
    let id = asked(&api, json!({})).await;
    api.app.stop_runtime().await;
    api.app.clock.advance(Duration::from_secs(300));
    act(&api, &id, "approve", json!({"approver": "Ann"})).await.is_error(409, "approval_expired");
    act(&api, &id, "deny", json!({"approver": "Ann", "reason": "x"})).await.is_error(409, "approval_expired");
}

#[tokio::test]
async fn a_quorum_takes_different_people() {
    let api = Api::start().await;
    let id = asked(&api, json!({"approvals": {"quorum": 2, "timeout_seconds": 60}})).await;
    let once = act(&api, &id, "approve", json!({"approver": "Ann"})).await.ok();
    assert_eq!((&once["status"], &once["votes"], &once["quorum"]), (&json!("pending"), &json!(1), &json!(2)));
    act(&api, &id, "approve", json!({"approver": "ann"})).await.is_error(409, "approver_counted");
    let twice = act(&api, &id, "approve", json!({"approver": "Bob"})).await.ok();
    assert_eq!((&twice["status"], &twice["approved_by"]), (&json!("approved"), &json!("Ann, Bob")));
}

#[tokio::test]
async fn an_approval_is_passed_on_to_a_second_approver() {
    let api = Api::start().await;
    let id = asked(&api, json!({})).await;
    let passed_on = act(&api, &id, "escalate", json!({"approver": "Ann", "to": "Cleo"})).await.ok();
    assert_eq!((&passed_on["status"], &passed_on["escalated_to"]), (&json!("pending"), &json!("Cleo")));
    act(&api, &id, "escalate", json!({"approver": "Ann"})).await.is_error(409, "approval_escalated");
    act(&api, &id, "approve", json!({"approver": "Ann"})).await.is_error(409, "approval_passed_on");
    assert_eq!(act(&api, &id, "approve", json!({"approver": "Cleo"})).await.ok()["status"], "approved");
}

#[tokio::test]
async fn the_audit_keeps_everything_in_order_and_is_filtered() {
    let api = Api::start().await;
    let id = asked(&api, json!({"approvals": {"quorum": 2}})).await;
    for (second, approver) in [(1, "Ann"), (2, "Bob")] {
        api.app.clock.advance(Duration::from_secs(1));
        act(&api, &id, "approve", json!({"approver": approver, "note": format!("at {second}")})).await.ok();
    }
    let audit = api.get("/api/approvals/audit").await.ok();
    let events: Vec<_> = audit["entries"].as_array().unwrap().iter().map(|entry| &entry["event"]).collect();
    assert_eq!(events, ["approved", "voted", "requested"]);
    let first = &audit["entries"][0];
    assert_eq!((&first["actor"], &first["detail"]), (&json!("Bob"), &json!("at 2 (test)")));
    assert_eq!((&first["agent_id"], &first["approval_id"]), (&json!("bot"), &json!(id)));
    let total =
        async |query: &str| api.get(&format!("/api/approvals/audit?{query}")).await.ok()["total"].clone();
    assert_eq!(total("status=approved").await, 1);
    assert_eq!(total("status=denied").await, 0);
    assert_eq!(total("agent_id=other").await, 0);
    assert_eq!(total("from=2026-02-10T14:00:01Z&to=2026-02-10T14:00:02Z").await, 2);
    assert_eq!(total("to=2026-02-10").await, 0);
    assert_eq!(api.get("/api/approvals/audit?limit=1&page=3").await.ok()["entries"][0]["event"], "requested");
    api.get("/api/approvals/audit?from=soon").await.is_error(400, "invalid_request");
}
