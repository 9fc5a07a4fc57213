//! What was acknowledged survives `kill -9`.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use roost_domain::account::Account;
use roost_domain::id::AccountId;
use roost_ports::store::{Error, Store};
use roost_store::{ClaimError, DataDir, Database, Options};
use tokio::task::JoinSet;
use uuid::Uuid;

/// Stands in the directory of a child that was started by a test here.
const MARKER: &str = "killed-by-a-test";

/// A child that nobody kills ends by itself after this.
const LIFE: Duration = Duration::from_secs(20);

const WRITERS: u128 = 8;

fn id(number: u128) -> AccountId {
    AccountId::from_uuid(Uuid::from_u128(number))
}

fn account(number: u128) -> Account {
    Account { id: id(number), name: "acknowledged".into(), plan: None, created_at: Timestamp::UNIX_EPOCH }
}

/// Not a test but the child of one: claims the directory it stands in, writes from many tasks and prints each
/// number once its write is acknowledged, until it is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "started by the test below"]
async fn child_that_writes_until_it_is_killed() {
    if !Path::new(MARKER).exists() {
        return;
    }
    let directory = DataDir::claim(".").unwrap();
    let store: Arc<dyn Store> = Arc::new(Database::open(Options::new(directory.database())).unwrap());
    let end = Instant::now() + LIFE;
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let store = Arc::clone(&store);
        writers.spawn(async move {
            let mut number = writer;
            while Instant::now() < end {
                store.write::<(), Error>(move |work| work.insert_account(&account(number))).await.unwrap();
                println!("acknowledged {number}");
                number += WRITERS;
            }
        });
    }
    writers.join_all().await;
}

fn start_child(directory: &Path) -> Child {
    fs::write(directory.join(MARKER), "").expect("the directory is there");
    Command::new(std::env::current_exe().expect("this program has a path"))
        .args(["--exact", "child_that_writes_until_it_is_killed", "--ignored", "--nocapture"])
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .expect("this program can be started again")
}

#[tokio::test]
async fn every_acknowledged_write_survives_a_kill() {
    let directory = tempfile::tempdir().unwrap();
    let mut child = start_child(directory.path());
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let acknowledged = |line: Result<String, std::io::Error>| {
        // The first numbers share their line with the test harness's own words.
        line.ok().and_then(|line| line.split_once("acknowledged ")?.1.parse::<u128>().ok())
    };
    // `lines` ends at the latest when the child does, LIFE after its start.
    let mut numbers: Vec<u128> = lines.by_ref().filter_map(acknowledged).take(500).collect();

    let claim = DataDir::claim(directory.path());
    assert!(
        matches!(&claim, Err(ClaimError::InUse { pid, .. }) if *pid == child.id().to_string()),
        "{claim:?}"
    );
    child.kill().unwrap();
    let status = child.wait().unwrap();
    assert!(!status.success(), "it was killed while it wrote: {status}");
    // What it had printed before it died counts too.
    numbers.extend(lines.filter_map(acknowledged));
    assert!(numbers.len() >= 500, "only {} were acknowledged", numbers.len());

    let claimed = DataDir::claim(directory.path()).unwrap();
    let store: Arc<dyn Store> = Arc::new(Database::open(Options::new(claimed.database())).unwrap());
    for number in numbers {
        let found = store.read::<_, Error>(move |reader| reader.account(id(number))).await.unwrap();
        assert_eq!(found, Some(account(number)), "{number} was acknowledged");
    }
    store.write::<(), Error>(|work| work.insert_account(&account(u128::MAX))).await.unwrap();
}
