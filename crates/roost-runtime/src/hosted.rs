//! Brings hosted runtimes up: those of agents that were made or started, and those that ended by themselves.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use roost_core::Core;
use roost_domain::id::AgentId;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How often agents are looked for whose call went unheard.
const EVERY: Duration = Duration::from_secs(5);
/// The wait before a runtime that ended by itself is brought up again; doubles each time.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest such wait.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// A runtime that was up for so long has fallen for the first time again.
const CALM: Duration = Duration::from_secs(10 * 60);

/// Looks after hosted runtimes until `shutdown`.
pub(crate) async fn run(core: Core, shutdown: CancellationToken) {
    let mut rising: JoinSet<AgentId> = JoinSet::new();
    let mut busy = HashSet::new();
    let mut falls: HashMap<AgentId, (u32, Instant)> = HashMap::new();
    let runtimes = core.runtimes();
    loop {
        match runtimes.due().await {
            Ok(due) => {
                for id in due {
                    raise(&core, &mut rising, &mut busy, id, Duration::ZERO);
                }
            }
            Err(error) => tracing::error!(%error, "hosted runtimes could not be looked after"),
        }
        tokio::select! {
            () = runtimes.called() => {}
            id = runtimes.fallen() => {
                let wait = wait_after_fall(&mut falls, id);
                tracing::warn!(agent = %id, wait_s = wait.as_secs(), "a hosted runtime ended by itself");
                raise(&core, &mut rising, &mut busy, id, wait);
            }
            Some(done) = rising.join_next() => {
                if let Ok(id) = done {
                    busy.remove(&id);
                }
            }
            () = tokio::time::sleep(EVERY) => {}
            () = shutdown.cancelled() => return,
        }
    }
}

fn raise(
    core: &Core,
    rising: &mut JoinSet<AgentId>,
    busy: &mut HashSet<AgentId>,
    id: AgentId,
    wait: Duration,
) {
    if !busy.insert(id) {
        return;
    }
    let core = core.clone();
    rising.spawn(async move {
        tokio::time::sleep(wait).await;
        if let Err(error) = core.runtimes().bring_up(id).await {
            tracing::error!(agent = %id, %error, "a hosted runtime could not be brought up");
        }
        id
    });
}

fn wait_after_fall(falls: &mut HashMap<AgentId, (u32, Instant)>, id: AgentId) -> Duration {
    let now = Instant::now();
    falls.retain(|_, (_, last)| now.duration_since(*last) < CALM);
    let (count, last) = falls.entry(id).or_insert((0, now));
    let wait = FIRST_WAIT.saturating_mul(2_u32.saturating_pow(*count)).min(LONGEST_WAIT);
    (*count, *last) = (count.saturating_add(1), now);
    wait
}
