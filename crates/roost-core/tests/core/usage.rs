use std::time::Duration;

use jiff::civil::date;
use roost_core::{Amounts, Ctx, ListUsage};
use roost_domain::event::TurnEvent;
use roost_domain::id::AgentId;
use roost_domain::page::Limit;
use roost_domain::unit::MicroUsd;
use roost_ports::machine::Machines;
use roost_testkit::{Reply, TestApp};
use serde_json::json;

async fn total(app: &TestApp, agent: AgentId) -> Amounts {
    let (from, to) = (date(2026, 1, 20), date(2027, 1, 19));
    let limit = Limit::clamped(10, 10);
    let list = ListUsage { agent: None, from, to, by: Vec::new(), after: None, limit };
    app.core.usage().of_agent(&app.ctx(), agent, list).await.expect("usage can be told").total
}

/// Has an agent use its machine.
async fn use_machine(app: &TestApp, agent: AgentId) {
    let call = ("shell", json!({"command": "ls"}));
    app.models.when("look", [Reply::Use("", vec![call]), Reply::Say(vec!["Done."])]);
    app.talk(agent, "look").await;
}

#[tokio::test]
async fn a_machines_time_is_counted_while_it_is_up_and_not_frozen() {
    let mut app = TestApp::builder().build().await;
    let agent = app.agent(json!({})).await;
    app.talk(agent, "hello").await;
    app.clock.advance(Duration::from_secs(30));
    assert_eq!(total(&app, agent).await.machine, Duration::ZERO, "no tool has needed it");
    use_machine(&app, agent).await;
    app.clock.advance(Duration::from_secs(10));
    assert_eq!(total(&app, agent).await.machine, Duration::from_secs(10));
    app.stop_runtime().await;
    app.machines.freeze(agent).await.expect("it freezes");
    app.core.usage().meter_machines().await.expect("it is seen");
    app.clock.advance(Duration::from_secs(100));
    assert_eq!(total(&app, agent).await.machine, Duration::from_secs(10), "it is frozen");
    app.start_runtime();
    use_machine(&app, agent).await;
    app.clock.advance(Duration::from_secs(5));
    app.core.agents().stop(&app.ctx(), agent).await.expect("it stops");
    app.clock.advance(Duration::from_secs(100));
    assert_eq!(total(&app, agent).await.machine, Duration::from_secs(15), "it ended when it was stopped");
}

#[tokio::test]
async fn machine_time_is_written_by_the_minute_and_at_the_end() {
    let mut app = TestApp::start().await;
    let agent = app.agent(json!({})).await;
    use_machine(&app, agent).await;
    app.stop_runtime().await;
    let written = async |app: &TestApp| {
        let filter = roost_ports::store::UsageFilter {
            account: app.account,
            agent: Some(agent),
            from: date(2026, 1, 20),
            to: date(2027, 1, 19),
            by: Vec::new(),
        };
        let read = move |reader: &dyn roost_ports::store::Reader| reader.usage_total(&filter);
        app.store.read::<_, roost_ports::store::Error>(read).await.expect("it can be read").machine
    };
    let meter = async |app: &TestApp, seconds| {
        app.clock.advance(Duration::from_secs(seconds));
        app.core.usage().meter_machines().await.expect("it is counted");
    };
    meter(&app, 1).await;
    meter(&app, 58).await;
    assert_eq!(written(&app).await, Duration::ZERO, "a minute has not gone by");
    meter(&app, 2).await;
    assert_eq!(written(&app).await, Duration::from_secs(61));
    meter(&app, 10).await;
    assert_eq!(written(&app).await, Duration::from_secs(61));
    app.start_runtime();
    app.clock.advance(Duration::from_secs(1));
    app.stop_runtime().await;
    assert_eq!(written(&app).await, Duration::from_secs(72), "nothing is lost at an orderly end");
}

#[tokio::test]
async fn what_calls_may_have_cost_that_were_not_answered_stands_in_the_usage_as_in_the_ledger() {
    let app = TestApp::start().await;
    let agent = app.agent_of("paid/x", json!({})).await.id;
    let agrees = async |calls| {
        let (used, (spent, reserved)) = (total(&app, agent).await, app.ledger(agent).await);
        assert_eq!((used.calls, used.cost, reserved), (calls, spent, MicroUsd::ZERO));
        spent
    };
    app.models.when("break", [Reply::Break(vec!["Well, "]), Reply::Say(vec!["Done."])]);
    app.talk(agent, "break").await;
    let broken = agrees(2).await;
    assert!(broken > MicroUsd(264), "{broken}");
    app.models.when("hang", [Reply::Hang(vec!["Well, "])]);
    let posted = app.post(agent, "hang").await;
    app.until(agent, &posted, |event| matches!(event, TurnEvent::ModelCalled { .. })).await;
    app.core.sessions().cancel(&app.ctx(), agent, posted.session).await.expect("it can be cancelled");
    app.until(agent, &posted, |event| matches!(event, TurnEvent::Ended { .. })).await;
    assert!(agrees(3).await > broken);
}

#[tokio::test]
async fn turns_are_counted_however_they_end_and_tool_calls_when_they_do() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({})).await;
    app.talk(agent, "hello").await;
    use_machine(&app, agent).await;
    app.models.when("fail", [Reply::refused()]);
    app.talk(agent, "fail").await;
    app.models.when("hang", [Reply::Hang(vec![])]);
    let posted = app.post(agent, "hang").await;
    app.until(agent, &posted, |event| matches!(event, roost_domain::event::TurnEvent::ModelCalled { .. }))
        .await;
    let ctx: Ctx = app.ctx();
    app.core.sessions().cancel(&ctx, agent, posted.session).await.expect("it can be cancelled");
    app.until(agent, &posted, |event| matches!(event, roost_domain::event::TurnEvent::Ended { .. })).await;
    let used = total(&app, agent).await;
    assert_eq!((used.turns, used.tool_calls, used.calls), (4, 1, 3));
}
