//! Prints how long opening takes, and then how many durable writes a second the store takes from 1, 16 and 64
//! writers at once, how many commits that were and how long one write took: each with the log file made large
//! beforehand and without.
//!
//! `cargo run --release -p roost-store --example group_commit [directory]`; the directory must be on the disk to
//! be measured, the default is the current one.
#![expect(clippy::print_stdout, reason = "printing is what it is for")]

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use roost_domain::account::Account;
use roost_domain::agent::{Agent, Region, State};
use roost_domain::event::{Body, Journal};
use roost_domain::id::{AccountId, AgentId};
use roost_domain::machine::Size;
use roost_ports::store::{self, Store};
use roost_store::{Database, Options};
use tokio::task::JoinSet;
use uuid::Uuid;

const WRITERS: [u32; 3] = [1, 16, 64];
const LASTS: Duration = Duration::from_secs(3);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let directory = std::env::args_os().nth(1).unwrap_or_else(|| ".".into());
    opening(Path::new(&directory))?;
    println!("log of      writers   writes/s  commits/s   writes/commit   p50        p99");
    for wal_bytes in [Options::new("").wal_bytes, 0] {
        for writers in WRITERS {
            measure(Path::new(&directory), wal_bytes, writers).await?;
        }
    }
    Ok(())
}

/// Prints how long it takes to open a database, new and then again.
fn opening(parent: &Path) -> Result<(), Box<dyn Error + Send + Sync>> {
    for wal_bytes in [Options::new("").wal_bytes, 0] {
        let directory = tempfile::tempdir_in(parent)?;
        let options = Options { wal_bytes, ..Options::new(directory.path().join("roost.db")) };
        for what in ["new", "again"] {
            let began = Instant::now();
            let database = Database::open(options.clone())?;
            println!("log of {:>3} MiB: opened {what} in {:?}", wal_bytes / 1024 / 1024, began.elapsed());
            database.close();
        }
    }
    Ok(())
}

async fn measure(parent: &Path, wal_bytes: u64, writers: u32) -> Result<(), Box<dyn Error + Send + Sync>> {
    let directory = tempfile::tempdir_in(parent)?;
    let options = Options { wal_bytes, ..Options::new(directory.path().join("roost.db")) };
    let database = Arc::new(Database::open(options)?);
    let agents = prepare(&database, writers).await?;
    let before = database.stats();
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for agent in agents {
        tasks.spawn(write_for(Arc::clone(&database), agent, began + LASTS));
    }
    let mut latencies = Vec::new();
    while let Some(task) = tasks.join_next().await {
        latencies.append(&mut task??);
    }
    let seconds = began.elapsed().as_secs_f64();
    let commits = database.stats().commits - before.commits;
    latencies.sort_unstable();
    let writes = latencies.len();
    println!(
        "{:>3} MiB {writers:>10} {:>10.0} {:>10.0} {:>15.1}   {:<10?} {:<10?}",
        wal_bytes / 1024 / 1024,
        writes as f64 / seconds,
        commits as f64 / seconds,
        writes as f64 / commits as f64,
        latencies[writes / 2],
        latencies[writes * 99 / 100],
    );
    Ok(())
}

/// Appends one event after the other to an agent's journal, and returns how long each took.
async fn write_for(
    database: Arc<Database>,
    agent: AgentId,
    until: Instant,
) -> Result<Vec<Duration>, Box<dyn Error + Send + Sync>> {
    let store: Arc<dyn Store> = database;
    let mut latencies = Vec::new();
    while Instant::now() < until {
        let began = Instant::now();
        let body =
            Body::Journal(Journal::Changed { what: "the bench appends an event of the usual length".into() });
        store
            .write(move |writer| {
                writer.append_events(agent, agent.journal(), Timestamp::UNIX_EPOCH, vec![body])
            })
            .await?;
        latencies.push(began.elapsed());
    }
    Ok(latencies)
}

async fn prepare(
    database: &Arc<Database>,
    writers: u32,
) -> Result<Vec<AgentId>, Box<dyn Error + Send + Sync>> {
    let store: Arc<dyn Store> = Arc::clone(database) as Arc<dyn Store>;
    let account = AccountId::from_uuid(Uuid::from_u128(1));
    let agents: Vec<_> =
        (0..writers).map(|n| AgentId::from_uuid(Uuid::from_u128(u128::from(n) << 64))).collect();
    let made = agents.clone();
    store
        .write::<_, store::Error>(move |writer| {
            let created_at = Timestamp::UNIX_EPOCH;
            writer.insert_account(&Account { id: account, name: "bench".into(), plan: None, created_at })?;
            made.into_iter().try_for_each(|id| writer.insert_agent(&agent(id, account)))
        })
        .await?;
    Ok(agents)
}

fn agent(id: AgentId, account: AccountId) -> Agent {
    Agent {
        id,
        account,
        name: "bench".into(),
        description: String::new(),
        model: "scripted/none".parse().expect("it is a model's name"),
        runtime: roost_domain::agent::RuntimeKind::Roost,
        arming: roost_domain::agent::Arming::Off,
        size: Size::Small,
        region: Region::Eu,
        swarm: None,
        avatar_url: None,
        tags: Vec::new(),
        config: serde_json::Map::new(),
        state: State::Running,
        needs_restart: false,
        last_failure: None,
        created_at: Timestamp::UNIX_EPOCH,
        started_at: None,
        stopped_at: None,
    }
}
