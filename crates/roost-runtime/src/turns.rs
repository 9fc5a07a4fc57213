//! Leases turns that are due and gives each to a task of its own.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use roost_core::{Core, Work};
use roost_domain::id::JobId;
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

/// The jobs that this process works on.
///
/// Leases run out by the wall clock. When that jumps, because somebody set it or the host slept, a job may be leased
/// again while it is being worked on; its turn must not be driven twice. A turn that is taken up again after it
/// was parked has another job.
#[derive(Clone, Default)]
struct Driven(Arc<Mutex<HashSet<JobId>>>);

/// A turn that is being driven, for as long as this is kept.
struct Driving {
    driven: Driven,
    job: JobId,
}

impl Driven {
    fn begin(&self, job: JobId) -> Option<Driving> {
        let new = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(job);
        new.then(|| Driving { driven: self.clone(), job })
    }
}

impl Drop for Driving {
    fn drop(&mut self) {
        self.driven.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.job);
    }
}

/// How long to wait after the store failed to lease.
const PAUSE_AFTER_ERROR: Duration = Duration::from_secs(1);

/// Leases turns and works on them until `shutdown`; then waits for them to let go.
pub(crate) async fn run(core: Core, limits: Limits, shutdown: CancellationToken) {
    // Turns learn of the shutdown only when their grace is over.
    let cut = CancellationToken::new();
    let mut tasks = JoinSet::new();
    let driven = Driven::default();
    while !shutdown.is_cancelled() {
        let idle = lease(&core, limits, &cut, &driven, &mut tasks).await;
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
async fn lease(
    core: &Core,
    limits: Limits,
    cut: &CancellationToken,
    driven: &Driven,
    tasks: &mut JoinSet<()>,
) -> Duration {
    loop {
        let room = limits.max_turns.saturating_sub(tasks.len());
        // In a full house, looking through the queue for every single place that comes free would cost more than
        // the work itself.
        if room < limits.max_turns.div_ceil(8) {
            return Duration::from_secs(5);
        }
        let room = u32::try_from(room).unwrap_or(u32::MAX);
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
            let Some(driving) = driven.begin(work.job()) else { continue };
            let (core, cut) = (core.clone(), cut.clone());
            let context = Drive { core, cut, retry_delay: limits.retry_delay };
            tasks.spawn(async move {
                work_on(context, work).await;
                drop(driving);
            });
        }
    }
}

async fn work_on(context: Drive, work: Work) {
    let (turn, agent) = (work.turn.id, work.turn.agent);
    let Err(error) = drive(&context, &work).await else { return };
    tracing::error!(%turn, %agent, %error, source = ?std::error::Error::source(&error), "a turn was given back");
    if let Err(error) = context.core.turns().give_back(&work).await {
        // The lease runs out by itself then, and the turn is taken up again from its log.
        tracing::error!(%turn, %error, source = ?std::error::Error::source(&error), "a turn could not be given back");
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
