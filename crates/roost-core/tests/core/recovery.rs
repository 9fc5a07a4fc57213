//! A server that dies in mid-step and one that takes over: the log of the first is all the second has.

use roost_domain::approval::Question;
use roost_domain::event::{Ending, TurnEvent};
use roost_ports::store::TurnPhase;
use roost_testkit::{Reply, TestApp};
use serde_json::json;

use crate::approvals::{decision, pending};

fn is_end(event: &TurnEvent) -> bool {
    matches!(event, TurnEvent::Ended { .. })
}

fn names(events: &[TurnEvent]) -> Vec<&'static str> {
    events
        .iter()
        .map(|event| match event {
            TurnEvent::MessageReceived { .. } => "message",
            TurnEvent::Recalled { .. } => "recalled",
            TurnEvent::ModelCalled { .. } => "called",
            TurnEvent::ModelAnswered { .. } => "answered",
            TurnEvent::ModelLost => "model lost",
            TurnEvent::ToolStarted { .. } => "started",
            TurnEvent::ToolFinished { .. } => "finished",
            TurnEvent::ToolLost { .. } => "tool lost",
            TurnEvent::ApprovalRequested { .. } => "approval requested",
            TurnEvent::ApprovalDecided { .. } => "approval decided",
            TurnEvent::Ended { .. } => "ended",
            TurnEvent::ModelFailed { .. }
            | TurnEvent::ToolBlocked { .. }
            | TurnEvent::QuestionAsked { .. }
            | TurnEvent::QuestionAnswered { .. }
            | TurnEvent::HistoryGiven { .. }
            | TurnEvent::CallerAsked { .. }
            | TurnEvent::Confined { .. }
            | TurnEvent::CallsGiven { .. }
            | TurnEvent::CallHandedOut { .. }
            | TurnEvent::CallReturned { .. }
            | TurnEvent::AgentAsked { .. }
            | TurnEvent::CancelRequested => "other",
        })
        .collect()
}

#[tokio::test]
async fn an_answer_that_was_being_written_is_asked_for_again() {
    let mut app = TestApp::start().await;
    let agent = app.agent(json!({})).await;
    app.models.when("tell me", [Reply::Hang(vec!["Once upon"]), Reply::Say(vec!["Once upon a time."])]);
    let posted = app.post(agent, "tell me").await;
    app.until(agent, &posted, |event| matches!(event, TurnEvent::ModelCalled { .. })).await;
    app.kill_runtime().await;
    app.start_runtime();
    let events = app.until(agent, &posted, is_end).await;
    assert_eq!(names(&events), ["message", "called", "model lost", "called", "answered", "ended"]);
}

#[tokio::test]
async fn a_command_that_was_running_is_not_run_again_before_a_person_said_so() {
    let mut app = TestApp::start().await;
    let agent = app.agent(json!({})).await;
    let hang = Reply::Use("", vec![("shell", json!({"command": "hang"}))]);
    app.models.when("deploy", [hang, Reply::Say(vec!["I will check."])]);
    let posted = app.post(agent, "deploy").await;
    app.until(agent, &posted, |event| matches!(event, TurnEvent::ToolStarted { .. })).await;
    app.kill_runtime().await;
    let ran = app.machines.commands().len();
    app.start_runtime();
    app.until(agent, &posted, |event| matches!(event, TurnEvent::ApprovalRequested { .. })).await;
    app.until_phase(posted.turn, TurnPhase::Waiting).await;
    let approval = pending(&app).await.pop().expect("a person is asked");
    assert_eq!(approval.question, Question::RunAgain);
    assert_eq!(app.machines.commands().len(), ran, "it was not run again by itself");
    app.core.approvals().decide(&app.ctx(), decision(&approval, false)).await.expect("can be denied");
    let events = app.until(agent, &posted, is_end).await;
    assert_eq!(events.last(), Some(&TurnEvent::Ended { ending: Ending::Answered }));
    let told = format!("{:?}", app.models.asked().last().expect("was asked").messages.last());
    assert!(told.contains("its outcome is unknown"), "{told}");
    assert_eq!(app.machines.commands().len(), ran);
}

#[tokio::test]
async fn a_lost_command_is_run_again_when_a_person_says_so() {
    let mut app = TestApp::start().await;
    let agent = app.agent(json!({})).await;
    app.models.when("deploy", [Reply::Use("", vec![("shell", json!({"command": "hang"}))])]);
    let posted = app.post(agent, "deploy").await;
    app.until(agent, &posted, |event| matches!(event, TurnEvent::ToolStarted { .. })).await;
    app.kill_runtime().await;
    let ran = app.machines.commands().len();
    app.start_runtime();
    app.until_phase(posted.turn, TurnPhase::Waiting).await;
    let approval = pending(&app).await.pop().expect("a person is asked");
    app.core.approvals().decide(&app.ctx(), decision(&approval, true)).await.expect("can be approved");
    let mut starts = 0;
    app.until(agent, &posted, |event| matches!(event, TurnEvent::ApprovalDecided { .. })).await;
    app.until_phase(posted.turn, TurnPhase::Active).await;
    while starts < 2 {
        tokio::task::yield_now().await;
        let log = app.log(posted.session).await;
        starts = log.iter().filter(|event| format!("{event:?}").contains("ToolStarted")).count();
    }
    app.core.sessions().cancel(&app.ctx(), agent, posted.session).await.expect("can be cancelled");
    app.until(agent, &posted, is_end).await;
    assert_eq!(app.machines.commands().len(), ran + 1);
}

#[tokio::test]
async fn a_tool_that_does_no_harm_twice_is_run_again_by_itself() {
    let mut app = TestApp::start().await;
    let agent = app.agent(json!({})).await;
    app.models.when("read", [Reply::Use("", vec![("read_file", json!({"path": "hang"}))])]);
    let posted = app.post(agent, "read").await;
    app.until(agent, &posted, |event| matches!(event, TurnEvent::ToolStarted { .. })).await;
    app.kill_runtime().await;
    app.start_runtime();
    let lost = app.until(agent, &posted, |event| matches!(event, TurnEvent::ToolLost { .. })).await;
    assert_eq!(names(&lost), ["message", "called", "answered", "started", "tool lost"]);
    assert!(pending(&app).await.is_empty());
}

#[tokio::test]
async fn an_approval_outlives_the_server_and_lets_the_turn_go_on() {
    let mut app = TestApp::start().await;
    let agent = app.agent(json!({"policy": "strict"})).await;
    let wants = Reply::Use("", vec![("shell", json!({"command": "ls"}))]);
    app.models.when("look", [wants, Reply::Say(vec!["Looked."])]);
    let posted = app.post(agent, "look").await;
    app.until_phase(posted.turn, TurnPhase::Waiting).await;
    app.kill_runtime().await;
    app.start_runtime();
    let approval = pending(&app).await.pop().expect("it still waits");
    app.core.approvals().decide(&app.ctx(), decision(&approval, true)).await.expect("can be approved");
    let events = app.until(agent, &posted, is_end).await;
    assert_eq!(events.last(), Some(&TurnEvent::Ended { ending: Ending::Answered }));
    assert_eq!(app.machines.commands(), ["ls"]);
}

#[tokio::test]
async fn a_server_that_stops_in_good_order_asks_about_a_command_it_cut_short() {
    let mut app = TestApp::builder().grace(std::time::Duration::ZERO).build().await;
    let agent = app.agent(json!({})).await;
    let hang = Reply::Use("", vec![("shell", json!({"command": "hang"}))]);
    app.models.when("build", [hang, Reply::Say(vec!["It was cut short."])]);
    let posted = app.post(agent, "build").await;
    app.until(agent, &posted, |event| matches!(event, TurnEvent::ToolStarted { .. })).await;
    app.stop_runtime().await;
    app.start_runtime();
    app.until_phase(posted.turn, TurnPhase::Waiting).await;
    let approval = pending(&app).await.pop().expect("nobody knows how much of it was done");
    assert_eq!(approval.question, Question::RunAgain);
    app.core.approvals().decide(&app.ctx(), decision(&approval, false)).await.expect("can be denied");
    let events = app.until(agent, &posted, is_end).await;
    assert_eq!(events.last(), Some(&TurnEvent::Ended { ending: Ending::Answered }));
}

#[tokio::test]
async fn everything_that_waited_when_the_server_died_is_answered_once() {
    let mut app = TestApp::builder().without_runtime().build().await;
    let agent = app.agent(json!({})).await;
    let mut posted = Vec::new();
    for n in 0..20 {
        let new = roost_core::NewSession { agent, peer: Some(format!("peer {n}")) };
        let session = app.core.sessions().create(&app.ctx(), new).await.expect("a session can be made").id;
        let message = roost_core::PostMessage {
            agent,
            session: Some(session),
            peer: Some(format!("peer {n}")),
            text: format!("message {n}"),
            context: None,
        };
        posted.push(app.core.messages().post(&app.ctx(), message).await.expect("can be posted"));
    }
    for _ in 0..3 {
        app.start_runtime();
        tokio::task::yield_now().await;
        app.kill_runtime().await;
    }
    app.start_runtime();
    for posted in &posted {
        let events = app.until(agent, posted, is_end).await;
        let answers = events.iter().filter(|event| matches!(event, TurnEvent::ModelAnswered { .. })).count();
        assert_eq!(answers, 1, "{events:#?}");
    }
}

#[tokio::test]
async fn a_jump_of_the_clock_does_not_drive_a_turn_twice() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({})).await;
    app.models.when("read", [Reply::Use("", vec![("read_file", json!({"path": "hang"}))])]);
    let posted = app.post(agent, "read").await;
    app.until(agent, &posted, |event| matches!(event, TurnEvent::ToolStarted { .. })).await;
    app.clock.advance(std::time::Duration::from_secs(3_600));
    // Another session's turn comes to its end only after the queue was looked through again.
    let other = app.agent(json!({})).await;
    app.talk(other, "hello").await;
    let log = app.log(posted.session).await;
    assert!(!format!("{log:?}").contains("ToolLost"), "{log:#?}");
}

#[tokio::test]
async fn an_approval_given_at_the_very_moment_of_parking_is_not_forgotten() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({"policy": "strict"})).await;
    for n in 0..30 {
        let message = format!("look {n}");
        app.models.when(&message, [Reply::Use("", vec![("shell", json!({"command": "ls"}))])]);
        let posted = app.post(agent, &message).await;
        app.until(agent, &posted, |event| matches!(event, TurnEvent::ApprovalRequested { .. })).await;
        // Without waiting for the turn to be parked.
        let approval = pending(&app).await.pop().expect("one waits");
        app.core.approvals().decide(&app.ctx(), decision(&approval, true)).await.expect("can be approved");
        app.until(agent, &posted, is_end).await;
    }
}

#[tokio::test]
async fn a_turn_that_cannot_be_worked_on_ends_and_the_next_message_is_answered() {
    let app = TestApp::start().await;
    let agent = app.agent_of("keyed/good", json!({})).await;
    app.talk(agent.id, "hello").await;
    // Sealed for another place, as after a mistake in restoring a copy.
    let spoil = move |writer: &mut dyn roost_ports::store::Writer| {
        let sealed = roost_ports::vault::Sealed(vec![7; 60]);
        writer.put_secret(agent.id, "keyed_api_key", &sealed, roost_testkit::TestClock::START)
    };
    app.store.write::<_, roost_ports::store::Error>(spoil).await.expect("can be spoilt");
    for message in ["one", "two"] {
        let events = app.talk(agent.id, message).await;
        let Some(TurnEvent::Ended { ending: Ending::Failed(problem) }) = events.last() else {
            panic!("{events:#?}")
        };
        assert_eq!(problem.code, "model_key_unreadable");
    }
}

#[tokio::test]
async fn a_turn_whose_log_makes_no_sense_is_given_up_after_some_attempts() {
    let mut app = TestApp::builder().without_runtime().build().await;
    let agent = app.agent(json!({})).await;
    let posted = app.post(agent, "hello").await;
    let next = app.post(agent, "and again").await;
    let break_log = move |writer: &mut dyn roost_ports::store::Writer| {
        let event = TurnEvent::ModelLost;
        let body = roost_domain::event::Body::Turn { turn: posted.turn, event };
        writer.append_events(agent, posted.session, roost_testkit::TestClock::START, vec![body])
    };
    app.store.write::<_, roost_ports::store::Error>(break_log).await.expect("can be broken");
    app.start_runtime();
    let given_up = async {
        while app.phase(posted.turn).await != TurnPhase::Ended {
            app.clock.advance(std::time::Duration::from_secs(60));
            let other = app.agent(json!({})).await;
            app.talk(other, "makes the queue be looked through").await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), given_up).await.expect("is given up");
    let events = app.until(agent, &next, is_end).await;
    assert_eq!(events.last(), Some(&TurnEvent::Ended { ending: Ending::Answered }));
}
