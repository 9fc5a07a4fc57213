use roost_domain::event::{Ending, TurnEvent};
use roost_domain::unit::MicroUsd;
use roost_ports::store::Ledger;
use roost_testkit::{Reply, TestApp};
use serde_json::json;

async fn ledger(app: &TestApp, agent: roost_domain::id::AgentId) -> Ledger {
    let read = move |reader: &dyn roost_ports::store::Reader| reader.ledger(agent);
    app.store.read::<_, roost_ports::store::Error>(read).await.expect("the ledger can be read")
}

#[tokio::test]
async fn a_call_costs_what_it_used_and_nothing_stays_reserved() {
    let app = TestApp::start().await;
    let agent = app.agent_of("paid/good", json!({"budgetUsd": 1})).await.id;
    app.talk(agent, "hello").await;
    // 60 fresh tokens at 1, 40 cached at 0.1, 20 written at 10 micro-dollars.
    assert_eq!(ledger(&app, agent).await, Ledger { spent: MicroUsd(264), reserved: MicroUsd::ZERO });
}

#[tokio::test]
async fn spending_beyond_the_budget_needs_approval_and_under_open_fails() {
    let app = TestApp::start().await;
    let agent = app.agent_of("paid/good", json!({"budgetUsd": 0.001})).await.id;
    let posted = app.post(agent, "hello").await;
    app.until(agent, &posted, |event| matches!(event, TurnEvent::ApprovalRequested { call: None, .. })).await;
    assert!(app.models.asked().is_empty());
    let agent = app.agent_of("paid/good", json!({"budgetUsd": 0.001, "policy": "open"})).await.id;
    let events = app.talk(agent, "hello").await;
    let Some(TurnEvent::Ended { ending: Ending::Failed(problem) }) = events.last() else {
        panic!("{events:#?}")
    };
    assert_eq!(problem.code, "budget_exceeded");
    assert!(app.models.asked().is_empty());
}

#[tokio::test]
async fn calls_at_the_same_time_cannot_overshoot_the_budget_together() {
    let app = TestApp::start().await;
    // Room for one reservation of about 0.0106 dollars, not for two.
    let agent = app.agent_of("paid/good", json!({"budgetUsd": 0.015, "policy": "open"})).await.id;
    let mut posted = Vec::new();
    for n in 0..8 {
        app.models.when(&format!("go {n}"), [Reply::Hang(vec!["…"])]);
        let message = roost_core::PostMessage {
            agent,
            session: None,
            peer: Some(format!("peer {n}")),
            text: format!("go {n}"),
            context: None,
        };
        posted.push(app.core.messages().post(&app.ctx(), message).await.expect("can be posted"));
    }
    let decided =
        |event: &TurnEvent| matches!(event, TurnEvent::ModelCalled { .. } | TurnEvent::Ended { .. });
    let mut called = 0;
    for posted in &posted {
        let events = app.until(agent, posted, decided).await;
        called += usize::from(matches!(events.last(), Some(TurnEvent::ModelCalled { .. })));
    }
    assert_eq!(called, 1);
    assert!(ledger(&app, agent).await.committed() <= MicroUsd(15_000));
}

#[tokio::test]
async fn a_model_without_a_known_price_cannot_be_used_within_a_budget() {
    let app = TestApp::start().await;
    let agent = app.agent_of("unpriced/x", json!({"budgetUsd": 1})).await.id;
    let events = app.talk(agent, "hello").await;
    let Some(TurnEvent::Ended { ending: Ending::Failed(problem) }) = events.last() else {
        panic!("{events:#?}")
    };
    assert_eq!(problem.code, "price_unknown");
    let agent = app.agent_of("unpriced/x", json!({})).await.id;
    let events = app.talk(agent, "hello").await;
    assert_eq!(events.last(), Some(&TurnEvent::Ended { ending: Ending::Answered }));
}
