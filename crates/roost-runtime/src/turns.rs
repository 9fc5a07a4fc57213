//! Leases turns that are due and gives each to a task of its own.

use std::time::Duration;

use roost_core::{Core, Work};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::drive::{Drive, drive};

/// What bounds the work on turns.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) max_turns: usize,
    pub(crate) grace: Duration,
    pub(crate) retry_delay: Duration,
}

/// The name under which this process holds leases. One process owns the store, so it needs no more than that.
const WORKER: &str = "local";

/// How long to wait after the store failed to lease.
const PAUSE_AFTER_ERROR: Duration = Duration::from_secs(1);

/// Leases turns and works on them until `shutdown`; then waits for them to let go.
pub(crate) async fn run(core: Core, limits: Limits, shutdown: CancellationToken) {
    // Turns learn of the shutdown only when their grace is over.
    let cut = CancellationToken::new();
    let mut tasks = JoinSet::new();
    while !shutdown.is_cancelled() {
        let idle = lease(&core, limits, &cut, &mut tasks).await;
        let turns = core.turns();
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = turns.queued() => {}
            () = tokio::time::sleep(idle) => {}
            Some(ended) = tasks.join_next(), if !tasks.is_empty() => report(ended),
        }
    }
    let drained = tokio::time::timeout(limits.grace, drain(&mut tasks)).await;
    if drained.is_err() {
        cut.cancel();
        drain(&mut tasks).await;
    }
}

/// Leases as much as there is room for and returns how long to wait before asking again.
async fn lease(core: &Core, limits: Limits, cut: &CancellationToken, tasks: &mut JoinSet<()>) -> Duration {
    loop {
        let room = u32::try_from(limits.max_turns.saturating_sub(tasks.len())).unwrap_or(u32::MAX);
        if room == 0 {
            return Duration::from_secs(5);
        }
        let claim = match core.turns().lease(WORKER, room).await {
            Ok(claim) => claim,
            Err(error) => {
                tracing::error!(%error, source = ?std::error::Error::source(&error), "turns cannot be leased");
                return PAUSE_AFTER_ERROR;
            }
        };
        if claim.work.is_empty() {
            return claim.idle;
        }
        for work in claim.work {
            let (core, cut) = (core.clone(), cut.clone());
            tasks.spawn(work_on(Drive { core, cut, retry_delay: limits.retry_delay }, work));
        }
    }
}

async fn work_on(context: Drive, work: Work) {
    let (turn, agent) = (work.turn.id, work.turn.agent);
    if let Err(error) = drive(context, work).await {
        // The lease runs out by itself and the turn is taken up again from its log.
        tracing::error!(%turn, %agent, %error, source = ?std::error::Error::source(&error), "a turn was dropped");
    }
}

async fn drain(tasks: &mut JoinSet<()>) {
    while let Some(ended) = tasks.join_next().await {
        report(ended);
    }
}

fn report(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "the work on a turn panicked");
    }
}
