//! Models that are asked outside of turns.

use jiff::civil::date;
use roost_core::{Asker, Chunk, Complete, Completion, Dimension, Error, Kind, ListUsage, Settings};
use roost_domain::conversation::{Conversation, Message, Wishes};
use roost_domain::id::AgentId;
use roost_domain::key::Scope;
use roost_domain::page::Limit;
use roost_domain::plan::{BuiltinPlan, Plans};
use roost_domain::unit::{MicroUsd, Tokens};
use roost_ports::store::{ModelCall, Writer};
use roost_testkit::{Reply, TestApp};
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

/// What the account used, by model: calls and cost.
async fn used(app: &TestApp) -> Vec<(String, u64, MicroUsd)> {
    let (from, to) = (date(2026, 1, 20), date(2027, 1, 19));
    let limit = Limit::clamped(10, 10);
    let list = ListUsage { agent: None, from, to, by: vec![Dimension::Model], after: None, limit };
    let rows = app.core.usage().list(&app.ctx(), list).await.expect("usage can be told").page.rows;
    rows.into_iter().map(|row| (row.key.model, row.amounts.calls, row.amounts.cost)).collect()
}

fn ledger(app: &TestApp) -> AgentId {
    AgentId::from_uuid(app.account.uuid())
}

/// Waits until the runtime has settled what nobody listens to any more.
async fn until_settled(app: &TestApp) {
    let settled = async {
        while app.ledger(ledger(app)).await.1 != MicroUsd::ZERO {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), settled).await.expect("it is settled in time");
}

#[tokio::test]
async fn what_failed_and_dropped_calls_may_have_cost_stands_in_the_usage_as_in_the_ledger() {
    let app = TestApp::start().await;
    app.models.when("hello", [Reply::refused()]);
    assert!(ask(&app, Asker::Account, "paid/x").await.is_err());
    assert_eq!(used(&app).await, [], "what was refused costs nothing and is no call");
    app.models.when("hello", [Reply::Break(vec!["Well, "]), Reply::Hang(vec!["Well, "])]);
    let mut broken = ask(&app, Asker::Account, "paid/x").await.expect("it begins");
    while broken.next().await.is_ok() {}
    drop(broken);
    let (spent, reserved) = app.ledger(ledger(&app)).await;
    assert!(spent > MicroUsd::ZERO && reserved == MicroUsd::ZERO, "{spent} {reserved}");
    assert_eq!(used(&app).await, [("paid/x".to_owned(), 1, spent)]);
    let mut dropped = ask(&app, Asker::Account, "paid/x").await.expect("it begins");
    dropped.next().await.expect("it says something");
    drop(dropped);
    until_settled(&app).await;
    let (twice, _) = app.ledger(ledger(&app)).await;
    assert!(twice > spent);
    assert_eq!(used(&app).await, [("paid/x".to_owned(), 2, twice)]);
}

fn with_limit(micro_usd: i64) -> Settings {
    let mut plan = BuiltinPlan::Enterprise.plan();
    plan.limits.direct_models = Some(MicroUsd(micro_usd));
    let plans = Plans::new(vec![plan], "enterprise").expect("the plan is there");
    Settings { plans, ..Settings::default() }
}

#[tokio::test]
async fn an_account_spends_no_more_in_a_month_on_models_it_asks_itself_than_its_plan_allows() {
    // A call reserves about 0.0110 dollars and costs 0.000264: there is room for one at a time, and for a few in all.
    let app = TestApp::builder().settings(with_limit(13_000)).build().await;
    app.models.when("hello", [Reply::Hang(vec!["Well, "])]);
    let held = ask(&app, Asker::Account, "paid/x").await.expect("there is room for one");
    let error = ask(&app, Asker::Account, "paid/x").await.err().expect("and no room for two");
    assert_eq!((error.kind(), error.code()), (Kind::QuotaExceeded, "budget_exceeded"));
    assert!(error.public().contains("of the $0.013000"), "{error}");
    assert!(error.public().contains("direct_model_usd"), "{error}");
    drop(held);
    until_settled(&app).await;
    let mut answered = 0;
    let error = loop {
        match ask(&app, Asker::Account, "paid/x").await {
            Ok(completion) => whole(completion).await,
            Err(error) => break error,
        };
        answered += 1;
        assert!(answered < 10, "it ends");
    };
    assert_eq!((answered > 1, error.code()), (true, "budget_exceeded"));
    let (spent, _) = app.ledger(ledger(&app)).await;
    assert!(spent > MicroUsd::ZERO && spent <= MicroUsd(13_000), "{spent}");
    assert!(error.public().contains(&spent.to_string()), "what is spent is named: {error}");
    let error = ask(&app, Asker::Account, "unpriced/x").await.err().unwrap();
    assert_eq!((error.kind(), error.code()), (Kind::InvalidInput, "price_unknown"));
    let agent = app.agent_of("paid/x", json!({"policy": "open"})).await.id;
    whole(ask(&app, Asker::Agent(agent), "paid/x").await.expect("agents have budgets of their own")).await;
    app.clock.advance(std::time::Duration::from_secs(31 * 24 * 60 * 60));
    whole(ask(&app, Asker::Account, "paid/x").await.expect("the next month begins anew")).await;
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
        let model = "paid/x".parse().unwrap();
        let reserved = MicroUsd(500);
        writer.insert_model_call(&ModelCall { id, account, ledger, model, reserved, began_at: now })
    };
    app.store.write::<_, roost_ports::store::Error>(begun).await.unwrap();
    until_settled(&app).await;
    assert_eq!(app.ledger(ledger(&app)).await, (MicroUsd(500), MicroUsd::ZERO));
    assert_eq!(used(&app).await, [("paid/x".to_owned(), 1, MicroUsd(500))]);
}
