//! Fires triggers: sleeps until the next one is due, and no longer.

use std::time::Duration;

use roost_core::Core;
use roost_domain::page::Limit;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How many triggers are fired at a time. They share commits.
const BATCH: Limit = Limit::clamped(256, 256);

/// How often it is looked whether runs are over that triggers wait for, and old fires are forgotten.
const ROUND: Duration = Duration::from_secs(10 * 60);

/// How many old fires are forgotten at a time.
const OLD: Limit = Limit::clamped(1_000, 1_000);

/// How long to wait after the store failed.
const PAUSE_AFTER_ERROR: Duration = Duration::from_secs(1);

/// Fires until `shutdown`. `recheck` is how long it sleeps at most: a clock may be put forward, and another server may
/// have died with what it was to fire.
pub(crate) async fn run(core: Core, recheck: Duration, shutdown: CancellationToken) {
    let mut round_at = Instant::now();
    while !shutdown.is_cancelled() {
        let wait = match fire(&core, recheck).await {
            Ok(wait) => wait,
            Err(error) => {
                tracing::error!(%error, source = ?std::error::Error::source(&error), "triggers cannot be fired");
                PAUSE_AFTER_ERROR
            }
        };
        if Instant::now() >= round_at {
            round_at = Instant::now() + round(&core).await;
        }
        if wait.is_zero() {
            continue;
        }
        let triggers = core.triggers();
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = tokio::time::sleep(wait) => {}
            changed = triggers.changed() => {
                if let Err(error) = changed {
                    tracing::error!(%error, "it cannot be looked when triggers are due");
                }
            }
        }
    }
}

/// Fires what is due and returns how long nothing is.
async fn fire(core: &Core, recheck: Duration) -> Result<Duration, roost_core::Error> {
    if core.triggers().fire(BATCH).await? > 0 {
        return Ok(Duration::ZERO);
    }
    let Some(next) = core.triggers().next_at().await? else { return Ok(recheck) };
    // silent-ok: what is due already is due now.
    let wait: Duration = next.duration_since(core.now()).try_into().unwrap_or_default();
    Ok(wait.min(recheck))
}

/// Looks after what nobody told of, and returns when to do so again.
async fn round(core: &Core) -> Duration {
    match core.triggers().catch_up().await {
        Ok(0) => {}
        Ok(released) => tracing::info!(released, "triggers waited for runs that were over"),
        Err(error) => tracing::error!(%error, "it cannot be looked what triggers wait for"),
    }
    match core.triggers().forget(OLD).await {
        Ok(forgotten) if forgotten >= u64::from(OLD.get()) => Duration::ZERO,
        Ok(_) => ROUND,
        Err(error) => {
            tracing::error!(%error, "old fires of triggers cannot be forgotten");
            ROUND
        }
    }
}
