use std::time::Duration;

use roost_domain::agent::{Agent, State};
use roost_domain::document::{Author, DocumentName, Mark};
use roost_domain::event::{Body, Event, Journal, Offset};
use roost_domain::id::{AccountId, AgentId};
use roost_domain::page::Limit;
use roost_domain::session::{Channel, Session};
use roost_domain::snapshot::{Mark as Point, Method, Snapshot, Transfer};
use roost_domain::taint::Taint;
use roost_domain::unit::Bytes;
use roost_ports::store::{
    Error, NewVersion, Restoration, RestorationKind, SavedDocument, SnapshotStatus, Writer,
};

use super::{Any, agent, at, id, read, session, turn, world, write};

const ALL: Limit = Limit::clamped(100, 100);

fn snapshot(number: u128, account: AccountId, agent: AgentId) -> Snapshot {
    Snapshot {
        id: id(number),
        account,
        agent,
        name: format!("snapshot {number}"),
        created_at: at(i64::try_from(number).unwrap()),
        mark: Point { seq: 7, events: 3, open: vec![(id(100), id(1_000))] },
        transfer: Transfer {
            method: Method::Reflink,
            size: Bytes(1 << 40),
            copied: Bytes(5),
            entries: 6,
            left_out: 1,
            took: Duration::from_micros(1_234),
        },
    }
}

fn version(name: DocumentName, content: &str) -> NewVersion {
    let mark = Mark { author: Author::Owner, note: None, at: at(1) };
    NewVersion { name, content: Some(content.to_owned()), mark }
}

fn saved(name: DocumentName, content: &str) -> SavedDocument {
    SavedDocument { name, content: content.to_owned() }
}

fn line(what: &str) -> Body {
    Body::Journal(Journal::Changed { what: what.to_owned() })
}

/// Adds a snapshot that is whole.
fn insert(writer: &mut dyn Writer, snapshot: &Snapshot) -> Result<(), Error> {
    writer.insert_snapshot(snapshot)?;
    writer.settle_snapshot(snapshot, SnapshotStatus::Listed)
}

async fn half(store: &Any) -> Vec<(u128, SnapshotStatus)> {
    let half = read(store, |reader| reader.half_snapshots(ALL)).await;
    half.into_iter().map(|(id, status)| (id.uuid().as_u128(), status)).collect()
}

pub(crate) async fn a_snapshot_reads_back_with_its_documents(store: Any) {
    let world = world(&store).await;
    let (account, of) = (world.account, world.agent);
    let taken = snapshot(1, account, of);
    let written = taken.clone();
    write(&store, move |writer| {
        writer.put_document(of, &version(DocumentName::Soul, "old"))?;
        writer.put_document(of, &version(DocumentName::Soul, "soul"))?;
        writer.put_document(of, &version("rules/refunds.md".parse().unwrap(), "refund"))?;
        let gone = NewVersion { content: None, ..version(DocumentName::Workflow, "") };
        writer.put_document(of, &version(DocumentName::Workflow, "gone"))?;
        writer.put_document(of, &gone)?;
        writer.insert_snapshot(&written)?;
        assert_eq!(writer.snapshot(account, of, id(1))?, None, "it is not whole yet");
        writer.settle_snapshot(&written, SnapshotStatus::Listed)?;
        writer.put_document(of, &version(DocumentName::Soul, "new"))
    })
    .await;
    assert_eq!(read(&store, move |reader| reader.snapshot(account, of, id(1))).await, Some(taken));
    assert_eq!(read(&store, move |reader| reader.snapshot(account, id(11), id(1))).await, None);
    assert_eq!(read(&store, move |reader| reader.snapshot(id(2), of, id(1))).await, None);
    let documents = read(&store, |reader| reader.snapshot_documents(id(1))).await;
    let expected = [saved(DocumentName::Soul, "soul"), saved("rules/refunds.md".parse().unwrap(), "refund")];
    assert_eq!(documents, expected);
    assert_eq!(half(&store).await, []);
    write(&store, |writer| writer.discard_snapshot(id(1))).await;
    assert_eq!(read(&store, move |reader| reader.snapshot(account, of, id(1))).await, None);
    assert_eq!(read(&store, |reader| reader.snapshot_documents(id(1))).await, []);
    assert_eq!(half(&store).await, [(1, SnapshotStatus::Going)]);
    write(&store, |writer| writer.delete_snapshot(id(1))).await;
    assert_eq!(read(&store, |reader| reader.snapshot_status(id(1))).await, None);
    assert_eq!(half(&store).await, []);
}

pub(crate) async fn snapshots_are_listed_newest_first_by_agent(store: Any) {
    let world = world(&store).await;
    let (account, of) = (world.account, world.agent);
    write(&store, move |writer| {
        writer.insert_agent(&agent(11, account))?;
        for number in 1..=4 {
            insert(writer, &snapshot(number, account, of))?;
        }
        writer.insert_snapshot(&snapshot(5, account, of))?;
        writer.settle_snapshot(&snapshot(5, account, of), SnapshotStatus::Unlisted)?;
        writer.insert_snapshot(&snapshot(7, account, of))?;
        insert(writer, &snapshot(6, account, id(11)))
    })
    .await;
    let page = |after, limit| read(&store, move |reader| reader.snapshots(of, after, limit));
    let first = page(None, Limit::clamped(3, 3)).await;
    let ids = |rows: &[Snapshot]| rows.iter().map(|row| row.id.uuid().as_u128()).collect::<Vec<_>>();
    assert_eq!((ids(&first.rows), first.total), (vec![4, 3, 2], 4));
    let second = page(first.next, Limit::clamped(3, 3)).await;
    assert_eq!((ids(&second.rows), second.next), (vec![1], None));
    let count = read(&store, move |reader| reader.snapshot_count(of)).await;
    assert_eq!(count, 5, "one that is being made takes its place already");
    let status = read(&store, |reader| reader.snapshot_status(id(5))).await;
    assert_eq!(status, Some(SnapshotStatus::Unlisted));
    assert_eq!(half(&store).await, [(7, SnapshotStatus::Making)]);
}

pub(crate) async fn a_mark_tells_how_far_the_log_is(store: Any) {
    let world = world(&store).await;
    let of = world.agent;
    let nothing = read(&store, move |reader| reader.log_mark(of)).await;
    assert_eq!(nothing, Point { seq: 0, events: 0, open: vec![(world.session, world.turn)] });
    write(&store, move |writer| {
        writer.append_events(of, of.journal(), at(1), vec![line("a")])?;
        writer.append_events(of, world.session, at(1), vec![line("b"), line("c")])?;
        writer.set_turn_phase(world.turn, roost_ports::store::TurnPhase::Ended)
    })
    .await;
    let mark = read(&store, move |reader| reader.log_mark(of)).await;
    assert_eq!((mark.events, mark.open), (2, Vec::new()));
    let events = read(&store, move |reader| reader.last_agent_events(of, ALL)).await;
    assert_eq!(mark.seq, events.last().unwrap().seq);
}

pub(crate) async fn a_copied_session_has_its_events_up_to_the_mark(store: Any) {
    let world = world(&store).await;
    let (of, fork) = (world.agent, id(11));
    let copy = Session { id: id(200), agent: fork, ..session(100, &agent(10, world.account)) };
    let (later, to) = (session(101, &agent(10, world.account)), copy.clone());
    let mark = write(&store, move |writer| {
        writer.insert_agent(&agent(11, world.account))?;
        writer.append_events(of, world.session, at(1), vec![line("a"), line("b")])?;
        writer.taint_session(world.session, Taint::ALL[0])?;
        let mark = writer.log_mark(of)?;
        writer.append_events(of, world.session, at(2), vec![line("c")])?;
        writer.insert_session(&later)?;
        writer.append_events(of, later.id, at(2), vec![line("d")])?;
        Ok(mark)
    })
    .await;
    let (until, after) = (mark.clone(), mark.clone());
    let found = read(&store, move |reader| reader.sessions_until(of, &until, None, ALL)).await;
    assert_eq!(found.iter().map(|session| session.id).collect::<Vec<_>>(), [world.session]);
    let rest = read(&store, move |reader| reader.sessions_until(of, &after, Some(id(100)), ALL)).await;
    assert_eq!(rest, []);
    assert_eq!(write(&store, move |writer| writer.copy_session(world.session, &to, &mark)).await, 2);
    let events = read(&store, |reader| reader.events_after(id(200), Offset::START, ALL)).await;
    let event = |offset, what: &str| Event {
        agent: fork,
        session: id(200),
        offset: Offset(offset),
        at: at(1),
        body: line(what),
    };
    assert_eq!(events, [event(1, "a"), event(2, "b")]);
    assert_eq!(read(&store, move |reader| reader.session(fork, id(200))).await, Some(copy));
    assert_eq!(read(&store, |reader| reader.session_taint(id(200))).await, Some(Taint::ALL[0]));
    let next = write(&store, move |writer| writer.append_events(fork, id(200), at(3), vec![line("e")])).await;
    assert_eq!(next, [Event { at: at(3), ..event(3, "e") }], "the copy goes on where it ends");
    let own = read(&store, move |reader| reader.events_after(world.session, Offset::START, ALL)).await;
    assert_eq!(own.len(), 3);
}

pub(crate) async fn superseded_sessions_are_not_found_by_peer(store: Any) {
    let world = world(&store).await;
    let (of, fork) = (world.agent, agent(11, world.account));
    let peer = session(100, &agent(10, world.account)).peer;
    let to =
        move |number| Session { id: id(number), agent: id(11), ..session(100, &agent(10, world.account)) };
    let (before, after) = write(&store, move |writer| {
        writer.insert_agent(&fork)?;
        writer.append_events(of, world.session, at(1), vec![line("a")])?;
        let before = writer.log_mark(of)?;
        writer.append_events(of, of.journal(), at(1), vec![line("restored")])?;
        writer.supersede_sessions(of)?;
        writer.append_events(of, of.journal(), at(1), vec![line("more")])?;
        Ok((before, writer.log_mark(of)?))
    })
    .await;
    let asked = peer.clone();
    assert_eq!(read(&store, move |reader| reader.latest_session_with(of, &asked)).await, None);
    let listed = read(&store, move |reader| reader.sessions(of, ALL)).await;
    assert_eq!((listed.0.len(), listed.1), (1, 1), "it is still there");
    write(&store, move |writer| writer.copy_session(world.session, &to(201), &after)).await;
    let asked = peer.clone();
    assert_eq!(read(&store, move |reader| reader.latest_session_with(id(11), &asked)).await, None);
    write(&store, move |writer| writer.copy_session(world.session, &to(200), &before)).await;
    let found = read(&store, move |reader| reader.latest_session_with(id(11), &peer)).await;
    assert_eq!(found.map(|session| session.id), Some(id(200)), "at that mark it was not superseded yet");
    assert_eq!(found_channel(&store).await, Channel::Api);
}

async fn found_channel(store: &Any) -> Channel {
    read(store, |reader| reader.session(id(11), id(200))).await.unwrap().channel
}

pub(crate) async fn one_restoration_at_a_time(store: Any) {
    let world = world(&store).await;
    let restoration = Restoration {
        agent: world.agent,
        snapshot: id(1),
        kind: RestorationKind::Restore,
        requested_at: at(1),
    };
    let other = Restoration { snapshot: id(2), kind: RestorationKind::Fork, ..restoration };
    write(&store, move |writer| writer.insert_restoration(&restoration)).await;
    let refused = store.write(move |writer| writer.insert_restoration(&other)).await;
    assert!(matches!(refused, Err(roost_ports::store::Error::Exists { .. })), "{refused:?}");
    let of = world.agent;
    assert_eq!(read(&store, move |reader| reader.restoration(of)).await, Some(restoration));
    let restores = || read(&store, |reader| reader.restorations(RestorationKind::Restore, ALL));
    assert_eq!(restores().await, [restoration]);
    assert_eq!(read(&store, |reader| reader.restorations(RestorationKind::Fork, ALL)).await, []);
    write(&store, move |writer| writer.delete_restoration(of)).await;
    assert_eq!(restores().await, []);
    write(&store, move |writer| writer.insert_restoration(&other)).await;
    assert_eq!(read(&store, move |reader| reader.restoration(of)).await, Some(other));
}

pub(crate) async fn a_fork_that_is_not_whole_is_not_to_come_up(store: Any) {
    let world = world(&store).await;
    let fork = Agent { state: State::Provisioning, ..agent(11, world.account) };
    let made =
        Restoration { agent: fork.id, snapshot: id(1), kind: RestorationKind::Fork, requested_at: at(1) };
    write(&store, move |writer| {
        writer.insert_agent(&fork)?;
        writer.insert_restoration(&made)
    })
    .await;
    let due = || read(&store, |reader| reader.provisioning_agents(ALL));
    assert_eq!(due().await, []);
    write(&store, move |writer| writer.delete_restoration(id(11))).await;
    assert_eq!(due().await, [id(11)]);
}

pub(crate) async fn a_deleted_agents_snapshots_go_with_it(store: Any) {
    let world = world(&store).await;
    let (account, of) = (world.account, world.agent);
    let kind = RestorationKind::Restore;
    write(&store, move |writer| {
        writer.insert_agent(&agent(11, account))?;
        writer.insert_turn(&turn(1_001, &session(100, &agent(10, account))))?;
        writer.put_document(of, &version(DocumentName::Soul, "soul"))?;
        insert(writer, &snapshot(1, account, of))?;
        insert(writer, &snapshot(2, account, id(11)))?;
        writer.insert_restoration(&Restoration { agent: of, snapshot: id(1), kind, requested_at: at(1) })?;
        writer.delete_agent(account, of, at(2))
    })
    .await;
    assert_eq!(half(&store).await, [(1, SnapshotStatus::Going)], "until its files are removed");
    assert_eq!(read(&store, |reader| reader.snapshot_documents(id(1))).await, []);
    assert_eq!(read(&store, move |reader| reader.restorations(kind, ALL)).await, []);
    assert_eq!(read(&store, |reader| reader.snapshot_count(id(11))).await, 1);
}
