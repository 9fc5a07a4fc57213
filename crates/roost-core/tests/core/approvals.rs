use std::time::Duration;

use roost_core::{DecideApproval, Kind, ListApprovals};
use roost_domain::approval::{Approval, Status};
use roost_domain::conversation::Message;
use roost_domain::event::{Ending, TurnEvent};
use roost_domain::id::AgentId;
use roost_domain::page::Limit;
use roost_ports::store::{ApprovalFilter, TurnPhase};
use roost_testkit::{Reply, TestApp};
use serde_json::json;

pub(super) async fn pending(app: &TestApp) -> Vec<Approval> {
    let filter = ApprovalFilter { status: Some(Status::Pending), subject: None };
    let list = ListApprovals { filter, after: None, limit: Limit::clamped(10, 10) };
    app.core.approvals().list(&app.ctx(), list).await.expect("approvals can be listed").rows
}

pub(super) fn decision(approval: &Approval, approve: bool) -> DecideApproval {
    DecideApproval { id: approval.id, approve, by: Some("Ann".into()), note: Some("as agreed".into()) }
}

/// Makes an agent wait for leave to run a command.
async fn waiting(app: &TestApp) -> (AgentId, roost_core::Posted, Approval) {
    let agent = app.agent(json!({"policy": "strict", "approvalTtlSeconds": 60})).await;
    let wants = Reply::Use("", vec![("shell", json!({"command": "rm -rf build"}))]);
    app.models.when("clean up", [wants, Reply::Say(vec!["Cleaned."])]);
    let posted = app.post(agent, "clean up").await;
    app.until(agent, &posted, |event| matches!(event, TurnEvent::ApprovalRequested { .. })).await;
    app.until_phase(posted.turn, TurnPhase::Waiting).await;
    let approval = pending(app).await.pop().expect("one waits");
    (agent, posted, approval)
}

#[tokio::test]
async fn nothing_runs_before_a_person_said_yes() {
    let app = TestApp::start().await;
    let (agent, posted, approval) = waiting(&app).await;
    assert_eq!(app.machines.commands(), Vec::<String>::new());
    assert_eq!(approval.summary, "run the command \"rm -rf build\"");
    app.core.approvals().decide(&app.ctx(), decision(&approval, true)).await.expect("can be approved");
    let events = app.until(agent, &posted, |event| matches!(event, TurnEvent::Ended { .. })).await;
    assert_eq!(app.machines.commands(), ["rm -rf build"]);
    assert!(matches!(events.last(), Some(TurnEvent::Ended { ending: Ending::Answered })));
    assert!(pending(&app).await.is_empty());
}

#[tokio::test]
async fn a_no_is_told_to_the_model_with_what_the_person_said() {
    let app = TestApp::start().await;
    let (agent, posted, approval) = waiting(&app).await;
    app.core.approvals().decide(&app.ctx(), decision(&approval, false)).await.expect("can be denied");
    app.until(agent, &posted, |event| matches!(event, TurnEvent::Ended { .. })).await;
    assert_eq!(app.machines.commands(), Vec::<String>::new());
    let Some(Message::ToolResult { text, .. }) = app.models.asked()[1].messages.last().cloned() else {
        panic!()
    };
    assert_eq!(text, "Not done: a person refused it. They said: as agreed");
}

#[tokio::test]
async fn an_approval_is_decided_once() {
    let app = TestApp::start().await;
    let (_, _, approval) = waiting(&app).await;
    app.core.approvals().decide(&app.ctx(), decision(&approval, false)).await.expect("can be denied");
    let error = app.core.approvals().decide(&app.ctx(), decision(&approval, true)).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (Kind::Conflict, "approval_decided"));
    assert_eq!(error.public(), "the approval is already denied");
}

#[tokio::test]
async fn an_approval_that_nobody_decides_expires_and_the_turn_goes_on() {
    let app = TestApp::start().await;
    let (agent, posted, approval) = waiting(&app).await;
    app.clock.advance(Duration::from_secs(61));
    let events = app.until(agent, &posted, |event| matches!(event, TurnEvent::Ended { .. })).await;
    assert!(matches!(events.last(), Some(TurnEvent::Ended { ending: Ending::Answered })));
    let error = app.core.approvals().decide(&app.ctx(), decision(&approval, true)).await.unwrap_err();
    assert_eq!(error.public(), "the approval is already expired");
    assert_eq!(app.machines.commands(), Vec::<String>::new());
}

#[tokio::test]
async fn a_yes_after_the_time_is_too_late_even_before_anybody_noticed() {
    let mut app = TestApp::start().await;
    let (_, _, approval) = waiting(&app).await;
    app.stop_runtime().await;
    app.clock.advance(Duration::from_secs(60));
    let error = app.core.approvals().decide(&app.ctx(), decision(&approval, true)).await.unwrap_err();
    assert_eq!(error.code(), "approval_expired");
}

#[tokio::test]
async fn a_cancelled_turn_withdraws_its_approvals() {
    let app = TestApp::start().await;
    let (agent, posted, approval) = waiting(&app).await;
    app.core.sessions().cancel(&app.ctx(), agent, posted.session).await.expect("can be cancelled");
    let events = app.until(agent, &posted, |event| matches!(event, TurnEvent::Ended { .. })).await;
    assert!(matches!(events.last(), Some(TurnEvent::Ended { ending: Ending::Cancelled })));
    let withdrawn = app.core.approvals().get(&app.ctx(), approval.id).await.expect("is there");
    assert_eq!(withdrawn.status, Status::Withdrawn);
}

#[tokio::test]
async fn another_accounts_approval_is_not_there() {
    let app = TestApp::start().await;
    let (_, _, approval) = waiting(&app).await;
    let stranger = app.stranger().await;
    let error = app.core.approvals().decide(&stranger, decision(&approval, true)).await.unwrap_err();
    assert_eq!(error.kind(), Kind::NotFound);
    assert_eq!(pending(&app).await.len(), 1);
}

#[tokio::test]
async fn a_host_that_is_not_listed_needs_approval_under_standard_and_is_blocked_under_strict() {
    let app = TestApp::start().await;
    let wants = || Reply::Use("", vec![("http_request", json!({"host": "api.example"}))]);
    let standard = app.agent(json!({})).await;
    app.models.when("fetch", [wants(), Reply::Say(vec!["Done."])]);
    let posted = app.post(standard, "fetch").await;
    app.until(standard, &posted, |event| matches!(event, TurnEvent::ApprovalRequested { .. })).await;

    let strict = app.agent(json!({"policy": "strict"})).await;
    app.models.when("fetch strictly", [wants(), Reply::Say(vec!["Not allowed."])]);
    let events = app.talk(strict, "fetch strictly").await;
    let blocked = events.iter().find_map(|event| {
        if let TurnEvent::ToolBlocked { reason, .. } = event { Some(reason.as_str()) } else { None }
    });
    assert_eq!(
        blocked,
        Some(
            "The agent may not connect to api.example by itself. Add \"api.example\" to config.network.allow to \
             allow it"
        )
    );
    assert_eq!(app.machines.commands(), Vec::<String>::new());
}
