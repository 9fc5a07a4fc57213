//! Agents whose loop is a runtime of others.

use roost_core::{ConfigChange, PutWorkflow};
use roost_domain::agent::State;
use roost_domain::event::{Ending, TurnEvent};
use roost_domain::id::AgentId;
use roost_ports::runtime::Runtimes;
use roost_testkit::TestApp;
use serde_json::json;

/// Has an agent's runtime come up, and something happen while it does.
async fn while_it_comes_up(app: &TestApp, agent: AgentId, happens: impl Future<Output = ()>) {
    app.runtimes.hold(true);
    let core = app.core.clone();
    let rising = async move { core.runtimes().bring_up(agent).await };
    let meanwhile = async {
        while !app.runtimes.is_rising() {
            tokio::task::yield_now().await;
        }
        happens.await;
        app.runtimes.hold(false);
    };
    let (risen, ()) = tokio::join!(rising, meanwhile);
    risen.expect("the store works");
}

#[tokio::test]
async fn an_agent_that_is_stopped_while_its_runtime_comes_up_has_none_afterwards() {
    let app = TestApp::builder().without_runtime().build().await;
    let agent = app.hosted_agent().await;
    while_it_comes_up(&app, agent, async {
        app.core.agents().stop(&app.ctx(), agent).await.expect("can be stopped");
    })
    .await;
    assert!(!app.runtimes.is_up(agent));
    let view = app.core.agents().get(&app.ctx(), agent).await.expect("is there");
    assert_eq!(view.agent.state, State::Stopped);
}

#[tokio::test]
async fn an_agent_that_is_deleted_while_its_runtime_comes_up_has_none_afterwards() {
    let app = TestApp::builder().without_runtime().build().await;
    let agent = app.hosted_agent().await;
    while_it_comes_up(&app, agent, async {
        app.core.agents().delete(&app.ctx(), agent).await.expect("can be deleted");
    })
    .await;
    assert!(!app.runtimes.is_up(agent));
}

#[tokio::test]
async fn a_runtime_that_was_told_is_not_told_again_after_a_crash() {
    let mut app = TestApp::start().await;
    let agent = app.hosted_agent().await;
    app.core.runtimes().bring_up(agent).await.expect("the store works");
    let posted = app.post(agent, "hang on this").await;
    while app.runtimes.heard().is_empty() {
        tokio::task::yield_now().await;
    }
    app.kill_runtime().await;
    app.start_runtime();
    let events = app.until(agent, &posted, |event| matches!(event, TurnEvent::Ended { .. })).await;
    let Some(TurnEvent::Ended { ending: Ending::Failed(problem) }) = events.last() else {
        panic!("{events:#?}")
    };
    assert_eq!(problem.code, "outcome_unknown");
    assert!(problem.message.contains("send the message again if it is wanted"), "{}", problem.message);
    assert_eq!(app.runtimes.heard(), ["hang on this"]);
}

#[tokio::test]
async fn a_workflow_cannot_ask_of_a_hosted_runtime_what_it_does_not_do() {
    let app = TestApp::builder().without_runtime().build().await;
    let agent = app.hosted_agent().await;
    let say = json!({"type": "generate-text", "id": "say", "prompt": "Hello", "tools": ["shell"]});
    let config = json!({"budget_usd": 1, "steps": [{"type": "parallel", "branches": [[say]]}]});
    let put = PutWorkflow { agent, config: ConfigChange::Replace(config), tags: None, expected: None };
    let refused = app.core.workflows().put(&app.ctx(), put).await.unwrap_err();
    assert_eq!(refused.code(), "invalid_request");
    let said = refused.public();
    assert!(said.contains("budget_usd") && said.contains("tools of the step say"), "{said}");
    let config = json!({"steps": [{"type": "generate-text", "prompt": "Hello"}]});
    let put = PutWorkflow { agent, config: ConfigChange::Replace(config), tags: None, expected: None };
    app.core.workflows().put(&app.ctx(), put).await.expect("asks nothing of the runtime");
}
