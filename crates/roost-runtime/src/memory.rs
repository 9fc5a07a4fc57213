//! Keeps what is worth remembering of turns that are over.

use std::time::Duration;

use roost_core::Core;
use tokio_util::sync::CancellationToken;

/// How many turns are looked through at a time.
const BATCH: u32 = 16;

/// Keeps memories until `shutdown`. What is cut off then is done by the next start.
pub(crate) async fn run(core: Core, every: Duration, shutdown: CancellationToken) {
    loop {
        let did = tokio::select! {
            did = round(&core) => did,
            () = shutdown.cancelled() => return,
        };
        if did {
            continue;
        }
        let memories = core.memories();
        tokio::select! {
            () = memories.queued() => {}
            // What failed comes due again by the clock.
            () = tokio::time::sleep(every) => {}
            () = shutdown.cancelled() => return,
        }
    }
}

/// Looks through some turns; tells whether there were any.
async fn round(core: &Core) -> bool {
    let work = match core.memories().lease(BATCH).await {
        Ok(work) => work,
        Err(error) => {
            tracing::error!(%error, source = ?std::error::Error::source(&error), "memories cannot be leased");
            return false;
        }
    };
    for turn in &work {
        if let Err(error) = core.memories().capture(turn).await {
            let source = std::error::Error::source(&error);
            tracing::warn!(%error, ?source, "what a peer said could not be remembered");
        }
    }
    !work.is_empty()
}
