use roost_domain::event::Offset;
use roost_domain::id::{AccountId, AgentId, ResponseId};
use roost_domain::page::Limit;
use roost_domain::response::{AnsweredBy, Response};
use roost_domain::unit::MicroUsd;
use roost_ports::store::ModelCall;
use serde_json::json;

use super::{Any, World, at, id, read, world, write};

fn limit(rows: u32) -> Limit {
    Limit::clamped(rows, rows)
}

fn response(number: u128, world: &World, seconds: i64) -> Response {
    Response {
        id: id::<ResponseId>(number),
        account: world.account,
        created_at: at(seconds),
        asked: json!({"instructions": "Be brief."}),
        by: AnsweredBy::Agent {
            agent: world.agent,
            session: world.session,
            turn: world.turn,
            after: Offset(2),
        },
    }
}

pub(crate) async fn a_response_reads_back_in_its_account_and_goes_when_it_is_deleted(store: Any) {
    let world = world(&store).await;
    let one = response(1, &world, 1);
    let (insert, of, name) = (one.clone(), world.account, one.id);
    write(&store, move |writer| writer.insert_response(&insert)).await;
    assert_eq!(read(&store, move |reader| reader.response(of, name)).await, Some(one));
    let other: AccountId = id(99);
    assert_eq!(read(&store, move |reader| reader.response(other, name)).await, None);
    assert!(!write(&store, move |writer| writer.delete_response(other, name)).await);
    assert!(write(&store, move |writer| writer.delete_response(of, name)).await);
    assert!(!write(&store, move |writer| writer.delete_response(of, name)).await);
}

pub(crate) async fn only_old_responses_are_cleared(store: Any) {
    let world = world(&store).await;
    let (old, new) = (response(1, &world, 1), response(2, &world, 5));
    let (of, kept) = (world.account, new.id);
    write(&store, move |writer| {
        writer.insert_response(&old)?;
        writer.insert_response(&new)
    })
    .await;
    assert_eq!(write(&store, move |writer| writer.delete_responses_before(at(5), limit(10))).await, 1);
    assert!(read(&store, move |reader| reader.response(of, kept)).await.is_some());
}

pub(crate) async fn the_latest_mark_counts_and_goes_with_its_agent(store: Any) {
    let world = world(&store).await;
    let (agent, turn, of) = (world.agent, world.turn, world.account);
    assert_eq!(read(&store, move |reader| reader.marked(agent, [7; 32])).await, None);
    let one = response(1, &world, 1);
    write(&store, move |writer| {
        writer.mark(agent, [7; 32], turn)?;
        writer.mark(agent, [7; 32], turn)?;
        writer.insert_response(&one)
    })
    .await;
    assert_eq!(read(&store, move |reader| reader.marked(agent, [7; 32])).await, Some(turn));
    assert!(write(&store, move |writer| writer.delete_agent(of, agent, at(9))).await);
    assert_eq!(read(&store, move |reader| reader.marked(agent, [7; 32])).await, None);
    assert_eq!(read(&store, move |reader| reader.response(of, id::<ResponseId>(1))).await, None);
}

fn call(account: AccountId, ledger: AgentId) -> ModelCall {
    let model = "test/x".parse().unwrap();
    ModelCall { id: id(1), account, ledger, model, reserved: MicroUsd(10), began_at: at(1) }
}

pub(crate) async fn an_account_has_a_ledger_that_is_no_agent(store: Any) {
    let world = world(&store).await;
    let of = world.account;
    let ledger = write(&store, move |writer| {
        let ledger = writer.account_ledger(of, at(1))?;
        writer.reserve(ledger, MicroUsd(10))?;
        writer.insert_model_call(&call(of, ledger))?;
        assert_eq!(writer.account_ledger(of, at(2))?, ledger);
        Ok(ledger)
    })
    .await;
    assert!(read(&store, move |reader| reader.agent(of, ledger)).await.is_none());
    let open = read(&store, move |reader| reader.open_model_calls(at(1), limit(10))).await;
    assert_eq!(open, [call(of, ledger)]);
    assert_eq!(read(&store, move |reader| reader.open_model_calls(at(0), limit(10))).await, []);
    assert!(write(&store, move |writer| writer.delete_model_call(id(1))).await);
    assert!(!write(&store, move |writer| writer.delete_model_call(id(1))).await);
    assert_eq!(read(&store, move |reader| reader.open_model_calls(at(1), limit(10))).await, []);
}
