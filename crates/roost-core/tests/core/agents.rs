use std::time::Duration;

use roost_core::{Kind, PostMessage, UpdateAgent};
use roost_domain::agent::State;
use roost_domain::event::{Ending, TurnEvent};
use roost_domain::key::Scope;
use roost_domain::machine::Condition;
use roost_domain::page::Limit;
use roost_ports::machine::Machines;
use roost_ports::store::TurnPhase;
use roost_testkit::{Reply, TestApp};
use serde_json::json;

fn is_end(event: &TurnEvent) -> bool {
    matches!(event, TurnEvent::Ended { .. })
}

#[tokio::test]
async fn messages_to_a_paused_agent_wait_and_are_answered_when_it_is_resumed() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({})).await;
    app.core.agents().pause(&app.ctx(), agent).await.expect("can be paused");
    let posted = app.post(agent, "hello").await;
    assert_eq!(app.phase(posted.turn).await, TurnPhase::Queued);
    app.core.agents().resume(&app.ctx(), agent).await.expect("can be resumed");
    let events = app.until(agent, &posted, is_end).await;
    assert_eq!(events.last(), Some(&TurnEvent::Ended { ending: Ending::Answered }));
}

#[tokio::test]
async fn pausing_in_mid_turn_holds_it_at_the_next_step() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({})).await;
    let ask = Reply::Use("", vec![("ask_human", json!({"question": "Go on?"}))]);
    app.models.when("begin", [ask]);
    let posted = app.post(agent, "begin").await;
    app.until_phase(posted.turn, TurnPhase::Waiting).await;
    app.core.agents().pause(&app.ctx(), agent).await.expect("can be paused");
    app.post(agent, "yes").await;
    app.until_phase(posted.turn, TurnPhase::Queued).await;
    assert_eq!(app.models.asked().len(), 1, "the loop is off");
    app.core.agents().resume(&app.ctx(), agent).await.expect("can be resumed");
    app.until(agent, &posted, is_end).await;
}

#[tokio::test]
async fn stopping_cancels_what_is_going_on_and_ends_the_machine() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({})).await;
    app.models.when("run", [Reply::Use("", vec![("shell", json!({"command": "hang"}))])]);
    let posted = app.post(agent, "run").await;
    app.until(agent, &posted, |event| matches!(event, TurnEvent::ToolStarted { .. })).await;
    let behind = app.post(agent, "and then").await;
    let stopped = app.core.agents().stop(&app.ctx(), agent).await.expect("can be stopped");
    assert_eq!(stopped.state, State::Stopped);
    for posted in [&posted, &behind] {
        let events = app.until(agent, posted, is_end).await;
        assert_eq!(events.last(), Some(&TurnEvent::Ended { ending: Ending::Cancelled }));
    }
    assert_eq!(app.machines.condition(agent), Condition::Absent);
    let message = PostMessage { agent, session: None, peer: None, text: "hello".into(), context: None };
    let error = app.core.messages().post(&app.ctx(), message).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (Kind::InvalidState, "agent_not_running"));
    app.core.agents().start(&app.ctx(), agent).await.expect("can be started");
    app.talk(agent, "hello again").await;
}

#[tokio::test]
async fn an_idle_machine_freezes_and_wakes_on_the_next_message() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({"idleSeconds": 60})).await;
    app.models
        .when("run", [Reply::Use("", vec![("shell", json!({"command": "ls"}))]), Reply::Say(vec!["ok"])]);
    app.talk(agent, "run").await;
    let sooner = app.agent(json!({"idleSeconds": 59})).await;
    app.models
        .when("run too", [Reply::Use("", vec![("shell", json!({"command": "ls"}))]), Reply::Say(vec!["ok"])]);
    app.talk(sooner, "run too").await;
    app.machines.idle_for(Duration::from_secs(59));
    app.until_agent(sooner, |agent| agent.state == State::Frozen).await;
    assert_eq!(app.look(agent).await.state, State::Running, "it has a second left");
    app.machines.idle_for(Duration::from_secs(60));
    app.until_agent(agent, |agent| agent.state == State::Frozen).await;
    app.machines.idle_for(Duration::ZERO);
    app.talk(agent, "wake up").await;
    assert_eq!(app.look(agent).await.state, State::Running);
    assert_eq!(app.machines.condition(agent), Condition::Running, "also where no tool was used");
    app.machines.idle_for(Duration::from_secs(60));
    app.until_agent(agent, |agent| agent.state == State::Frozen).await;
}

#[tokio::test]
async fn a_machine_that_cannot_start_is_told_to_the_model_and_puts_the_agent_in_error() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({})).await;
    let run = || Reply::Use("", vec![("shell", json!({"command": "ls"}))]);
    app.models.when("run", [run(), Reply::Say(vec!["I cannot."])]);
    app.machines.break_down();
    let events = app.talk(agent, "run").await;
    assert_eq!(events.last(), Some(&TurnEvent::Ended { ending: Ending::Answered }));
    let told = format!("{:?}", app.models.asked()[1].messages.last());
    assert!(told.contains("the machine cannot start: the test says so"), "{told}");
    let failed = app.look(agent).await;
    let failure = failed.last_failure.expect("it is shown");
    assert_eq!((failed.state, failure.category.name()), (State::Error, "machine"));
    let message = PostMessage { agent, session: None, peer: None, text: "hello".into(), context: None };
    let error = app.core.messages().post(&app.ctx(), message).await.unwrap_err();
    assert!(
        error.public().contains("the test says so") && error.public().contains("start it first"),
        "{error}"
    );
}

#[tokio::test]
async fn strict_does_not_use_a_machine_whose_walls_do_not_hold() {
    let app = TestApp::start().await;
    app.machines.lay_bare();
    let read = || Reply::Use("", vec![("read_file", json!({"path": "a"}))]);
    app.models.when("read", [read(), Reply::Say(vec!["ok"]), read(), Reply::Say(vec!["ok"])]);
    let standard = app.agent(json!({})).await;
    app.talk(standard, "read").await;
    assert_eq!(app.machines.commands().len(), 1);
    let strict = app.agent(json!({"policy": "strict"})).await;
    app.talk(strict, "read").await;
    assert_eq!(app.machines.commands().len(), 1, "nothing ran");
    let failure = app.look(strict).await.last_failure.expect("it is shown");
    assert!(failure.message.contains("isolation layer namespaces"), "{}", failure.message);
}

#[tokio::test]
async fn a_deleted_agent_is_gone_with_all_it_was_doing() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({})).await;
    app.models.when("run", [Reply::Use("", vec![("shell", json!({"command": "hang"}))])]);
    let posted = app.post(agent, "run").await;
    app.until(agent, &posted, |event| matches!(event, TurnEvent::ToolStarted { .. })).await;
    app.core.agents().delete(&app.ctx(), agent).await.expect("can be deleted");
    assert_eq!(app.core.agents().get(&app.ctx(), agent).await.unwrap_err().kind(), Kind::NotFound);
    assert_eq!(app.machines.condition(agent), Condition::Absent);
    assert!(app.log(posted.session).await.is_empty());
}

#[tokio::test]
async fn a_workspace_that_could_not_be_removed_is_removed_at_the_next_start() {
    let mut app = TestApp::start().await;
    let (gone, kept) = (app.agent(json!({})).await, app.agent(json!({})).await);
    for (agent, message) in [(gone, "run"), (kept, "run too")] {
        let run = Reply::Use("", vec![("shell", json!({"command": "ls"}))]);
        app.models.when(message, [run, Reply::Say(vec!["ok"])]);
        app.talk(agent, message).await;
    }
    app.machines.stick(true);
    let error = app.core.agents().delete(&app.ctx(), gone).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Internal);
    assert_eq!(app.core.agents().get(&app.ctx(), gone).await.unwrap_err().kind(), Kind::NotFound);
    app.stop_runtime().await;
    app.machines.stick(false);
    app.start_runtime();
    let removed = async {
        while app.machines.workspaces().await.expect("can be listed").contains(&gone) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), removed).await.expect("is removed in time");
    assert_eq!(app.machines.workspaces().await.expect("can be listed"), [kept]);
}

#[tokio::test]
async fn configuration_is_merged_and_what_the_machine_needs_to_know_asks_for_a_restart() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({"theme": "dark", "maxRounds": 5})).await;
    let change = |config: serde_json::Value| UpdateAgent {
        config: Some(config.as_object().unwrap().clone()),
        ..UpdateAgent::default()
    };
    let agents = app.core.agents();
    let merged = agents.update(&app.ctx(), agent, change(json!({"maxRounds": null, "language": "de"}))).await;
    let merged = merged.expect("can be merged").agent;
    assert_eq!(serde_json::Value::Object(merged.config), json!({"theme": "dark", "language": "de"}));
    assert!(!merged.needs_restart);
    let error = agents.update(&app.ctx(), agent, change(json!({"policy": "lax"}))).await.unwrap_err();
    assert_eq!(error.kind(), Kind::InvalidInput);
    let strict = agents.update(&app.ctx(), agent, change(json!({"policy": "strict"}))).await;
    assert!(strict.expect("can be changed").agent.needs_restart);
    assert!(!agents.restart(&app.ctx(), agent).await.expect("can be restarted").needs_restart);
}

#[tokio::test]
async fn another_accounts_agent_is_not_there() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({})).await;
    let stranger = app.stranger().await;
    let agents = app.core.agents();
    assert_eq!(agents.get(&stranger, agent).await.unwrap_err().kind(), Kind::NotFound);
    assert_eq!(agents.stop(&stranger, agent).await.unwrap_err().kind(), Kind::NotFound);
    assert_eq!(agents.restart(&stranger, agent).await.unwrap_err().kind(), Kind::NotFound);
    assert_eq!(agents.delete(&stranger, agent).await.unwrap_err().kind(), Kind::NotFound);
    assert_eq!(agents.logs(&stranger, agent, Limit::clamped(9, 9)).await.unwrap_err().kind(), Kind::NotFound);
    assert_eq!(app.look(agent).await.state, State::Running);
}

#[tokio::test]
async fn a_key_without_the_scope_may_not() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({})).await;
    let reader = app.ctx_with(&[Scope::AgentsRead]);
    let error = app.core.agents().stop(&reader, agent).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (Kind::Forbidden, "missing_scope"));
    assert!(error.public().contains("agents:write"), "{error}");
}

#[tokio::test]
async fn an_unknown_model_or_one_without_a_key_is_refused_with_the_reason() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({})).await;
    let change = |model: &str| UpdateAgent { model: Some(model.parse().unwrap()), ..UpdateAgent::default() };
    let error = app.core.agents().update(&app.ctx(), agent, change("nobody/x")).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (Kind::InvalidInput, "unknown_model"));
    app.core.agents().update(&app.ctx(), agent, change("keyed/x")).await.expect("this one has a key");
}

#[tokio::test]
async fn the_log_tells_what_happened_without_what_was_said() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({})).await;
    app.talk(agent, "my secret plan").await;
    let lines = app.core.agents().logs(&app.ctx(), agent, Limit::clamped(100, 100)).await.expect("has a log");
    let text = lines.join("\n");
    assert!(text.contains("2026-02-10T14:00:00Z [info] Agent started"), "{text}");
    assert!(text.contains("[info] Turn ended: answered"), "{text}");
    assert!(!text.contains("secret plan"), "{text}");
}
