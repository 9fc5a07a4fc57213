use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use roost_domain::account::Account;
use roost_domain::agent::Agent;
use roost_domain::approval::{Approval, Status};
use roost_domain::event::{Body, Journal, Offset};
use roost_domain::page::Limit;
use roost_ports::store::ApprovalFilter;
use rusqlite::Connection;
use tempfile::TempDir;
use tokio::task::JoinSet;

use super::*;
use crate::conformance::{Any, account, agent, at, id, read, world, write};
use crate::migration;

/// Longer than anything here takes; a test that waits for it has failed.
const PATIENCE: Duration = Duration::from_secs(30);

fn in_memory() -> Any {
    Arc::new(Database::in_memory().unwrap())
}

mod promises {
    crate::conformance::conformance!(crate::database::tests::in_memory);
}

struct Place {
    directory: TempDir,
}

impl Place {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("roost.db")
    }

    fn options(&self) -> Options {
        Options::new(self.path())
    }

    fn open(&self) -> Result<Database, OpenError> {
        Database::open(self.options())
    }

    fn log(&self) -> fs::Metadata {
        fs::metadata(self.directory.path().join("roost.db-wal")).unwrap()
    }
}

fn as_store(database: &Arc<Database>) -> Any {
    Arc::clone(database) as Any
}

/// Holds the writer up until the returned sender is dropped.
async fn hold_up(store: &Any) -> (mpsc::Sender<()>, JoinSet<()>) {
    let (started, has_started) = mpsc::sync_channel(1);
    let (release, released) = mpsc::channel::<()>();
    let store = Any::clone(store);
    let mut held = JoinSet::new();
    held.spawn(async move {
        let work = move |_: &mut dyn roost_ports::store::Writer| {
            started.send(()).unwrap();
            // It ends when the sender is dropped.
            assert_eq!(released.recv_timeout(PATIENCE), Err(mpsc::RecvTimeoutError::Disconnected));
            Ok(())
        };
        let outcome = store.write::<(), Error>(work).await;
        assert!(!matches!(outcome, Err(Error::Panicked)));
    });
    tokio::task::spawn_blocking(move || has_started.recv_timeout(PATIENCE).unwrap()).await.unwrap();
    (release, held)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_that_wait_share_one_commit() {
    let database = Arc::new(Database::in_memory().unwrap());
    let store = as_store(&database);
    let before = database.stats();
    let (release, held) = hold_up(&store).await;
    let mut writers = JoinSet::new();
    for n in 0..100 {
        let store = as_store(&database);
        writers.spawn(async move {
            let work = move |writer: &mut dyn roost_ports::store::Writer| {
                writer.insert_account(&account(n))?;
                if n % 10 == 3 { Err(Error::Overloaded) } else { Ok(()) }
            };
            store.write(work).await.is_ok()
        });
    }
    // One is being worked on, a hundred wait: all of them are in the queue before it goes on.
    wait_until(|| database.writer.waiting() == 100).await;
    drop(release);
    held.join_all().await;
    let kept = writers.join_all().await.into_iter().filter(|kept| *kept).count();
    let after = database.stats();
    assert_eq!((kept, after.writes - before.writes, after.commits - before.commits), (90, 101, 1));
    for n in 0..100 {
        let found = read(&store, move |reader| reader.account(id(n))).await;
        assert_eq!(found.is_some(), n % 10 != 3, "{n}");
    }
}

async fn wait_until(mut condition: impl FnMut() -> bool) {
    let waited = tokio::time::timeout(PATIENCE, async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    });
    waited.await.expect("the condition never came true");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_is_an_overload_after_a_bounded_wait() {
    let place = Place::new();
    let options =
        Options { queue: 2, readers: 1, queue_timeout: Duration::from_millis(50), ..place.options() };
    let database = Arc::new(Database::open(options).unwrap());
    let store = as_store(&database);
    let (release, held) = hold_up(&store).await;
    let mut writers = JoinSet::new();
    for n in 0..5 {
        let store = as_store(&database);
        writers.spawn(async move { store.write::<(), Error>(move |w| w.insert_account(&account(n))).await });
    }
    let mut refused = 0;
    while refused < 3 {
        let refusal = writers.join_next().await.unwrap().unwrap();
        assert!(matches!(refusal, Err(Error::Overloaded)), "{refusal:?}");
        refused += 1;
    }
    drop(release);
    held.join_all().await;
    assert!(writers.join_all().await.into_iter().all(|outcome| outcome.is_ok()));

    let (reading, is_reading) = mpsc::sync_channel(1);
    let (release, released) = mpsc::channel::<()>();
    let beside = as_store(&database);
    let reader = tokio::task::spawn_blocking(move || {
        tokio::runtime::Handle::current().block_on(read(&beside, move |_| {
            reading.send(()).unwrap();
            assert!(released.recv_timeout(PATIENCE).is_err());
            Ok(())
        }));
    });
    tokio::task::spawn_blocking(move || is_reading.recv_timeout(PATIENCE).unwrap()).await.unwrap();
    let refusal = store.read::<_, Error>(|reader| reader.first_account()).await;
    assert!(matches!(refusal, Err(Error::Overloaded)), "{refusal:?}");
    drop(release);
    reader.await.unwrap();
    read(&store, |reader| reader.first_account()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_finishes_what_is_queued_and_refuses_the_rest() {
    let place = Place::new();
    let database = Arc::new(place.open().unwrap());
    let store = as_store(&database);
    let (release, held) = hold_up(&store).await;
    let mut writers = JoinSet::new();
    for n in 0..20 {
        let store = as_store(&database);
        writers.spawn(async move { write(&store, move |writer| writer.insert_account(&account(n))).await });
    }
    wait_until(|| database.writer.waiting() == 20).await;
    let closing = Arc::clone(&database);
    let closing = tokio::task::spawn_blocking(move || closing.close());
    wait_until(|| database.closed.load(Ordering::Acquire)).await;
    drop(release);
    held.join_all().await;
    writers.join_all().await;
    closing.await.unwrap();
    let late = store.write::<(), Error>(|writer| writer.insert_account(&account(99))).await;
    assert!(matches!(late, Err(Error::Closed)), "{late:?}");
    let late = store.read::<_, Error>(|reader| reader.first_account()).await;
    assert!(matches!(late, Err(Error::Closed)), "{late:?}");

    let store: Any = Arc::new(place.open().unwrap());
    for n in 0..20 {
        assert!(read(&store, move |reader| reader.account(id(n))).await.is_some(), "{n}");
    }
}

#[tokio::test]
async fn a_second_handle_reads_and_writes_the_same_file() {
    let place = Place::new();
    let (server, command): (Any, Any) = (Arc::new(place.open().unwrap()), Arc::new(place.open().unwrap()));
    write(&server, |writer| writer.insert_account(&account(1))).await;
    write(&command, |writer| writer.insert_account(&account(2))).await;
    drop(command);
    assert!(read(&server, |reader| reader.account(id(2))).await.is_some());
    write(&server, |writer| writer.insert_account(&account(3))).await;
}

#[test]
fn many_may_open_a_new_file_at_once() {
    let place = Place::new();
    let opened: Vec<_> = std::thread::scope(|scope| {
        let openers: Vec<_> = (0..8).map(|_| scope.spawn(|| place.open())).collect();
        openers.into_iter().map(|opener| opener.join().unwrap()).collect()
    });
    for database in opened {
        database.unwrap();
    }
}

#[tokio::test]
async fn a_log_whose_database_is_gone_is_not_taken_up_again() {
    let place = Place::new();
    let store: Any = Arc::new(place.open().unwrap());
    write(&store, |writer| writer.insert_account(&account(1))).await;
    drop(store);
    fs::remove_file(place.path()).unwrap();
    let store: Any = Arc::new(place.open().unwrap());
    assert_eq!(read(&store, |reader| reader.first_account()).await, None);
    write(&store, |writer| writer.insert_account(&account(2))).await;
    drop(store);
    let store: Any = Arc::new(place.open().unwrap());
    assert_eq!(read(&store, |reader| reader.first_account()).await, Some(account(2)));
}

#[test]
fn creating_leaves_nothing_else_behind() {
    let place = Place::new();
    drop(place.open().unwrap());
    let mut names: Vec<_> =
        fs::read_dir(place.directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["roost.db", "roost.db-shm", "roost.db-wal"]);
}

#[test]
fn a_commit_waits_for_the_disk_and_references_are_checked() {
    let place = Place::new();
    let connection = open::writer(&place.options()).unwrap();
    let pragma =
        |name: &str| connection.query_row(&format!("pragma {name}"), [], |row| row.get::<_, i64>(0)).unwrap();
    const FULL: i64 = 2;
    assert_eq!((pragma("synchronous"), pragma("foreign_keys"), pragma("busy_timeout")), (FULL, 1, 5_000));
    connection
        .execute("insert into ledgers (agent_id, spent, reserved) values (x'00', 0, 0)", [])
        .unwrap_err();
}

#[test]
fn a_reader_cannot_write() {
    let place = Place::new();
    let _database = place.open().unwrap();
    let reader = open::reader(&place.options()).unwrap();
    let error = reader.execute("delete from accounts", []).unwrap_err();
    assert_eq!(error.sqlite_error_code(), Some(rusqlite::ErrorCode::ReadOnly));
}

#[tokio::test]
async fn the_log_is_made_large_once_and_then_overwritten() {
    let place = Place::new();
    for round in 0..3 {
        let store: Any = Arc::new(place.open().unwrap());
        let (length, inode) = (place.log().len(), place.log().ino());
        assert_eq!(length, place.options().wal_bytes);
        assert!(place.log().blocks() * 512 >= length, "the blocks are really given out");
        if round == 0 {
            world(&store).await;
        }
        // More than the log holds at once, so that it starts over.
        for n in 0..8 {
            write(&store, move |log| {
                let what = format!("{n}").repeat(1_000_000);
                log.append_events(id(10), id(100), at(1), vec![Body::Journal(Journal::Changed { what })])
            })
            .await;
        }
        drop(store);
        assert_eq!((place.log().len(), place.log().ino()), (length, inode), "round {round}");
    }
    let store: Any = Arc::new(place.open().unwrap());
    let events =
        read(&store, |reader| reader.events_after(id(100), Offset::START, Limit::clamped(99, 99))).await;
    assert_eq!(events.len(), 24);
}

#[test]
fn a_newer_schema_is_refused_with_both_versions_and_left_alone() {
    let place = Place::new();
    drop(place.open().unwrap());
    let version = |version: usize| {
        let connection = Connection::open(place.path()).unwrap();
        connection.pragma_update(None, "user_version", version.cast_signed()).unwrap();
    };
    version(migration::KNOWN + 6);
    let error = place.open().unwrap_err();
    let (found, known) = (migration::KNOWN + 6, migration::KNOWN);
    assert!(
        matches!(error, OpenError::Newer { found: f, known: k, .. } if (f, k) == (found, known)),
        "{error:?}"
    );
    let message = error.to_string();
    let says = format!("roost.db has schema version {found}, this version of roost knows {known}");
    assert!(message.contains(&says), "{message}");
    version(migration::KNOWN);
    place.open().unwrap();
}

#[test]
fn an_earlier_releases_database_is_brought_up_to_date_with_what_is_in_it() {
    let place = Place::new();
    let connection = Connection::open(place.path()).unwrap();
    connection.execute_batch(include_str!("../../migrations/sqlite/0001_initial.sql")).unwrap();
    connection.execute_batch(include_str!("../../fixtures/database/0001.sql")).unwrap();
    connection.pragma_update(None, "application_id", migration::APPLICATION_ID).unwrap();
    connection.pragma_update(None, "user_version", 1).unwrap();
    drop(connection);

    let database = place.open().unwrap();
    let approvals = approvals_in(&database);
    assert_eq!(approvals.len(), 2);
    let [approved, pending] = &approvals[..] else { panic!("{approvals:?}") };
    assert_eq!(pending.subject.as_str(), "01900000-0000-7000-8000-0000000000a1");
    assert_eq!(pending.waiting.as_ref().map(|waiting| waiting.agent), pending.subject.agent());
    assert_eq!((pending.status, pending.summary.as_str()), (Status::Pending, "run the command \"ls\""));
    assert_eq!(pending.terms.ttl, std::time::Duration::from_secs(86_400));
    assert_eq!((approved.status, approved.decided_by.as_deref()), (Status::Approved, Some("ann")));
    assert_eq!(approved.tool, "call_model");
}

fn approvals_in(database: &Database) -> Vec<Approval> {
    let account = "acct_01900000000070008000000000000001".parse().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let (send, receive) = std::sync::mpsc::channel();
    let work = move |reader: &dyn roost_ports::store::Reader| {
        let limit = Limit::clamped(10, 10);
        send.send(reader.approvals(account, &ApprovalFilter::default(), None, limit)).unwrap();
    };
    runtime.block_on(database.run_read(Box::new(work))).unwrap();
    receive.recv().unwrap().unwrap().rows
}

#[test]
fn what_is_no_database_is_named_and_left_alone() {
    let message = |place: &Place| place.open().unwrap_err().to_string();

    let place = Place::new();
    fs::write(place.path(), "this is a text, and long enough not to be taken for an empty file".repeat(20))
        .unwrap();
    let before = fs::read(place.path()).unwrap();
    assert!(message(&place).ends_with("roost.db is not a database, or is damaged; restore it from a backup"));
    assert_eq!(fs::read(place.path()).unwrap(), before);

    let place = Place::new();
    Connection::open(place.path()).unwrap().execute_batch("create table theirs (id integer)").unwrap();
    assert!(message(&place).ends_with("roost.db is a database of another program"));

    let place = Place::new();
    fs::create_dir(place.path()).unwrap();
    assert!(message(&place).ends_with("roost.db is not a file, so it cannot be the database"));

    let place = Place::new();
    let missing = Options::new(place.path().join("roost.db"));
    let error = Database::open(missing).unwrap_err().to_string();
    assert!(error.ends_with("roost.db is not a directory, so the database cannot be in it"), "{error}");
}

#[test]
fn a_damaged_file_is_refused() {
    let place = Place::new();
    drop(place.open().unwrap());
    let mut bytes = fs::read(place.path()).unwrap();
    // The header stays, the schema behind it does not.
    bytes[100..4_096].fill(0xee);
    fs::write(place.path(), bytes).unwrap();
    fs::remove_file(place.directory.path().join("roost.db-wal")).unwrap();
    let error = place.open().unwrap_err();
    assert!(matches!(error, OpenError::NotADatabase { .. }), "{error:?}");
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_corrupt_and_says_why() {
    let place = Place::new();
    let store: Any = Arc::new(place.open().unwrap());
    world(&store).await;
    write(&store, |log| log.append_events(id(10), id(100), at(1), vec![Body::Journal(Journal::Created)]))
        .await;
    let connection = Connection::open(place.path()).unwrap();
    connection.execute(r#"update events set body = '{"v":9,"kind":"agent_created"}'"#, []).unwrap();
    connection.execute("update agents set state = 'dancing'", []).unwrap();
    let events = store.read::<_, Error>(|reader| reader.last_events(id(100), Limit::clamped(1, 1))).await;
    assert_eq!(
        events.unwrap_err().to_string(),
        "the stored event cannot be read: version 9 of the record is not known, only 1 is"
    );
    let agent = store.read::<_, Error>(|reader| reader.agent_of_any_account(id(10))).await;
    assert_eq!(agent.unwrap_err().to_string(), "the stored agent cannot be read: \"dancing\" is not known");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_full_disk_every_answer_is_still_true() {
    let place = Place::new();
    let connection = open::writer(&place.options()).unwrap();
    let pages: i64 = connection.query_row("pragma page_count", [], |row| row.get(0)).unwrap();
    connection.query_row(&format!("pragma max_page_count = {}", pages + 20), [], |_| Ok(())).unwrap();
    let database = Arc::new(Database {
        writer: Writer::start(connection, &place.options()).unwrap(),
        readers: Readers::new(&place.options()),
        closed: AtomicBool::new(false),
        path: place.options().path,
        _temporary: None,
    });
    let store = as_store(&database);
    let (release, held) = hold_up(&store).await;
    let mut writers = JoinSet::new();
    for n in 0..30 {
        let store = as_store(&database);
        writers.spawn(async move {
            let name = "x".repeat(if n % 3 == 0 { 100_000 } else { 10 });
            let work = move |w: &mut dyn roost_ports::store::Writer| {
                w.insert_account(&Account { name, ..account(n) })
            };
            (n, store.write::<(), Error>(work).await)
        });
    }
    wait_until(|| database.writer.waiting() == 30).await;
    drop(release);
    held.join_all().await;
    let answers = writers.join_all().await;
    let reason = |n: u128| {
        let error = answers.iter().find(|(number, _)| *number == n).unwrap().1.as_ref().unwrap_err();
        std::error::Error::source(error).unwrap().to_string()
    };
    assert_eq!(reason(0), "database or disk is full");
    for (n, answer) in answers {
        let kept = answer.is_ok();
        assert!(!kept || n % 3 != 0, "{n} cannot fit");
        assert_eq!(read(&store, move |reader| reader.account(id(n))).await.is_some(), kept, "{n}");
    }
}

/// Every list is answered from an index: none looks at rows of other accounts, agents or sessions.
#[test]
fn no_query_scans_a_whole_table() {
    let place = Place::new();
    let connection = open::writer(&place.options()).unwrap();
    let mut queries = Vec::new();
    for entry in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/sqlite")).unwrap() {
        let source = fs::read_to_string(entry.unwrap().path()).unwrap();
        let texts = source
            .split('"')
            .filter(|text| ["select ", "update ", "delete "].iter().any(|verb| text.starts_with(verb)));
        queries.extend(texts.map(|text| text.replace("\\\\", "\\")));
    }
    assert!(queries.len() > 45, "only {} queries were found", queries.len());
    for query in queries {
        let mut plan = connection.prepare(&format!("explain query plan {query}")).unwrap();
        let parameters = vec![rusqlite::types::Null; plan.parameter_count()];
        let steps =
            plan.query_map(rusqlite::params_from_iter(parameters), |row| row.get::<_, String>(3)).unwrap();
        for step in steps.map(Result::unwrap) {
            // Only agents that are being made, and triggers that wait for a run, are in their index. Sums are made of rows that an index found, and a few are as
            // many as a limit within the query lets. What is looked up in an index of words, or stands in a
            // parameter, is no table that is read whole.
            let bounded = [
                "USING INDEX accounts_by_age",
                "USING INDEX agents_provisioning",
                "USING INDEX triggers_waiting",
                "SCAN sums",
                "SCAN few",
                "SCAN CONSTANT ROW",
                "json_each VIRTUAL TABLE",
                "knowledge_words VIRTUAL TABLE INDEX 32:M1",
                "knowledge_words VIRTUAL TABLE INDEX 0:=",
            ];
            let whole = step.starts_with("SCAN ") && !bounded.iter().any(|index| step.contains(index));
            assert!(!whole, "{step}: {query}");
        }
    }
}

#[tokio::test]
async fn an_agent_at_rest_takes_less_than_a_kilobyte() {
    let place = Place::new();
    let database = Arc::new(place.open().unwrap());
    let store = as_store(&database);
    world(&store).await;
    let size = || fs::metadata(place.path()).unwrap().len();
    database.close();
    let before = size();
    let database = Arc::new(place.open().unwrap());
    write(&as_store(&database), |writer| {
        (0..5_000_u128).try_for_each(|n| {
            let agent = Agent { description: "It answers the telephone.".into(), ..agent(1_000 + n, id(1)) };
            writer.insert_agent(&agent)?;
            writer.append_events(
                agent.id,
                agent.id.journal(),
                at(1),
                vec![Body::Journal(Journal::Created)],
            )?;
            Ok(())
        })
    })
    .await;
    database.close();
    let each = (size() - before) / 5_000;
    assert!(each < 1_024, "{each} bytes each");
}
