use jiff::civil::{Date, date};
use roost_domain::id::AgentId;
use roost_domain::model::{ModelName, Usage};
use roost_domain::unit::{MicroUsd, Tokens};
use roost_ports::store::{Error, Ledger, UsageRow};
use tokio::task::JoinSet;

use super::{Any, account, agent, id, read, world, write};

fn ledger(spent: i64, reserved: i64) -> Ledger {
    Ledger { spent: MicroUsd(spent), reserved: MicroUsd(reserved) }
}

pub(crate) async fn the_ledger_is_exact(store: Any) {
    let agent = world(&store).await.agent;
    assert_eq!(read(&store, move |reader| reader.ledger(agent)).await, ledger(0, 0));
    write(&store, move |writer| {
        writer.reserve(agent, MicroUsd(100))?;
        writer.reserve(agent, MicroUsd(50))?;
        writer.settle(agent, MicroUsd(100), MicroUsd(33))
    })
    .await;
    assert_eq!(read(&store, move |reader| reader.ledger(agent)).await, ledger(33, 50));
}

pub(crate) async fn settling_more_than_was_held_fails(store: Any) {
    let agent = world(&store).await.agent;
    write(&store, move |writer| writer.reserve(agent, MicroUsd(10))).await;
    let twice = store
        .write::<(), Error>(move |writer| {
            writer.settle(agent, MicroUsd(10), MicroUsd(1))?;
            writer.settle(agent, MicroUsd(10), MicroUsd(1))
        })
        .await;
    assert_eq!(twice.unwrap_err().to_string(), "the database failed to write the ledger");
    let overflow = store.write::<(), Error>(move |writer| writer.reserve(agent, MicroUsd(i64::MAX))).await;
    assert!(overflow.is_err(), "a sum that does not fit is no sum");
    assert_eq!(read(&store, move |reader| reader.ledger(agent)).await, ledger(0, 10));
}

pub(crate) async fn concurrent_reservations_never_pass_a_budget(store: Any) {
    let agent = world(&store).await.agent;
    let mut tasks = JoinSet::new();
    for _ in 0..100 {
        let store = Any::clone(&store);
        tasks.spawn(async move {
            store
                .write::<(), Error>(move |writer| {
                    if writer.ledger(agent)?.committed() >= MicroUsd(70) {
                        return Err(Error::Overloaded);
                    }
                    writer.reserve(agent, MicroUsd(10))
                })
                .await
                .is_ok()
        });
    }
    let granted = tasks.join_all().await.into_iter().filter(|granted| *granted).count();
    assert_eq!((granted, read(&store, move |reader| reader.ledger(agent)).await), (7, ledger(0, 70)));
}

pub(crate) async fn usage_adds_up_by_day_agent_and_model(store: Any) {
    let world = world(&store).await;
    let (first, second) = (date(2026, 11, 20), date(2026, 11, 21));
    write(&store, move |writer| {
        writer.insert_account(&account(2))?;
        writer.insert_agent(&agent(11, world.account))?;
        writer.insert_agent(&agent(12, account(2).id))?;
        for (account, agent, model, day) in [
            (world.account, 11, "a/x", first),
            (world.account, 10, "a/y", second),
            (world.account, 10, "a/x", second),
            (world.account, 10, "a/x", second),
            (account(2).id, 12, "a/x", second),
        ] {
            let usage =
                Usage { input: Tokens(9), cached: Tokens(4), cache_written: Tokens(2), output: Tokens(1) };
            writer.add_usage(account, id(agent), &model.parse().unwrap(), day, usage, MicroUsd(7))?;
        }
        Ok(())
    })
    .await;
    let rows = async |account, agent, from: Date, to: Date| {
        read(&store, move |reader| reader.usage(account, agent, from, to)).await
    };
    let row = |agent: u128, model: &str, day, times: u64| UsageRow {
        agent: id(agent),
        model: model.parse::<ModelName>().unwrap(),
        day,
        calls: times,
        usage: Usage {
            input: Tokens(9 * times),
            cached: Tokens(4 * times),
            cache_written: Tokens(2 * times),
            output: Tokens(times),
        },
        cost: MicroUsd(7 * i64::try_from(times).unwrap()),
    };
    let all = [row(11, "a/x", first, 1), row(10, "a/x", second, 2), row(10, "a/y", second, 1)];
    assert_eq!(rows(world.account, None, first, second).await, all);
    assert_eq!(rows(world.account, None, first, first).await, all[..1]);
    assert_eq!(rows(world.account, Some(id::<AgentId>(10)), first, second).await, all[1..]);
    assert_eq!(rows(account(2).id, Some(id::<AgentId>(10)), first, second).await, []);
}
