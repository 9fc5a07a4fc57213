//! Models that are asked outside of turns.

use roost_core::{Asker, Chunk, Complete, Completion, Error, Kind};
use roost_domain::conversation::{Conversation, Message, Wishes};
use roost_domain::id::AgentId;
use roost_domain::key::Scope;
use roost_domain::unit::{MicroUsd, Tokens};
use roost_ports::store::{ModelCall, Writer};
use roost_testkit::TestApp;
use serde_json::json;

fn complete(asker: Asker, model: &str) -> Complete {
    let conversation = Conversation {
        system: String::new(),
        messages: vec![Message::User("hello".into())],
        tools: Vec::new(),
        max_output: Tokens(100_000),
    };
    Complete {
        asker,
        model: model.parse().expect("is a model name"),
        conversation,
        wishes: Wishes::default(),
        keep: None,
    }
}

async fn ask(app: &TestApp, asker: Asker, model: &str) -> Result<Completion, Error> {
    app.core.models().complete(&app.ctx(), complete(asker, model)).await
}

async fn whole(mut completion: Completion) -> String {
    loop {
        match completion.next().await.expect("the model answers") {
            Some(Chunk::Text(_)) => {}
            Some(Chunk::End(answer)) => {
                assert_eq!(
                    completion.next().await.expect("the model answers"),
                    None,
                    "nothing follows the end"
                );
                return answer.text;
            }
            None => panic!("a stream without an end"),
        }
    }
}

#[tokio::test]
async fn a_call_for_an_agent_is_held_to_its_budget_and_booked_to_it() {
    let app = TestApp::start().await;
    let agent = app.agent_of("paid/x", json!({"budgetUsd": 0.05, "policy": "open"})).await.id;
    assert_eq!(whole(ask(&app, Asker::Agent(agent), "paid/x").await.unwrap()).await, "You said: hello");
    let (spent, reserved) = app.ledger(agent).await;
    assert_eq!((spent, reserved), (MicroUsd(264), MicroUsd::ZERO));
    assert_eq!(app.models.asked()[0].max_output, Tokens(1_000), "cut to what the model can");
    let poor = app.agent_of("paid/x", json!({"budgetUsd": 0.000_001, "policy": "open"})).await.id;
    let error = ask(&app, Asker::Agent(poor), "paid/x").await.err().unwrap();
    assert_eq!((error.kind(), error.code()), (Kind::QuotaExceeded, "budget_exceeded"));
    let asks = app.agent_of("paid/x", json!({"budgetUsd": 0.000_001, "policy": "standard"})).await.id;
    let error = ask(&app, Asker::Agent(asks), "paid/x").await.err().unwrap();
    assert!(error.public().contains("cannot wait"), "{error}");
    let error = ask(&app, Asker::Agent(poor), "unpriced/x").await.err().unwrap();
    assert_eq!(error.code(), "price_unknown");
    assert_eq!(app.models.asked().len(), 1, "nothing else was asked");
    assert_eq!(app.ledger(poor).await, (MicroUsd::ZERO, MicroUsd::ZERO));
}

#[tokio::test]
async fn anothers_agent_is_not_there_and_a_scope_is_needed() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({})).await;
    let stranger = app.stranger().await;
    let asked = complete(Asker::Agent(agent), "test/x");
    let error = app.core.models().complete(&stranger, asked.clone()).await.err().unwrap();
    assert_eq!(error.kind(), Kind::NotFound);
    let without = app.ctx_with(&[Scope::AgentsRead]);
    let error = app.core.models().complete(&without, asked).await.err().unwrap();
    assert_eq!(error.code(), "missing_scope");
}

#[tokio::test]
async fn what_a_dead_process_began_is_booked_whole() {
    let app = TestApp::start().await;
    let account = app.account;
    let begun = move |writer: &mut dyn Writer| {
        let now = "2000-01-01T00:00:00Z".parse().unwrap();
        let ledger = writer.account_ledger(account, now)?;
        writer.reserve(ledger, MicroUsd(500))?;
        let id = "mc_0190b5a42f6e7cc19d2b8a6c1d2e3f40".parse().unwrap();
        writer.insert_model_call(&ModelCall { id, ledger, reserved: MicroUsd(500), began_at: now })
    };
    app.store.write::<_, roost_ports::store::Error>(begun).await.unwrap();
    let ledger = AgentId::from_uuid(account.uuid());
    let settled = async {
        while app.ledger(ledger).await != (MicroUsd(500), MicroUsd::ZERO) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), settled).await.expect("it is settled in time");
}
