//! Lets runs of workflows go on: looks at all that are due, many at once, until none is.
//!
//! Nothing of a run is in memory that its log does not have, and nobody holds one: what was worked out is written only
//! if the run's log is where it was. So a start after a crash finds what is due like any other look.

use std::time::Duration;

use roost_core::Core;
use tokio_util::sync::CancellationToken;

/// How many runs are looked at in one transaction: enough to share its cost, few enough that others are not held up.
const BATCH: u32 = 128;

/// How long to wait after the store failed.
const PAUSE_AFTER_ERROR: Duration = Duration::from_secs(1);

/// Lets runs go on until `shutdown`.
pub(crate) async fn run(core: Core, shutdown: CancellationToken) {
    while !shutdown.is_cancelled() {
        let idle = match core.runs().advance(BATCH).await {
            Ok(advance) => advance.idle,
            Err(error) => {
                tracing::error!(%error, source = ?std::error::Error::source(&error), "runs cannot go on");
                PAUSE_AFTER_ERROR
            }
        };
        if idle.is_zero() {
            continue;
        }
        let runs = core.runs();
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = runs.woken() => {}
            () = tokio::time::sleep(idle) => {}
        }
    }
}
