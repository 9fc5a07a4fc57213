use roost_domain::conversation::Message;
use roost_domain::event::{Ending, TurnEvent};
use roost_domain::tool::ToolStatus;
use roost_testkit::{Reply, TestApp};
use serde_json::json;

fn text_of(events: &[TurnEvent]) -> Vec<String> {
    let text = |event: &'_ TurnEvent| -> Option<String> {
        if let TurnEvent::ModelAnswered { text, .. } = event { Some(text.clone()) } else { None }
    };
    events.iter().filter_map(text).collect()
}

fn outcomes(events: &[TurnEvent]) -> Vec<(String, ToolStatus)> {
    let outcome = |event: &TurnEvent| {
        if let TurnEvent::ToolFinished { outcome, .. } = event {
            Some((outcome.text.clone(), outcome.status))
        } else {
            None
        }
    };
    events.iter().filter_map(outcome).collect()
}

fn ending(events: &[TurnEvent]) -> &Ending {
    let Some(TurnEvent::Ended { ending }) = events.last() else { panic!("{events:#?}") };
    ending
}

#[tokio::test]
async fn a_message_is_answered() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({})).await;
    let events = app.talk(agent, "hello").await;
    assert_eq!(text_of(&events), ["You said: hello"]);
    assert_eq!(ending(&events), &Ending::Answered);
}

#[tokio::test]
async fn the_model_uses_tools_at_once_and_reads_their_results_in_order() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({})).await;
    let tools = vec![("shell", json!({"command": "ls"})), ("shell", json!({"command": "exit 3"}))];
    app.models.when("look", [Reply::Use("Let me see.", tools), Reply::Say(vec!["Do", "ne"])]);
    let events = app.talk(agent, "look").await;
    assert_eq!(text_of(&events), ["Let me see.", "Done"]);
    let mut ran = app.machines.commands();
    ran.sort();
    assert_eq!(ran, ["exit 3", "ls"]);
    let told = &app.models.asked()[1].messages;
    let results: Vec<_> = told
        .iter()
        .filter_map(|message| match message {
            Message::ToolResult { text, is_error, .. } => Some((text.as_str(), *is_error)),
            Message::User(_) | Message::Assistant { .. } => None,
        })
        .collect();
    assert_eq!(results, [("ls", false), ("exit 3 Code(3)", true)]);
}

#[tokio::test]
async fn a_call_the_tools_do_not_understand_is_told_to_the_model_and_runs_nothing() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({})).await;
    let tools = vec![("shell", json!({"cmd": "ls"})), ("teleport", json!({}))];
    app.models.when("try", [Reply::Use("", tools), Reply::Say(vec!["I see."])]);
    let events = app.talk(agent, "try").await;
    let texts: Vec<_> = outcomes(&events).into_iter().collect();
    assert!(texts.contains(&("shell: command must be a text".to_owned(), ToolStatus::Failed)), "{texts:?}");
    assert!(texts.contains(&("there is no tool \"teleport\"".to_owned(), ToolStatus::Failed)), "{texts:?}");
    assert_eq!(app.machines.commands(), Vec::<String>::new());
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_asked_for_again_and_never_taken_for_whole() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({})).await;
    app.models.when("go", [Reply::Break(vec!["half an"]), Reply::Say(vec!["a whole answer"])]);
    let events = app.talk(agent, "go").await;
    assert_eq!(text_of(&events), ["a whole answer"]);
    let failed = events.iter().any(
        |event| matches!(event, TurnEvent::ModelFailed { problem, retryable: true } if problem.code == "model_stream_broken"),
    );
    assert!(failed, "{events:#?}");
}

#[tokio::test]
async fn a_model_that_refuses_the_key_fails_the_turn_and_is_shown_on_the_agent() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({})).await;
    app.models.when("go", [Reply::refused()]);
    let events = app.talk(agent, "go").await;
    assert!(matches!(ending(&events), Ending::Failed(problem) if problem.code == "model_auth"));
    let failure = app.look(agent).await.last_failure.expect("it is shown");
    assert_eq!(failure.category.name(), "auth");
    assert_eq!(text_of(&app.talk(agent, "still there?").await), ["You said: still there?"]);
}

#[tokio::test]
async fn a_turn_that_goes_round_in_circles_ends_at_its_bound() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({"maxRounds": 3})).await;
    let again = || Reply::Use("", vec![("shell", json!({"command": "again"}))]);
    app.models.when("loop", [again(), again(), again(), again()]);
    let events = app.talk(agent, "loop").await;
    assert!(matches!(ending(&events), Ending::Failed(problem) if problem.code == "too_many_rounds"));
    assert_eq!(app.machines.commands().len(), 3);
}

#[tokio::test]
async fn messages_of_one_session_are_answered_in_order_each_with_what_came_before() {
    let app = TestApp::builder().without_runtime().build().await;
    let mut app = app;
    let agent = app.agent(json!({})).await;
    let mut last = None;
    for n in 0..5 {
        last = Some(app.post(agent, &format!("message {n}")).await);
    }
    app.start_runtime();
    let last = last.expect("five were posted");
    app.until(agent, &last, |event| matches!(event, TurnEvent::Ended { .. })).await;
    let asked = app.models.asked();
    let lengths: Vec<_> = asked.iter().map(|conversation| conversation.messages.len()).collect();
    assert_eq!(lengths, [1, 3, 5, 7, 9]);
}

#[tokio::test]
async fn sessions_of_one_agent_do_not_wait_for_each_other() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({})).await;
    app.models.when("slow", [Reply::Hang(vec!["…"])]);
    let slow = app.post(agent, "slow").await;
    app.until(agent, &slow, |event| matches!(event, TurnEvent::ModelCalled { .. })).await;
    let other = roost_core::NewSession { agent, peer: None };
    app.core.sessions().create(&app.ctx(), other).await.expect("a session can be made");
    assert_eq!(text_of(&app.talk(agent, "quick").await), ["You said: quick"]);
}

#[tokio::test]
async fn a_question_ends_the_wait_with_the_peers_next_message() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({})).await;
    let ask = Reply::Use("", vec![("ask_human", json!({"question": "Which one?"}))]);
    app.models.when("paint it", [ask, Reply::Say(vec!["Painted it red."])]);
    let posted = app.post(agent, "paint it").await;
    app.until(agent, &posted, |event| matches!(event, TurnEvent::QuestionAsked { .. })).await;
    // Whether or not the runtime has parked the turn by now.
    let answer = app.post(agent, "the red one").await;
    assert_eq!(answer.turn, posted.turn);
    let events = app.until(agent, &posted, |event| matches!(event, TurnEvent::Ended { .. })).await;
    assert_eq!(text_of(&events), ["", "Painted it red."]);
    let Some(Message::ToolResult { text, .. }) = app.models.asked()[1].messages.last().cloned() else {
        panic!()
    };
    assert_eq!(text, "the red one");
}
