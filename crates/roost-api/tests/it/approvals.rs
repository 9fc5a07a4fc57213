use axum::http::Method;
use insta::assert_json_snapshot;
use roost_domain::event::TurnEvent;
use roost_testkit::Reply;
use serde_json::{Value, json};

use crate::support::Api;

/// Lets an agent ask for leave and returns the approval's id.
async fn asked(api: &Api, message: &'static str) -> String {
    let agent = api.app.agent(json!({"policy": "strict"})).await;
    let call = ("shell", json!({"command": "git push"}));
    api.app.models.when(message, [Reply::Use("", vec![call]), Reply::Say(vec!["Done."])]);
    let posted = api.app.post(agent, message).await;
    let events =
        api.app.until(agent, &posted, |event| matches!(event, TurnEvent::ApprovalRequested { .. })).await;
    match events.last() {
        Some(TurnEvent::ApprovalRequested { approval, .. }) => approval.to_string(),
        other => panic!("no approval was asked for: {other:?}"),
    }
}

fn ids(answer: &crate::support::Answer) -> Vec<String> {
    let data = answer.data();
    data.as_array().unwrap().iter().map(|row: &Value| row["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn an_approval_is_shown_with_everything_a_person_needs() {
    let api = Api::start().await;
    let id = asked(&api, "push").await;
    assert_json_snapshot!(api.get(&format!("/v1/approvals/{id}")).await.shown());
}

#[tokio::test]
async fn approvals_are_listed_newest_first_and_filtered() {
    let api = Api::start().await;
    let mut made = Vec::new();
    for message in ["one", "two", "three"] {
        made.insert(0, asked(&api, message).await);
        api.app.clock.advance(std::time::Duration::from_secs(1));
    }
    let first = api.get("/v1/approvals?limit=2").await;
    assert_eq!(ids(&first), made[..2]);
    let cursor = first.json()["pagination"]["nextCursor"].as_str().unwrap().to_owned();
    assert_eq!(ids(&api.get(&format!("/v1/approvals?limit=2&cursor={cursor}")).await), made[2..]);
    api.post(&format!("/v1/approvals/{}/deny", made[0]), json!({})).await;
    assert_eq!(ids(&api.get("/v1/approvals?status=pending").await), made[1..]);
    let agent = api.get(&format!("/v1/approvals/{}", made[1])).await.data()["agentId"].clone();
    let of_one = api.get(&format!("/v1/approvals?agentId={}", agent.as_str().unwrap())).await;
    assert_eq!(ids(&of_one), [made[1].clone()]);
    for (query, message) in [
        ("status=open", "status must be pending, approved, denied, expired or withdrawn"),
        (
            "agentId=",
            "agentId must have 1 to 200 characters, none of them a control character, and not begin or end with a space",
        ),
    ] {
        let wrong = api.get(&format!("/v1/approvals?{query}")).await;
        assert_eq!((wrong.status.as_u16(), wrong.message()), (400, message.to_owned()));
    }
}

#[tokio::test]
async fn an_approval_is_decided_once_with_a_note_under_either_name() {
    let api = Api::start().await;
    let id = asked(&api, "push").await;
    let body = json!({"approver": "Eve", "reason": "not on a Friday"});
    assert_json_snapshot!(api.post(&format!("/v1/approvals/{id}/deny"), body).await.shown());
    let again = api.post(&format!("/v1/approvals/{id}/approve"), json!({})).await;
    again.is_error(409, "invalid_request_error", "approval_decided");

    let id = asked(&api, "pull").await;
    let both = api.post(&format!("/v1/approvals/{id}/approve"), json!({"note": "a", "reason": "b"})).await;
    assert_eq!(both.message(), "reason and note are the same; give one of them");
    let bare = api.ask(Method::POST, &format!("/v1/approvals/{id}/approve"), None).await;
    assert_eq!((&bare.data()["status"], &bare.data()["decidedBy"]), (&json!("approved"), &json!("test")));
}

#[tokio::test]
async fn an_approval_is_passed_on_once_and_the_record_says_who_did_what() {
    let api = Api::start().await;
    let policy = json!({"require_approval": ["send_email"]});
    api.ask(axum::http::Method::PUT, "/v1/policies/runner", Some(policy)).await.data();
    let call = json!({"agentId": "runner", "tool": "send_email", "parameters": {}});
    let asked = api.post("/v1/gate/evaluate", call).await.data();
    let path = format!("/v1/approvals/{}", asked["approvalId"].as_str().unwrap());
    let escalate = json!({"to": "Ann", "approver": "Bob", "note": "not mine"});
    let passed_on = api.post(&format!("{path}/escalate"), escalate.clone()).await.data();
    assert_eq!((&passed_on["status"], &passed_on["escalatedTo"]), (&json!("pending"), &json!("Ann")));
    api.post(&format!("{path}/escalate"), escalate).await.is_error(
        409,
        "invalid_request_error",
        "approval_escalated",
    );
    assert_eq!(api.post(&format!("{path}/approve"), json!({"approver": "Ann"})).await.status, 200);
    let entries = api.get(&format!("{path}/entries")).await.data();
    let acts: Vec<_> = entries.as_array().unwrap().iter().map(|entry| &entry["act"]).collect();
    assert_eq!(acts, ["approved", "escalated", "requested"]);
    assert_eq!((&entries[1]["actor"], &entries[1]["detail"]), (&json!("Bob"), &json!("not mine (test)")));
}
