//! Delivers webhooks: takes on what is due, each message in a task of its own.

use std::time::Duration;

use roost_core::Core;
use roost_domain::page::Limit;
use roost_domain::webhook::Delivery;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How many messages are under way at once.
const MOST: usize = 64;

/// How often old deliveries are removed, and how many at a time.
const CLEAN_EVERY: Duration = Duration::from_secs(60 * 60);
const CLEAN: Limit = Limit::clamped(1_000, 1_000);

/// Delivers until `shutdown`; then gives what is under way `grace` to end. What is cut off then is sent again by the
/// next start.
pub(crate) async fn run(core: Core, every: Duration, grace: Duration, shutdown: CancellationToken) {
    let mut tasks = JoinSet::new();
    let mut clean_at = Instant::now();
    while !shutdown.is_cancelled() {
        take_on(&core, &mut tasks).await;
        if Instant::now() >= clean_at {
            clean_at = Instant::now() + clean(&core).await;
        }
        let webhooks = core.webhooks();
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = webhooks.announced() => {}
            // Retries come due by the clock.
            () = tokio::time::sleep(every) => {}
            Some(ended) = tasks.join_next(), if !tasks.is_empty() => report(ended),
        }
    }
    let drain = async {
        while let Some(ended) = tasks.join_next().await {
            report(ended);
        }
    };
    if tokio::time::timeout(grace, drain).await.is_err() {
        tracing::info!(webhooks = tasks.len(), "cut off webhooks that were under way");
    }
}

/// Leases as much as there is room for.
async fn take_on(core: &Core, tasks: &mut JoinSet<()>) {
    let room = u32::try_from(MOST.saturating_sub(tasks.len())).unwrap_or(0);
    if room == 0 {
        return;
    }
    match core.webhooks().lease(room).await {
        Ok(due) => {
            for delivery in due {
                tasks.spawn(deliver(core.clone(), delivery));
            }
        }
        Err(error) => {
            tracing::error!(%error, source = ?std::error::Error::source(&error), "webhooks cannot be leased")
        }
    }
}

async fn deliver(core: Core, delivery: Delivery) {
    if let Err(error) = core.webhooks().deliver(&delivery).await {
        let (id, source) = (delivery.id, std::error::Error::source(&error));
        tracing::error!(delivery = %id, %error, ?source, "how a webhook ended could not be written down");
    }
}

/// Removes old deliveries and returns when to do so again.
async fn clean(core: &Core) -> Duration {
    match core.webhooks().expire(CLEAN).await {
        Ok(removed) if removed >= u64::from(CLEAN.get()) => Duration::ZERO,
        Ok(_) => CLEAN_EVERY,
        Err(error) => {
            tracing::error!(%error, "old webhooks could not be removed");
            CLEAN_EVERY
        }
    }
}

fn report(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "the delivery of a webhook panicked");
    }
}
