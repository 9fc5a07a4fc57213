//! Saving an agent's state, going back to it, making another from it.

use std::time::Duration;

use roost_core::{Error, ForkAgent, Forked, Kind, ListSnapshots, Settings};
use roost_domain::agent::{Agent, State};
use roost_domain::conversation::Message;
use roost_domain::document::{Author, DocumentName, Mark};
use roost_domain::event::{Body, Ending, Journal, TurnEvent};
use roost_domain::id::{AgentId, SnapshotId};
use roost_domain::machine::Condition;
use roost_domain::page::Limit;
use roost_domain::policy::Version;
use roost_domain::snapshot::{Change, Snapshot};
use roost_domain::subject::Subject;
use roost_domain::taint::Taint;
use roost_ports::machine::Machines;
use roost_ports::store::{AgentFilter, NewVersion, Reader, RestorationKind, TurnPhase, Writer};
use roost_testkit::{Reply, TestApp};
use serde_json::json;

const ALL: Limit = Limit::clamped(100, 100);

async fn take(app: &TestApp, agent: AgentId) -> Snapshot {
    app.core.snapshots().take(&app.ctx(), agent, Some("before")).await.expect("can be taken")
}

async fn fork(app: &TestApp, parent: AgentId, snapshot: Option<SnapshotId>) -> Result<Forked, Error> {
    app.core.snapshots().fork(&app.ctx(), ForkAgent { parent, snapshot, name: None }).await
}

async fn forked(app: &TestApp, parent: AgentId, snapshot: Option<SnapshotId>) -> Agent {
    fork(app, parent, snapshot).await.expect("can be forked").view.agent
}

async fn listed(app: &TestApp, agent: AgentId) -> Vec<Snapshot> {
    let list = ListSnapshots { agent, after: None, limit: ALL };
    app.core.snapshots().list(&app.ctx(), list).await.expect("can be listed").rows
}

async fn write_soul(app: &TestApp, agent: AgentId, content: &'static str) {
    let at = app.core.now();
    let put = move |writer: &mut dyn Writer| {
        let mark = Mark { author: Author::Owner, note: None, at };
        let content = Some(content.to_owned());
        writer.put_document(agent, &NewVersion { name: DocumentName::Soul, content, mark })
    };
    app.store.write::<_, roost_ports::store::Error>(put).await.expect("can be written");
}

async fn soul(app: &TestApp, agent: AgentId) -> Option<String> {
    let view = app.core.agents().get(&app.ctx(), agent).await.expect("is there");
    view.soul.map(|document| document.content)
}

/// What people and the agent said to each other, as the model last read it.
fn last_read(app: &TestApp) -> Vec<String> {
    let asked = app.models.asked();
    let said = asked.last().expect("a model was asked").messages.iter();
    said.map(|message| match message {
        Message::User(text) => text.clone(),
        Message::Assistant { text, .. } => text.clone(),
        Message::ToolResult { text, .. } => text.clone(),
    })
    .collect()
}

async fn journal(app: &TestApp, agent: AgentId) -> Vec<Journal> {
    let events = app.log(agent.journal()).await.into_iter();
    events
        .filter_map(|event| if let Body::Journal(entry) = event.body { Some(entry) } else { None })
        .collect()
}

async fn agents(app: &TestApp) -> Vec<AgentId> {
    let account = app.account;
    let read = move |reader: &dyn Reader| reader.agents(account, &AgentFilter::default(), None, ALL);
    let page = app.store.read::<_, roost_ports::store::Error>(read).await.expect("can be listed");
    page.rows.into_iter().map(|agent| agent.id).collect()
}

async fn half(app: &TestApp) -> usize {
    let read = |reader: &dyn Reader| reader.half_snapshots(ALL);
    app.store.read::<_, roost_ports::store::Error>(read).await.expect("can be read").len()
}

/// Waits for something that the server does by itself.
async fn until(what: &str, mut happened: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !happened().await {
            tokio::task::yield_now().await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(10), wait).await.is_ok(), "not in time: {what}");
}

#[tokio::test]
async fn restoring_brings_back_files_and_documents_and_begins_another_session() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({})).await;
    write_soul(&app, agent, "calm").await;
    app.machines.write_into(agent, "plan", "one");
    let first = app.post(agent, "remember one").await;
    app.until_phase(first.turn, TurnPhase::Ended).await;
    let snapshot = take(&app, agent).await;
    assert_eq!((snapshot.name.as_str(), snapshot.transfer.entries), ("before", 1));
    write_soul(&app, agent, "wild").await;
    app.machines.write_into(agent, "plan", "two");
    app.machines.write_into(agent, "more", "x");
    app.talk(agent, "remember two").await;
    let restored =
        app.core.snapshots().restore(&app.ctx(), agent, snapshot.id).await.expect("can be restored");
    assert_eq!(restored.agent.state, State::Running);
    assert_eq!(app.machines.written(agent, "plan").as_deref(), Some("one"));
    assert_eq!(app.machines.written(agent, "more"), None);
    assert_eq!(soul(&app, agent).await.as_deref(), Some("calm"));
    let second = app.post(agent, "what now").await;
    app.until_phase(second.turn, TurnPhase::Ended).await;
    assert_ne!(second.session, first.session, "what was said of files that are gone is not read any more");
    assert_eq!(last_read(&app), ["what now"]);
    assert!(app.log(first.session).await.len() > 8, "the log stays");
    let entries = journal(&app, agent).await;
    let name = || "before".to_owned();
    let expected = [
        Journal::Saved { snapshot: snapshot.id, name: name() },
        Journal::Restored { snapshot: snapshot.id, name: name() },
    ];
    assert_eq!(entries[entries.len() - 2..], expected);
    assert_eq!(listed(&app, agent).await, [snapshot], "it can be restored again");
}

#[tokio::test]
async fn restoring_cancels_what_is_going_on() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({})).await;
    app.machines.write_into(agent, "plan", "one");
    let snapshot = take(&app, agent).await;
    app.models.when("run", [Reply::Use("", vec![("shell", json!({"command": "hang"}))])]);
    let posted = app.post(agent, "run").await;
    app.until(agent, &posted, |event| matches!(event, TurnEvent::ToolStarted { .. })).await;
    app.core.snapshots().restore(&app.ctx(), agent, snapshot.id).await.expect("can be restored");
    let events = app.until(agent, &posted, |event| matches!(event, TurnEvent::Ended { .. })).await;
    assert_eq!(events.last(), Some(&TurnEvent::Ended { ending: Ending::Cancelled }));
    assert_eq!(app.machines.condition(agent), Condition::Absent);
    app.talk(agent, "still there?").await;
}

#[tokio::test]
async fn a_fork_goes_on_with_everything_its_parent_had_and_both_live_apart() {
    let app = TestApp::start().await;
    let parent = app.agent(json!({"theme": "dark"})).await;
    write_soul(&app, parent, "calm").await;
    app.machines.write_into(parent, "plan", "one");
    let said = app.post(parent, "remember one").await;
    app.until_phase(said.turn, TurnPhase::Ended).await;
    let made = fork(&app, parent, None).await.expect("can be forked");
    let fork = made.view.agent;
    assert_eq!((fork.name.as_str(), fork.state), ("Ada fork", State::Running));
    assert_eq!(fork.config, app.look(parent).await.config);
    assert_eq!(made.view.soul.map(|soul| soul.content).as_deref(), Some("calm"));
    assert_eq!(made.transfer.entries, 1);
    let asked = app.post(fork.id, "what was it?").await;
    app.until_phase(asked.turn, TurnPhase::Ended).await;
    assert_eq!(last_read(&app), ["remember one", "You said: remember one", "what was it?"]);
    assert_ne!(asked.session, said.session);
    app.machines.write_into(fork.id, "plan", "two");
    assert_eq!(app.machines.written(parent, "plan").as_deref(), Some("one"));
    app.talk(parent, "and you?").await;
    assert_eq!(last_read(&app), ["remember one", "You said: remember one", "and you?"]);
    assert_eq!(listed(&app, parent).await, [], "what was saved on the way is gone");
    assert_eq!((app.machines.snapshot_count(), half(&app).await), (0, 0));
    let entries = journal(&app, fork.id).await;
    let forked = Journal::Forked { parent, name: "Ada".to_owned() };
    assert_eq!(entries, [Journal::Created, forked, Journal::Started]);
}

#[tokio::test]
async fn a_fork_of_a_snapshot_is_as_its_parent_was_then() {
    let app = TestApp::start().await;
    let parent = app.agent(json!({})).await;
    write_soul(&app, parent, "calm").await;
    app.machines.write_into(parent, "plan", "one");
    app.talk(parent, "remember one").await;
    let snapshot = take(&app, parent).await;
    write_soul(&app, parent, "wild").await;
    app.machines.write_into(parent, "plan", "two");
    app.talk(parent, "remember two").await;
    app.core.snapshots().restore(&app.ctx(), parent, snapshot.id).await.expect("can be restored");
    app.talk(parent, "remember three").await;
    let fork = forked(&app, parent, Some(snapshot.id)).await.id;
    assert_eq!(app.machines.written(fork, "plan").as_deref(), Some("one"));
    assert_eq!(soul(&app, fork).await.as_deref(), Some("calm"));
    app.talk(fork, "what was it?").await;
    // The session was superseded in the parent, but not yet when the snapshot was taken.
    assert_eq!(last_read(&app), ["remember one", "You said: remember one", "what was it?"]);
    assert_eq!(listed(&app, parent).await.len(), 1);
    let after = forked(&app, parent, None).await.id;
    app.talk(after, "and now?").await;
    assert_eq!(last_read(&app), ["remember three", "You said: remember three", "and now?"]);
}

#[tokio::test]
async fn what_was_going_on_ends_in_the_fork_and_goes_on_in_the_parent() {
    let app = TestApp::start().await;
    let parent = app.agent(json!({})).await;
    app.models.when("run", [Reply::Use("", vec![("shell", json!({"command": "hang"}))])]);
    let running = app.post(parent, "run").await;
    app.until(parent, &running, |event| matches!(event, TurnEvent::ToolStarted { .. })).await;
    let behind = app.post(parent, "and then").await;
    let fork = forked(&app, parent, None).await.id;
    assert_eq!(app.phase(running.turn).await, TurnPhase::Active);
    assert_eq!(app.phase(behind.turn).await, TurnPhase::Queued);
    let (sessions, _) = app.core.sessions().list(&app.ctx(), fork, ALL).await.expect("has sessions");
    let log = app.log(sessions[0].id).await;
    let ended = |event: &&roost_domain::event::Event| {
        matches!(&event.body, Body::Turn { event: TurnEvent::Ended { ending: Ending::Cancelled }, .. })
    };
    assert_eq!(log.iter().filter(ended).count(), 2);
    assert!(log.iter().enumerate().all(|(index, event)| event.offset.0 == index as u64 + 1), "{log:#?}");
    app.talk(fork, "hello").await;
    assert!(
        last_read(&app).iter().any(|text| text.contains("forked while this ran")),
        "{:?}",
        last_read(&app)
    );
    app.core.sessions().cancel(&app.ctx(), parent, running.session).await.expect("it is still going on");
}

#[tokio::test]
async fn approvals_are_not_copied_and_the_fork_waits_for_none() {
    let app = TestApp::start().await;
    let parent = app.agent(json!({"policy": "strict"})).await;
    app.models.when("clean", [Reply::Use("", vec![("shell", json!({"command": "rm x"}))])]);
    let posted = app.post(parent, "clean").await;
    app.until_phase(posted.turn, TurnPhase::Waiting).await;
    let fork = forked(&app, parent, None).await.id;
    let pending = crate::approvals::pending(&app).await;
    assert_eq!(pending.len(), 1, "the parent's alone");
    app.talk(fork, "hello").await;
    assert!(app.machines.commands().is_empty());
}

#[tokio::test]
async fn a_fork_is_bound_by_what_binds_its_parent_now_and_by_its_taint() {
    let app = TestApp::start().await;
    let parent = app.agent(json!({})).await;
    let said = app.post(parent, "hello").await;
    app.until_phase(said.turn, TurnPhase::Ended).await;
    let taint = move |writer: &mut dyn Writer| writer.taint_session(said.session, Taint::ALL[0]);
    app.store.write::<_, roost_ports::store::Error>(taint).await.expect("can be marked");
    let snapshot = take(&app, parent).await;
    for document in [json!({"tools": {"block": ["a"]}}), json!({"tools": {"block": ["shell"]}})] {
        let change = roost_core::ChangePermissions::Replace(document);
        let subject = Subject::hosted(parent);
        app.core.permissions().change(&app.ctx(), subject, change).await.expect("is good");
    }
    let fork = forked(&app, parent, Some(snapshot.id)).await.id;
    let (subject, account) = (Subject::hosted(fork), app.account);
    let read = move |reader: &dyn Reader| {
        let kept = roost_ports::store::Kept::Permissions;
        reader.edition(account, &subject, kept, None)
    };
    let edition = app.store.read::<_, roost_ports::store::Error>(read).await.expect("can be read");
    assert_eq!(edition.expect("is there").version, Version::FIRST);
    app.models.when(
        "run",
        [Reply::Use("", vec![("shell", json!({"command": "ls"}))]), Reply::Say(vec!["I may not."])],
    );
    let events = app.talk(fork, "run").await;
    assert!(events.iter().any(|event| matches!(event, TurnEvent::ToolBlocked { .. })), "{events:#?}");
    let (sessions, _) = app.core.sessions().list(&app.ctx(), fork, ALL).await.expect("has sessions");
    let session = sessions[0].id;
    let read = move |reader: &dyn Reader| reader.session_taint(session);
    let taint = app.store.read::<_, roost_ports::store::Error>(read).await.expect("can be read");
    assert_eq!(taint, Some(Taint::ALL[0]));
}

#[tokio::test]
async fn a_fork_uses_its_parents_secrets_and_keeps_them_when_the_parent_goes() {
    const NAME: &str = "keyed_api_key";
    let app = TestApp::start().await;
    let parent = app.agent_of("keyed/x", json!({})).await.id;
    let fork = forked(&app, parent, None).await.id;
    let again = forked(&app, fork, None).await.id;
    let holder = |agent| {
        let read = move |reader: &dyn Reader| reader.secret_holder(agent, NAME);
        app.store.read::<_, roost_ports::store::Error>(read)
    };
    assert_eq!(holder(again).await.expect("can be read"), Some(parent), "nothing was copied");
    app.talk(again, "hello").await;
    app.core.agents().delete(&app.ctx(), parent).await.expect("can be deleted");
    for agent in [fork, again] {
        assert_eq!(holder(agent).await.expect("can be read"), Some(agent));
        app.talk(agent, "hello").await;
    }
    let key = Some("sk-test-secret".to_owned());
    assert_eq!(app.models.keys(), [key.clone(), key.clone(), key]);
}

#[tokio::test]
async fn on_a_full_disk_nothing_is_left_of_what_was_begun() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({})).await;
    app.machines.write_into(agent, "plan", "one");
    let snapshot = take(&app, agent).await;
    app.machines.write_into(agent, "plan", "two");
    app.machines.fill_up(true);
    let refused = |error: Error| assert_eq!((error.kind(), error.code()), (Kind::Unavailable, "no_space"));
    refused(app.core.snapshots().take(&app.ctx(), agent, None).await.unwrap_err());
    refused(app.core.snapshots().restore(&app.ctx(), agent, snapshot.id).await.unwrap_err());
    refused(fork(&app, agent, None).await.unwrap_err());
    refused(fork(&app, agent, Some(snapshot.id)).await.unwrap_err());
    assert_eq!(listed(&app, agent).await, std::slice::from_ref(&snapshot));
    assert_eq!(agents(&app).await, [agent]);
    assert_eq!((half(&app).await, app.machines.snapshot_count()), (0, 1));
    assert_eq!(app.machines.written(agent, "plan").as_deref(), Some("two"));
    app.machines.fill_up(false);
    app.talk(agent, "hello").await;
    app.core.snapshots().restore(&app.ctx(), agent, snapshot.id).await.expect("can be restored later");
}

#[tokio::test]
async fn a_restoration_that_was_cut_off_is_made_to_its_end() {
    let mut app = TestApp::start().await;
    let agent = app.agent(json!({})).await;
    write_soul(&app, agent, "calm").await;
    app.machines.write_into(agent, "plan", "one");
    let snapshot = take(&app, agent).await;
    write_soul(&app, agent, "wild").await;
    app.machines.write_into(agent, "plan", "two");
    app.stop_runtime().await;
    let gate = app.machines.hold_up();
    {
        let ctx = app.ctx();
        let snapshots = app.core.snapshots();
        let restoring = snapshots.restore(&ctx, agent, snapshot.id);
        let intended = until("the intent is written", async || restoration(&app, agent).await);
        tokio::select! {
            _ = restoring => panic!("it is held up"),
            () = intended => {}
        }
        // Here the server dies: the future is dropped between intent and outcome.
    }
    assert_eq!(app.machines.written(agent, "plan").as_deref(), Some("two"));
    gate.add_permits(100);
    app.start_runtime();
    until("it is restored", async || !restoration(&app, agent).await).await;
    assert_eq!(app.machines.written(agent, "plan").as_deref(), Some("one"));
    assert_eq!(soul(&app, agent).await.as_deref(), Some("calm"));
    assert!(matches!(journal(&app, agent).await.last(), Some(Journal::Restored { .. })));
}

async fn restoration(app: &TestApp, agent: AgentId) -> bool {
    let read = move |reader: &dyn Reader| reader.restoration(agent);
    app.store.read::<_, roost_ports::store::Error>(read).await.expect("can be read").is_some()
}

async fn forks(app: &TestApp) -> usize {
    let read = |reader: &dyn Reader| reader.restorations(RestorationKind::Fork, ALL);
    app.store.read::<_, roost_ports::store::Error>(read).await.expect("can be read").len()
}

#[tokio::test]
async fn a_fork_that_was_cut_off_is_gone_after_the_next_start() {
    let mut app = TestApp::start().await;
    let parent = app.agent(json!({})).await;
    app.machines.write_into(parent, "plan", "one");
    app.talk(parent, "hello").await;
    app.stop_runtime().await;
    for of_now in [true, false] {
        let snapshot = if of_now { None } else { Some(take(&app, parent).await.id) };
        let gate = app.machines.hold_up();
        // Saved, and cut off while the files are given to the fork.
        gate.add_permits(usize::from(of_now));
        {
            let forking = fork(&app, parent, snapshot);
            let begun = until("the fork is there", async || forks(&app).await == 1);
            tokio::select! {
                _ = forking => panic!("it is held up"),
                () = begun => {}
            }
        }
        let all = agents(&app).await;
        assert_eq!(all.len(), 2);
        let half = app.look(all[0]).await;
        assert_eq!(half.state, State::Provisioning);
        let error = app.core.agents().start(&app.ctx(), half.id).await.unwrap_err();
        assert_eq!(error.kind(), Kind::InvalidState, "what is not whole does not start");
        gate.add_permits(100);
        app.start_runtime();
        until("the fork is gone", async || agents(&app).await.len() == 1).await;
        until("nothing is left", async || self::half(&app).await == 0 && forks(&app).await == 0).await;
        app.stop_runtime().await;
        assert_eq!(app.machines.snapshot_count(), listed(&app, parent).await.len());
        assert!(!app.machines.kept().contains(&half.id));
    }
    app.start_runtime();
    app.talk(parent, "still there?").await;
}

#[tokio::test]
async fn a_step_to_a_fork_is_gone_when_the_server_died_while_it_gave_the_fork_up() {
    let mut app = TestApp::start().await;
    let parent = app.agent(json!({})).await;
    app.machines.write_into(parent, "plan", "one");
    app.stop_runtime().await;
    // Saved, and cut off while the files are given to the fork.
    let gate = app.machines.hold_up();
    gate.add_permits(1);
    {
        let begun = until("the fork is there", async || forks(&app).await == 1);
        tokio::select! {
            _ = fork(&app, parent, None) => panic!("it is held up"),
            () = begun => {}
        }
    }
    let removal = app.machines.hold_up_removal();
    {
        let given_up = until("the fork is given up", async || agents(&app).await == [parent]);
        let snapshots = app.core.snapshots();
        tokio::select! {
            _ = snapshots.recover() => panic!("it is held up"),
            () = given_up => {}
        }
    }
    assert_eq!((half(&app).await, app.machines.snapshot_count()), (1, 1), "it can be found");
    gate.add_permits(100);
    removal.add_permits(100);
    app.start_runtime();
    until("nothing is left", async || half(&app).await == 0).await;
    assert_eq!(app.machines.snapshot_count(), 0);
}

#[tokio::test]
async fn a_snapshot_that_was_cut_off_is_gone_after_the_next_start() {
    let mut app = TestApp::start().await;
    let agent = app.agent(json!({})).await;
    app.machines.write_into(agent, "plan", "one");
    app.stop_runtime().await;
    let gate = app.machines.hold_up();
    {
        let (ctx, snapshots) = (app.ctx(), app.core.snapshots());
        let taking = snapshots.take(&ctx, agent, None);
        let begun = until("its row is there", async || half(&app).await == 1);
        tokio::select! {
            _ = taking => panic!("it is held up"),
            () = begun => {}
        }
    }
    assert_eq!(listed(&app, agent).await, [], "nobody sees it before it is whole");
    gate.add_permits(100);
    app.start_runtime();
    until("it is gone", async || half(&app).await == 0).await;
    take(&app, agent).await;
}

#[tokio::test]
async fn an_agent_has_only_so_many_snapshots() {
    let settings = Settings { max_snapshots: 2, ..Settings::default() };
    let app = TestApp::builder().settings(settings).build().await;
    let agent = app.agent(json!({})).await;
    let first = take(&app, agent).await;
    take(&app, agent).await;
    let error = app.core.snapshots().take(&app.ctx(), agent, None).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (Kind::QuotaExceeded, "too_many_snapshots"));
    fork(&app, agent, None).await.expect("a fork takes no place");
    app.core.snapshots().delete(&app.ctx(), agent, first.id).await.expect("can be deleted");
    assert_eq!(app.machines.snapshot_count(), 1);
    take(&app, agent).await;
    let gone = app.core.snapshots().get(&app.ctx(), agent, first.id).await.unwrap_err();
    assert_eq!(gone.kind(), Kind::NotFound);
}

#[tokio::test]
async fn snapshots_go_with_their_agent_and_are_nobody_elses() {
    let app = TestApp::start().await;
    let (agent, other) = (app.agent(json!({})).await, app.agent(json!({})).await);
    let snapshot = take(&app, agent).await;
    let (stranger, snapshots) = (app.stranger().await, app.core.snapshots());
    let foreign = [
        snapshots.get(&stranger, agent, snapshot.id).await.err(),
        snapshots.restore(&stranger, agent, snapshot.id).await.err(),
        snapshots.delete(&stranger, agent, snapshot.id).await.err(),
        snapshots.take(&stranger, agent, None).await.err(),
        snapshots.get(&app.ctx(), other, snapshot.id).await.err(),
        snapshots.restore(&app.ctx(), other, snapshot.id).await.err(),
        fork(&app, other, Some(snapshot.id)).await.err(),
    ];
    for error in foreign {
        assert_eq!(error.expect("is refused").kind(), Kind::NotFound);
    }
    app.core.agents().delete(&app.ctx(), agent).await.expect("can be deleted");
    assert_eq!((app.machines.snapshot_count(), half(&app).await), (0, 0));
}

#[tokio::test]
async fn a_diff_names_files_documents_and_events() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({})).await;
    write_soul(&app, agent, "calm\n").await;
    app.machines.write_into(agent, "plan", "one");
    let before = take(&app, agent).await;
    write_soul(&app, agent, "wild\n").await;
    app.machines.write_into(agent, "plan", "two");
    app.talk(agent, "hello").await;
    let after = take(&app, agent).await;
    let diff =
        app.core.snapshots().diff(&app.ctx(), agent, before.id, after.id).await.expect("can be compared");
    assert_eq!((diff.files.total, diff.files.changes[0].path.as_str()), (1, "plan"));
    assert_eq!(diff.documents.len(), 1);
    assert_eq!((diff.documents[0].name.as_str(), diff.documents[0].change), ("SOUL.md", Change::Changed));
    assert_eq!(diff.documents[0].diff.as_deref(), Some("@@ -1 +1 @@\n-calm\n+wild\n"));
    assert!(diff.after.mark.events > diff.before.mark.events);
}
