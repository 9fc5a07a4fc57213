use std::collections::BTreeSet;

use roost_domain::agent::{Agent, Failure, FailureCategory, Region, State};
use roost_domain::document::DocumentName;
use roost_domain::event::{Body, Journal, Offset};
use roost_domain::id::{AgentId, JobId};
use roost_domain::machine::Size;
use roost_domain::page::Limit;
use roost_domain::unit::MicroUsd;
use roost_ports::store::{AgentFilter, Error, MessageFilter, NewJob};
use roost_ports::vault::Sealed;
use serde_json::json;

use super::{Any, account, agent, approval, at, id, read, session, turn, world, write};

pub(crate) async fn an_agent_reads_back_as_it_was_written(store: Any) {
    let world = world(&store).await;
    let full = Agent {
        runtime: roost_domain::agent::RuntimeKind::Openclaw,
        arming: roost_domain::agent::Arming::Paused,
        name: "Ada \"the first\"; drop table agents".into(),
        description: "ünï".into(),
        model: "openrouter/meta/llama".parse().unwrap(),
        size: Size::Xlarge,
        region: Region::Us,
        swarm: None,
        avatar_url: Some("https://a.example/a.png".into()),
        tags: vec!["b".into(), "a,\"b\"".into()],
        config: json!({"policy": "strict", "nested": {"n": 0.1, "big": u64::MAX, "null": null}})
            .as_object()
            .unwrap()
            .clone(),
        state: State::Error,
        needs_restart: true,
        last_failure: Some(Failure { category: FailureCategory::Machine, message: "gone".into() }),
        created_at: at(5),
        started_at: Some(at(6)),
        stopped_at: Some(at(7)),
        ..agent(11, world.account)
    };
    let written = full.clone();
    write(&store, move |writer| writer.insert_agent(&written)).await;
    let (account, id) = (world.account, full.id);
    assert_eq!(read(&store, move |reader| reader.agent(account, id)).await.as_ref(), Some(&full));

    let changed = Agent { tags: vec!["c".into()], state: State::Stopped, last_failure: None, ..full };
    let written = changed.clone();
    write(&store, move |writer| writer.update_agent(&written)).await;
    assert_eq!(read(&store, move |reader| reader.agent_of_any_account(id)).await.as_ref(), Some(&changed));
}

pub(crate) async fn another_accounts_agents_are_not_found(store: Any) {
    let world = world(&store).await;
    write(&store, |writer| writer.insert_account(&account(2))).await;
    let other = account(2).id;
    assert_eq!(read(&store, move |reader| reader.agent(other, world.agent)).await, None);
    let page =
        read(&store, move |reader| reader.agents(other, &AgentFilter::default(), None, limit(10))).await;
    assert_eq!((page.rows.len(), page.total), (0, 0));
    assert!(!write(&store, move |writer| writer.delete_agent(other, world.agent, at(1))).await);
    assert!(read(&store, move |reader| reader.agent(world.account, world.agent)).await.is_some());
    let stolen = Agent { name: "mine now".into(), ..agent(10, other) };
    store.write::<(), Error>(move |writer| writer.update_agent(&stolen)).await.unwrap_err();
}

pub(crate) async fn paging_visits_each_agent_once_while_others_are_added(store: Any) {
    let owner = account(1).id;
    write(&store, move |writer| {
        writer.insert_account(&account(1))?;
        // Seven agents share each time, so that pages break between equal times.
        (0..1_000_u32).try_for_each(|n| {
            writer
                .insert_agent(&Agent { created_at: at(i64::from(n) / 7), ..agent(u128::from(n) + 1, owner) })
        })
    })
    .await;
    let mut seen = Vec::new();
    let mut after = None;
    let mut added: u32 = 0;
    loop {
        let page =
            read(&store, move |reader| reader.agents(owner, &AgentFilter::default(), after, limit(64))).await;
        assert_eq!(page.total, 1_000 + u64::from(added));
        assert!(page.rows.len() <= 64);
        seen.extend(page.rows.into_iter().map(|agent| (agent.created_at, agent.id)));
        after = page.next;
        if after.is_none() {
            break;
        }
        added += 1;
        let new = Agent { created_at: at(10_000), ..agent(100_000 + u128::from(added), owner) };
        write(&store, move |writer| writer.insert_agent(&new)).await;
    }
    assert!(seen.is_sorted_by(|one, next| one > next), "newest first, nothing twice");
    let ids: BTreeSet<AgentId> = seen.iter().map(|(_, id)| *id).collect();
    assert_eq!(ids, (1..=1_000).map(id).collect());
}

pub(crate) async fn filters_narrow_the_list_and_its_total(store: Any) {
    let owner = account(1).id;
    write(&store, move |writer| {
        writer.insert_account(&account(1))?;
        let tagged = |tags: &[&str]| tags.iter().map(|tag| (*tag).to_owned()).collect::<Vec<_>>();
        let all = [
            Agent { name: "Émile".into(), tags: tagged(&["a", "b"]), ..agent(1, owner) },
            Agent {
                name: "100%_sure".into(),
                state: State::Stopped,
                tags: tagged(&[",", "x"]),
                ..agent(2, owner)
            },
            Agent { name: "emil".into(), state: State::Paused, tags: tagged(&["b"]), ..agent(3, owner) },
        ];
        all.iter().try_for_each(|agent| writer.insert_agent(agent))
    })
    .await;
    let cases = [
        (AgentFilter::default(), vec![3, 2, 1]),
        (AgentFilter { states: vec![State::Stopped, State::Paused], ..AgentFilter::default() }, vec![3, 2]),
        (AgentFilter { states: vec![State::Frozen], ..AgentFilter::default() }, vec![]),
        (AgentFilter { states: [State::Paused; 9].to_vec(), ..AgentFilter::default() }, vec![3]),
        (AgentFilter { name_contains: Some("ÉM".into()), ..AgentFilter::default() }, vec![1]),
        (AgentFilter { name_contains: Some("MIL".into()), ..AgentFilter::default() }, vec![3, 1]),
        (AgentFilter { name_contains: Some("%_".into()), ..AgentFilter::default() }, vec![2]),
        (AgentFilter { name_contains: Some("0_s".into()), ..AgentFilter::default() }, vec![]),
        (AgentFilter { tag: Some("b".into()), ..AgentFilter::default() }, vec![3, 1]),
        (AgentFilter { tag: Some(",".into()), ..AgentFilter::default() }, vec![2]),
        (AgentFilter { tag: Some("B".into()), ..AgentFilter::default() }, vec![]),
    ];
    for (filter, expected) in cases {
        let asked = filter.clone();
        let page = read(&store, move |reader| reader.agents(owner, &asked, None, limit(1))).await;
        assert_eq!(page.total, expected.len() as u64, "{filter:?}");
        let asked = filter.clone();
        let page = read(&store, move |reader| reader.agents(owner, &asked, None, limit(10))).await;
        let found: Vec<AgentId> = page.rows.into_iter().map(|agent| agent.id).collect();
        assert_eq!(found, expected.into_iter().map(id).collect::<Vec<_>>(), "{filter:?}");
    }
}

pub(crate) async fn agents_are_found_by_their_whole_name_alone(store: Any) {
    let world = world(&store).await;
    let (owner, limited) = (world.account, limit(2));
    write(&store, move |writer| {
        let names = ["Émile", "émile", "Émile2", "Twin", "Twin", "Twin"];
        let named = |(number, name): (u128, &str)| Agent { name: name.into(), ..agent(number, owner) };
        (50_u128..).zip(names).map(named).try_for_each(|agent| writer.insert_agent(&agent))
    })
    .await;
    for (name, expected) in [("Émile", vec![50]), ("mile", vec![]), ("ÉMILE", vec![]), ("Twin", vec![55, 54])]
    {
        let found = read(&store, move |reader| reader.agents_named(owner, name, limited)).await;
        let found: Vec<AgentId> = found.into_iter().map(|agent| agent.id).collect();
        assert_eq!(found, expected.into_iter().map(id).collect::<Vec<_>>(), "{name}");
        let others = account(2).id;
        assert!(read(&store, move |reader| reader.agents_named(others, name, limited)).await.is_empty());
    }
}

pub(crate) async fn updating_an_agent_that_is_not_there_fails(store: Any) {
    let world = world(&store).await;
    let error = store.write::<(), Error>(move |writer| writer.update_agent(&agent(99, world.account))).await;
    assert_eq!(error.unwrap_err().to_string(), "the database failed to write the agent");
}

pub(crate) async fn deleting_an_agent_removes_everything_of_it_and_nothing_of_others(store: Any) {
    let world = world(&store).await;
    let other = agent(20, world.account);
    for (agent, n) in [(agent(10, world.account), 1_u128), (other.clone(), 2)] {
        furnish(&store, agent, n).await;
    }
    assert_eq!(belongings(&store, id(10), 1).await, [true; 7]);
    assert!(!read(&store, move |reader| reader.is_deleted(world.agent)).await);
    assert!(write(&store, move |writer| writer.delete_agent(world.account, world.agent, at(9))).await);
    assert!(read(&store, move |reader| reader.is_deleted(world.agent)).await);
    assert!(!read(&store, |reader| reader.is_deleted(id(99))).await, "one that never was");
    assert!(!write(&store, move |writer| writer.delete_agent(world.account, world.agent, at(9))).await);
    assert_eq!(belongings(&store, id(10), 1).await, [false; 7]);
    assert_eq!(belongings(&store, other.id, 2).await, [true; 7]);
    assert_eq!(read(&store, move |reader| reader.agent_of_any_account(world.agent)).await, None);
    assert_eq!(read(&store, |reader| reader.open_jobs("turn")).await, 1);
    let page =
        read(&store, move |reader| reader.agents(world.account, &AgentFilter::default(), None, limit(9)))
            .await;
    assert_eq!((page.rows.len(), page.total), (1, 1));
    // What it spent is still known.
    assert_eq!(read(&store, move |reader| reader.ledger(world.agent)).await.spent, MicroUsd(5));
}

pub(crate) async fn a_deleted_agents_id_is_never_used_again(store: Any) {
    let world = world(&store).await;
    write(&store, move |writer| writer.delete_agent(world.account, world.agent, at(9))).await;
    let again = store.write::<(), Error>(move |writer| writer.insert_agent(&agent(10, world.account))).await;
    assert!(matches!(again, Err(Error::Exists { what: "agent" })), "{again:?}");
}

/// Gives an agent one of everything.
async fn furnish(store: &Any, agent: Agent, n: u128) {
    write(store, move |writer| {
        if writer.agent(agent.account, agent.id)?.is_none() {
            writer.insert_agent(&agent)?;
        }
        let session = session(200 + n, &agent);
        let turn = turn(300 + n, &session);
        let document = super::document::version(DocumentName::Soul, Some("kind"), 1);
        writer.put_document(agent.id, &document)?;
        writer.put_secret(agent.id, "TOKEN", &Sealed(vec![1]), at(1))?;
        writer.insert_session(&session)?;
        writer.append_events(agent.id, session.id, at(1), vec![Body::Journal(Journal::Created)])?;
        writer.append_events(agent.id, agent.id.journal(), at(1), vec![Body::Journal(Journal::Created)])?;
        writer.insert_turn(&turn)?;
        writer.insert_approval(&approval::approval(400 + n, &turn))?;
        writer.insert_job(&NewJob {
            id: id::<JobId>(500 + n),
            queue: "turn",
            key: format!("key {n}"),
            agent: Some(agent.id),
            payload: String::new(),
            run_at: at(0),
        })?;
        writer.settle(agent.id, MicroUsd(0), MicroUsd(5))
    })
    .await;
}

/// Tells of each kind of thing whether an agent has it.
async fn belongings(store: &Any, agent: AgentId, n: u128) -> [bool; 7] {
    read(store, move |reader| {
        let messages = MessageFilter { agent, session: None, since: None };
        assert_eq!(reader.messages(&messages, limit(1))?.1, 0);
        Ok([
            reader.document(agent, &DocumentName::Soul)?.is_some(),
            !reader.secret_names(agent)?.is_empty(),
            reader.session(agent, id(200 + n))?.is_some(),
            !reader.events_after(id(200 + n), Offset::START, limit(1))?.is_empty(),
            !reader.last_agent_events(agent, limit(1))?.is_empty(),
            reader.turn(id(300 + n))?.is_some(),
            !reader.turn_approvals(id(300 + n))?.is_empty(),
        ])
    })
    .await
}

fn limit(rows: u32) -> Limit {
    Limit::clamped(rows, 1_000)
}

pub(crate) async fn agents_that_are_up_are_found_by_region(store: Any) {
    let account = world(&store).await.account;
    let of = move |number, region, state| Agent { region, state, ..agent(number, account) };
    write(&store, move |writer| {
        for (number, state) in (20..).zip(State::ALL) {
            writer.insert_agent(&of(number, Region::Us, state))?;
        }
        writer.insert_agent(&of(30, Region::Us, State::Running))?;
        writer.delete_agent(account, id(30), at(1))?;
        Ok(())
    })
    .await;
    let up =
        |region, limit| read(&store, move |reader| reader.agents_up_in(region, Limit::clamped(limit, limit)));
    let found = up(Region::Us, 9).await;
    let states: Vec<_> = found.iter().map(|agent| agent.state).collect();
    assert_eq!(states, [State::Running, State::Frozen, State::Paused]);
    assert_eq!(up(Region::Us, 2).await.len(), 2);
    assert_eq!(up(Region::Eu, 9).await.len(), 1);
}
