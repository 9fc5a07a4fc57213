use roost_core::Kind;
use roost_domain::event::{Ending, TurnEvent};
use roost_domain::tool::ToolStatus;
use roost_testkit::{Reply, TestApp};
use serde_json::json;

fn is_end(event: &TurnEvent) -> bool {
    matches!(event, TurnEvent::Ended { .. })
}

#[tokio::test]
async fn a_cancel_cuts_an_answer_short_and_the_next_message_is_answered() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({})).await;
    app.models.when("talk on", [Reply::Hang(vec!["and so "])]);
    let posted = app.post(agent, "talk on").await;
    app.until(agent, &posted, |event| matches!(event, TurnEvent::ModelCalled { .. })).await;
    let next = app.post(agent, "next").await;
    app.core.sessions().cancel(&app.ctx(), agent, posted.session).await.expect("can be cancelled");
    let events = app.until(agent, &posted, is_end).await;
    assert_eq!(events.last(), Some(&TurnEvent::Ended { ending: Ending::Cancelled }));
    let events = app.until(agent, &next, is_end).await;
    assert_eq!(events.last(), Some(&TurnEvent::Ended { ending: Ending::Answered }));
}

#[tokio::test]
async fn a_cancel_ends_a_command_and_its_outcome_is_written() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({})).await;
    app.models.when("run", [Reply::Use("", vec![("shell", json!({"command": "hang"}))])]);
    let posted = app.post(agent, "run").await;
    app.until(agent, &posted, |event| matches!(event, TurnEvent::ToolStarted { .. })).await;
    app.core.sessions().cancel(&app.ctx(), agent, posted.session).await.expect("can be cancelled");
    let events = app.until(agent, &posted, is_end).await;
    let cut = events.iter().any(
        |event| matches!(event, TurnEvent::ToolFinished { outcome, .. } if outcome.status == ToolStatus::Cancelled),
    );
    assert!(cut, "{events:#?}");
    assert_eq!(events.last(), Some(&TurnEvent::Ended { ending: Ending::Cancelled }));
}

#[tokio::test]
async fn cancelling_where_nothing_is_going_on_says_so() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({})).await;
    let posted = app.post(agent, "hello").await;
    app.until(agent, &posted, is_end).await;
    let error = app.core.sessions().cancel(&app.ctx(), agent, posted.session).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (Kind::InvalidState, "nothing_to_cancel"));
}

#[tokio::test]
async fn nothing_begins_after_a_cancel_was_acknowledged() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({})).await;
    for n in 0..40 {
        let message = format!("run {n}");
        app.models.when(&message, [Reply::Use("", vec![("shell", json!({"command": "ls"}))])]);
        let posted = app.post(agent, &message).await;
        app.until(agent, &posted, |event| matches!(event, TurnEvent::ModelAnswered { .. })).await;
        // The turn may have ended by now; then there is nothing to cancel.
        let _ = app.core.sessions().cancel(&app.ctx(), agent, posted.session).await;
        let events = app.until(agent, &posted, is_end).await;
        let cancelled = events.iter().position(|event| *event == TurnEvent::CancelRequested);
        let after = cancelled.map_or(&[][..], |at| &events[at..]);
        assert!(!after.iter().any(|event| matches!(event, TurnEvent::ToolStarted { .. })), "{events:#?}");
    }
}
