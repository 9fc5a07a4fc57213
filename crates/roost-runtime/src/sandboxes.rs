//! Performs the runs of sandboxes, each in a task of its own.

use std::time::Duration;

use roost_core::Core;
use roost_domain::page::Limit;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How long to wait before queued runs are looked for again although nobody has said that there are some.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// Performs queued runs until `shutdown`; then lets those that run come to an end within `grace`, and ends the others.
/// What is queued is performed after the next start.
pub(crate) async fn run(core: Core, most: usize, grace: Duration, shutdown: CancellationToken) {
    let mut tasks = JoinSet::new();
    while !shutdown.is_cancelled() {
        begin(&core, most, &mut tasks).await;
        let sandboxes = core.sandboxes();
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = sandboxes.queued() => {}
            () = tokio::time::sleep(LOOK_AGAIN) => {}
            Some(ended) = tasks.join_next(), if !tasks.is_empty() => report(ended),
        }
    }
    let drained = tokio::time::timeout(grace, async {
        while let Some(ended) = tasks.join_next().await {
            report(ended);
        }
    });
    if drained.await.is_err() {
        tasks.shutdown().await;
        if let Err(error) = core.sandboxes().recover().await {
            // The next start finds them.
            tracing::error!(%error, "runs of sandboxes that were cut short could not be marked");
        }
    }
}

/// Begins as many queued runs as there is room for.
async fn begin(core: &Core, most: usize, tasks: &mut JoinSet<()>) {
    let room = u32::try_from(most.saturating_sub(tasks.len())).unwrap_or(u32::MAX);
    if room == 0 {
        return;
    }
    let claimed = match core.sandboxes().claim(Limit::clamped(room, 1_000)).await {
        Ok(claimed) => claimed,
        Err(error) => {
            tracing::error!(%error, "runs of sandboxes cannot be begun");
            return;
        }
    };
    for work in claimed {
        let core = core.clone();
        tasks.spawn(async move {
            if let Err(error) = core.sandboxes().perform(work).await {
                tracing::error!(%error, source = ?std::error::Error::source(&error), "the outcome of a run could not be written");
            }
        });
    }
}

fn report(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "the work on a run panicked");
    }
}
