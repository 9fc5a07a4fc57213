//! Small duties by the clock: idle machines freeze, overdue approvals and sandboxes expire.

use std::time::Duration;

use roost_core::{Core, Moment};
use roost_domain::page::Limit;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

/// How many approvals and sandboxes expire at a time.
const BATCH: Limit = Limit::clamped(200, 200);

/// How often what is kept for a time only is looked through.
const CLEARING: Duration = Duration::from_secs(10 * 60);

/// Does its rounds until `shutdown`.
pub(crate) async fn run(core: Core, every: Duration, shutdown: CancellationToken) {
    match core.agents().remove_leftovers().await {
        Ok(0) => {}
        Ok(removed) => tracing::info!(removed, "removed workspaces of deleted agents"),
        Err(error) => tracing::error!(%error, "workspaces of deleted agents could not be removed"),
    }
    match core.snapshots().remove_leftovers(Moment::Start).await {
        Ok(0) => {}
        Ok(removed) => tracing::info!(removed, "removed snapshots that were half made or half gone"),
        Err(error) => tracing::error!(%error, "half-made snapshots could not be removed"),
    }
    match core.sandboxes().remove_leftovers().await {
        Ok(0) => {}
        Ok(removed) => tracing::info!(removed, "removed files of destroyed sandboxes"),
        Err(error) => tracing::error!(%error, "files of destroyed sandboxes could not be removed"),
    }
    let mut clearing = tokio::time::interval(CLEARING);
    clearing.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut rounds = tokio::time::interval(every);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = rounds.tick() => {}
            _ = clearing.tick() => {
                if let Err(error) = core.scans().expire().await {
                    tracing::error!(%error, "old scans could not be removed");
                }
                if let Err(error) = core.connections().clear().await {
                    tracing::error!(%error, "old answers of services could not be forgotten");
                }
                if let Err(error) = core.conversations().clear().await {
                    tracing::error!(%error, "old responses could not be removed");
                }
                if let Err(error) = core.snapshots().remove_leftovers(Moment::Later).await {
                    tracing::error!(%error, "half-made snapshots could not be looked after");
                }
                continue;
            }
            () = shutdown.cancelled() => {
                if let Err(error) = core.usage().write_machines().await {
                    tracing::error!(%error, "what machines were up for could not be written down");
                }
                return;
            }
        }
        if let Err(error) = core.agents().freeze_idle().await {
            tracing::error!(%error, "idle machines could not be looked after");
        }
        if let Err(error) = core.usage().meter_machines().await {
            tracing::error!(%error, "what machines were up for could not be written down");
        }
        if let Err(error) = core.snapshots().recover().await {
            tracing::error!(%error, "restorations and forks that were left could not be looked after");
        }
        if let Err(error) = core.approvals().expire(BATCH).await {
            tracing::error!(%error, "overdue approvals could not be looked after");
        }
        if let Err(error) = core.turns().expire_waits().await {
            tracing::error!(%error, "turns that wait for their callers could not be looked after");
        }
        if let Err(error) = core.models().settle_abandoned().await {
            tracing::error!(%error, "abandoned model calls could not be settled");
        }
        if let Err(error) = core.sandboxes().expire(BATCH).await {
            tracing::error!(%error, "overdue sandboxes could not be looked after");
        }
    }
}
