use std::time::Duration;

use jiff::civil::date;
use roost_domain::id::AccountId;
use roost_domain::model::Usage;
use roost_domain::page::Limit;
use roost_domain::unit::{MicroUsd, Tokens};
use roost_ports::store::{Amounts, Dimension, Error, Ledger, UsageFilter, UsageKey, UsageRow, Used};
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

fn amounts(times: u64) -> Amounts {
    Amounts {
        calls: times,
        usage: Usage {
            input: Tokens(9 * times),
            cached: Tokens(4 * times),
            cache_written: Tokens(2 * times),
            output: Tokens(times),
        },
        cost: MicroUsd(7 * i64::try_from(times).unwrap()),
        turns: 3 * times,
        tool_calls: 5 * times,
        machine: Duration::from_millis(1_500 * times),
    }
}

/// An account with two agents that used something on two days, and another account.
async fn used(store: &Any) -> AccountId {
    let world = world(store).await;
    let (first, second) = (date(2026, 11, 20), date(2026, 11, 21));
    write(store, move |writer| {
        writer.insert_account(&account(2))?;
        writer.insert_agent(&agent(11, world.account))?;
        writer.insert_agent(&agent(12, account(2).id))?;
        for (account, agent, model, day, session) in [
            (world.account, 11, "a/x", first, None),
            (world.account, 10, "a/y", second, Some(world.session)),
            (world.account, 10, "a/x", second, Some(world.session)),
            (world.account, 10, "a/x", second, Some(world.session)),
            (world.account, 10, "a/x", second, None),
            (account(2).id, 12, "a/x", second, None),
        ] {
            let (agent, model, amounts) = (id(agent), model.parse().unwrap(), amounts(1));
            writer.add_usage(&Used { account, agent, session, model, day, amounts })?;
        }
        Ok(())
    })
    .await;
    world.account
}

fn filter(account: AccountId, by: &[Dimension]) -> UsageFilter {
    let (from, to) = (date(2026, 11, 20), date(2026, 11, 21));
    UsageFilter { account, agent: None, from, to, by: by.to_vec() }
}

/// Each sum as a text, and how many times over it is.
async fn sums(store: &Any, filter: UsageFilter) -> Vec<String> {
    let page = read(store, move |reader| reader.usage(&filter, None, Limit::clamped(100, 100))).await;
    assert_eq!((page.next, page.total), (None, page.rows.len() as u64));
    let shown = |row: &UsageRow| {
        let UsageKey { day, agent, model, peer } = &row.key;
        let agent = agent.map_or_else(String::new, |agent| agent.to_string()[34..].to_owned());
        assert_eq!(row.amounts, amounts(row.amounts.calls));
        format!("{day}|{agent}|{model}|{peer} {}", row.amounts.calls)
    };
    page.rows.iter().map(shown).collect()
}

pub(crate) async fn usage_adds_up_by_whatever_it_is_told_apart(store: Any) {
    let account_id = used(&store).await;
    let by = |by: &[Dimension]| filter(account_id, by);
    let all = [Dimension::Day, Dimension::Agent, Dimension::Model, Dimension::Peer];
    let expected = [
        "2026-11-20|0b|a/x| 1",
        "2026-11-21|0a|a/x| 1",
        "2026-11-21|0a|a/x|peer:ann 2",
        "2026-11-21|0a|a/y|peer:ann 1",
    ];
    assert_eq!(sums(&store, by(&all)).await, expected);
    assert_eq!(sums(&store, by(&[Dimension::Day])).await, ["2026-11-20||| 1", "2026-11-21||| 4"]);
    assert_eq!(sums(&store, by(&[Dimension::Model])).await, ["||a/x| 4", "||a/y| 1"]);
    assert_eq!(sums(&store, by(&[Dimension::Peer])).await, ["||| 2", "|||peer:ann 3"]);
    assert_eq!(sums(&store, by(&[Dimension::Agent])).await, ["|0a|| 4", "|0b|| 1"]);
    assert_eq!(sums(&store, by(&[])).await, ["||| 5"]);
    let one = UsageFilter { agent: Some(id(11)), ..by(&[Dimension::Day]) };
    assert_eq!(sums(&store, one.clone()).await, ["2026-11-20||| 1"]);
    assert_eq!(read(&store, move |reader| reader.usage_total(&one)).await, amounts(1));
    let day = UsageFilter { to: date(2026, 11, 20), ..by(&[Dimension::Day]) };
    assert_eq!(sums(&store, day).await, ["2026-11-20||| 1"]);
    let other = UsageFilter { agent: Some(id(10)), ..filter(account(2).id, &all) };
    assert_eq!(sums(&store, other.clone()).await, [""; 0]);
    assert_eq!(read(&store, move |reader| reader.usage_total(&other)).await, Amounts::default());
}

pub(crate) async fn pages_of_usage_visit_each_sum_once(store: Any) {
    let account = used(&store).await;
    for by in
        [vec![Dimension::Peer], vec![Dimension::Peer, Dimension::Agent, Dimension::Model, Dimension::Day]]
    {
        let whole = sums(&store, filter(account, &by)).await.len();
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let (filter, from) = (filter(account, &by), after.clone());
            let one = Limit::clamped(1, 1);
            let page = read(&store, move |reader| reader.usage(&filter, from.as_ref(), one)).await;
            assert_eq!(page.total, whole as u64);
            seen.extend(page.rows.into_iter().map(|row| row.key));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen.len(), whole);
        assert!(seen.windows(2).all(|pair| pair[0] != pair[1]), "{seen:?}");
    }
}
