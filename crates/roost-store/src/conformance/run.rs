use roost_domain::event::Offset;
use roost_domain::id::{AgentId, RunId};
use roost_domain::model::Usage;
use roost_domain::page::Limit;
use roost_domain::run::{Cause, Entry, Run, RunEvent, Status, StepKey};
use roost_domain::session::{Channel, Peer};
use roost_domain::unit::{MicroUsd, Tokens};
use roost_ports::store::{
    Error, FormStatus, KeptForm, KeptRun, OfRun, RunCursor, RunFilter, RunProgress, Turn,
};
use serde_json::json;

use super::{Any, agent, at, id, read, session, turn, world, write};

fn kept(number: u128, agent: AgentId, created: i64, status: Status) -> KeptRun {
    let cause = Cause { trigger: "nightly".into(), kind: "cron", by: None, of: Some(id(7)) };
    let run = Run {
        id: id(number),
        account: id(1),
        agent,
        version: 3,
        status,
        cause,
        created_at: at(created),
        started_at: None,
        ended_at: None,
        cost: MicroUsd::ZERO,
        usage: Usage::default(),
    };
    KeptRun { run, offset: Offset::START, due_at: None, reserved: MicroUsd::ZERO }
}

fn step(text: &str) -> StepKey {
    text.parse().unwrap()
}

fn limit(rows: u32) -> Limit {
    Limit::clamped(rows, 1_000)
}

async fn get(store: &Any, number: u128) -> Option<KeptRun> {
    read(store, move |reader| reader.run_of_any_account(id(number))).await
}

pub(crate) async fn a_run_reads_back_with_its_log(store: Any) {
    let agent = world(&store).await.agent;
    let first = KeptRun { due_at: Some(at(5)), ..kept(1, agent, 0, Status::Running) };
    let (insert, again) = (first.clone(), first.clone());
    write(&store, move |writer| writer.insert_run(&insert)).await;
    let taken = store.write(move |writer| writer.insert_run(&again)).await;
    assert!(matches!(taken, Err(Error::Exists { .. })), "{taken:?}");
    assert_eq!(get(&store, 1).await, Some(first.clone()));
    let events = [
        RunEvent::Created { input: json!({"größe": 1}), given: vec![], tainted: true },
        RunEvent::StepSkipped { step: step("a[1][2]") },
    ];
    let (one, two) = (events.clone(), [RunEvent::TimedOut]);
    let offsets = write(&store, move |writer| {
        let run: RunId = id(1);
        Ok((writer.append_run(run, at(1), &one)?, writer.append_run(run, at(2), &two)?))
    })
    .await;
    assert_eq!(offsets, (Offset(2), Offset(3)));
    let entry = |offset, seconds, event: &RunEvent| Entry {
        run: id(1),
        offset: Offset(offset),
        at: at(seconds),
        event: event.clone(),
    };
    let all = [entry(1, 1, &events[0]), entry(2, 1, &events[1]), entry(3, 2, &RunEvent::TimedOut)];
    let entries = |after, rows| {
        let store = store.clone();
        async move { read(&store, move |reader| reader.run_entries(id(1), Offset(after), limit(rows))).await }
    };
    assert_eq!(entries(0, 9).await, all);
    assert_eq!(entries(1, 1).await, all[1..2]);
    assert_eq!(entries(u64::MAX, 1).await, []);
    let usage = Usage { input: Tokens(4), cached: Tokens(3), cache_written: Tokens(2), output: Tokens(1) };
    let progress = RunProgress {
        status: Status::Failed,
        started_at: Some(at(1)),
        ended_at: Some(at(2)),
        due_at: None,
        usage,
    };
    write(&store, move |writer| writer.set_run_progress(id(1), &progress)).await;
    let run =
        Run { status: Status::Failed, started_at: Some(at(1)), ended_at: Some(at(2)), usage, ..first.run };
    assert_eq!(get(&store, 1).await, Some(KeptRun { run, offset: Offset(3), due_at: None, ..first }));
    let gone = store.write(|writer| writer.append_run(id::<RunId>(2), at(1), &[RunEvent::TimedOut])).await;
    assert!(matches!(gone, Err(Error::Database { .. })), "{gone:?}");
}

pub(crate) async fn runs_are_found_by_their_agent_and_when_they_are_due(store: Any) {
    let world = world(&store).await;
    let other = agent(20, world.account);
    write(&store, move |writer| {
        writer.insert_agent(&other)?;
        for (number, created, status) in [
            (1, 0, Status::Completed),
            (2, 1, Status::Running),
            (3, 1, Status::Queued),
            (4, 2, Status::WaitingForInput),
            (5, 3, Status::Queued),
        ] {
            writer.insert_run(&kept(number, world.agent, created, status))?;
        }
        writer.insert_run(&kept(6, other.id, 9, Status::Running))
    })
    .await;
    assert!(
        read(&store, move |reader| reader.run(id(2), world.agent, id(1))).await.is_none(),
        "foreign account"
    );
    assert!(
        read(&store, move |reader| reader.run(world.account, id(20), id(1))).await.is_none(),
        "foreign agent"
    );
    assert!(read(&store, move |reader| reader.run(world.account, world.agent, id(1))).await.is_some());
    let filter = RunFilter { agent: world.agent, status: None, or_queued: false };
    let ids = |runs: Vec<Run>| runs.into_iter().map(|run| run.id.uuid().as_u128()).collect::<Vec<_>>();
    let page = read(&store, move |reader| reader.runs(&filter, None, limit(2))).await;
    assert_eq!(page.next, Some(RunCursor { created_at: at(2), id: id(4) }));
    assert_eq!((ids(page.rows), page.total), (vec![5, 4], 5));
    let page = read(&store, move |reader| reader.runs(&filter, page.next.as_ref(), limit(3))).await;
    assert_eq!((ids(page.rows), page.next), (vec![3, 2, 1], None));
    let (rows, total) = read(&store, move |reader| reader.runs_from(&filter, 3, limit(9))).await;
    assert_eq!((ids(rows), total), (vec![2, 1], 5));
    let queued = RunFilter { status: Some(Status::Queued), ..filter };
    let (rows, total) = read(&store, move |reader| reader.runs_from(&queued, 0, limit(1))).await;
    assert_eq!((ids(rows), total), (vec![5], 2));
    for (or_queued, expected) in [(false, 1), (true, 3)] {
        let running = RunFilter { status: Some(Status::Running), or_queued, ..filter };
        let (rows, total) = read(&store, move |reader| reader.runs_from(&running, 0, limit(9))).await;
        let page = read(&store, move |reader| reader.runs(&running, None, limit(9))).await;
        assert_eq!(
            (rows.len(), total, page.rows.len()),
            (expected, expected as u64, expected),
            "{or_queued}"
        );
    }
    let first = read(&store, move |reader| reader.queued_runs(world.agent, limit(1))).await;
    assert_eq!(first[0].run.id, id(3), "the one that was asked for first");
    let count = |most| {
        let store = store.clone();
        async move { read(&store, move |reader| reader.count_runs(world.agent, Status::Queued, most)).await }
    };
    assert_eq!((count(9).await, count(1).await), (2, 1));
    let due = |by| {
        let store = store.clone();
        async move {
            let due = read(&store, move |reader| reader.due_runs(at(by), limit(9))).await;
            ids(due.into_iter().map(|kept| kept.run).collect())
        }
    };
    assert_eq!(read(&store, |reader| reader.next_run_at()).await, None);
    write(&store, |writer| {
        writer.wake_run(id(2), at(9))?;
        writer.wake_run(id(4), at(7))?;
        writer.wake_run(id(2), at(5))?;
        writer.wake_run(id(2), at(6))?;
        writer.wake_run(id(1), at(1))
    })
    .await;
    assert_eq!(
        read(&store, |reader| reader.next_run_at()).await,
        Some(at(5)),
        "the first that was asked for"
    );
    assert_eq!((due(4).await, due(5).await, due(7).await), (vec![], vec![2], vec![2, 4]));
    assert_eq!(write(&store, move |writer| writer.wake_runs_of(world.agent, at(6))).await, 4);
    assert_eq!(due(6).await.len(), 4, "all but the one that is over, and none of others");
}

pub(crate) async fn what_a_run_spends_is_held_back_and_booked(store: Any) {
    let agent = world(&store).await.agent;
    write(&store, move |writer| {
        writer.insert_run(&kept(1, agent, 0, Status::Running))?;
        writer.reserve_of_run(id(1), MicroUsd(10))?;
        writer.reserve_of_run(id(1), MicroUsd(10))?;
        writer.settle_of_run(id(1), MicroUsd(10), MicroUsd(4))
    })
    .await;
    let now = get(&store, 1).await.unwrap();
    assert_eq!((now.run.cost, now.reserved), (MicroUsd(4), MicroUsd(10)));
    let twice = store.write(|writer| writer.settle_of_run(id(1), MicroUsd(11), MicroUsd(1))).await;
    assert!(matches!(twice, Err(Error::Database { .. })), "{twice:?}");
    write(&store, |writer| writer.settle_of_run(id(9), MicroUsd(1), MicroUsd(1))).await;
}

pub(crate) async fn a_form_is_closed_once(store: Any) {
    let agent = world(&store).await.agent;
    let form = |number, opened| KeptForm {
        id: id(number),
        run: id(1),
        step: step("ask[3]"),
        status: FormStatus::Open,
        opened_at: at(opened),
        expires_at: Some(at(99)),
        closed_at: None,
    };
    let (one, two) = (form(50, 2), form(51, 1));
    let (first, second) = (one.clone(), two.clone());
    write(&store, move |writer| {
        writer.insert_run(&kept(1, agent, 0, Status::Running))?;
        writer.insert_form(&first)?;
        writer.insert_form(&second)
    })
    .await;
    assert_eq!(read(&store, |reader| reader.form(id(50))).await, Some(one.clone()));
    assert_eq!(read(&store, |reader| reader.form(id(52))).await, None);
    let forms = |status, rows| {
        let store = store.clone();
        async move { read(&store, move |reader| reader.forms_of(id(1), status, limit(rows))).await }
    };
    assert_eq!(
        (forms(None, 9).await, forms(None, 1).await),
        (vec![two.clone(), one.clone()], vec![two.clone()])
    );
    let close = |status, seconds| {
        let store = store.clone();
        async move { write(&store, move |writer| writer.close_form(id(50), status, at(seconds))).await }
    };
    assert!(close(FormStatus::Answered, 5).await);
    assert!(!close(FormStatus::Closed, 6).await);
    let closed = KeptForm { status: FormStatus::Answered, closed_at: Some(at(5)), ..one };
    assert_eq!(read(&store, |reader| reader.form(id(50))).await, Some(closed.clone()));
    assert_eq!(forms(Some(FormStatus::Answered), 1).await, [closed], "though it was opened last");
    assert_eq!(forms(Some(FormStatus::Open), 9).await, [two]);
    assert_eq!(forms(Some(FormStatus::Closed), 9).await, []);
}

pub(crate) async fn a_run_goes_with_all_that_was_said_in_it_and_nothing_else(store: Any) {
    let world = world(&store).await;
    write(&store, move |writer| {
        let owner = agent(10, world.account);
        for number in [1, 2] {
            writer.insert_run(&kept(number, world.agent, 0, Status::Completed))?;
            writer.append_run(id(number), at(1), &[RunEvent::TimedOut])?;
            let place = said(number, &owner);
            writer.insert_session(&place)?;
            let of = OfRun { run: id(number), step: step("a[1]"), attempt: 2, criterion: Some(3) };
            let done = Turn { run: Some(of), ..turn(3_000 + number, &place) };
            writer.insert_turn(&done)?;
            writer.insert_approval(&super::approval::approval(400 + number, &done))?;
            let began = vec![roost_domain::event::Body::SessionStarted { channel: Channel::Workflow }];
            writer.append_events(owner.id, place.id, at(1), began)?;
        }
        Ok(())
    })
    .await;
    let turns = |number| {
        let store = store.clone();
        async move { read(&store, move |reader| reader.open_turns_of_run(id(number))).await }
    };
    assert_eq!(turns(1).await, [(id(3_001), id(2_001))]);
    let back = read(&store, |reader| reader.turn(id(3_001))).await.unwrap().run.unwrap();
    assert_eq!((back.step, back.attempt, back.criterion), (step("a[1]"), 2, Some(3)));
    let delete = |account: u128| {
        let store = store.clone();
        async move { write(&store, move |writer| writer.delete_run(id(account), world.agent, id(1))).await }
    };
    assert!(!delete(2).await, "another account's");
    assert!(delete(1).await);
    assert!(!delete(1).await);
    let events = |session: u128| {
        let store = store.clone();
        async move { read(&store, move |reader| reader.events_after(id(session), Offset::START, limit(9))).await }
    };
    assert_eq!((get(&store, 1).await, turns(1).await, events(2_001).await), (None, vec![], vec![]));
    assert_eq!((turns(2).await.len(), events(2_002).await.len()), (1, 1));
    assert!(read(&store, |reader| reader.run_entries(id(1), Offset::START, limit(9))).await.is_empty());
    assert!(write(&store, move |writer| writer.delete_agent(world.account, world.agent, at(9))).await);
    assert_eq!(get(&store, 2).await, None);
}

/// The session of a run's step.
fn said(number: u128, owner: &roost_domain::agent::Agent) -> roost_domain::session::Session {
    let peer = Peer::Run(id(number));
    roost_domain::session::Session { peer, channel: Channel::Workflow, ..session(2_000 + number, owner) }
}
