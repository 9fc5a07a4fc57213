//! Embeds entries anew that have no vector of the model that is used now: after the model changed, and when somebody
//! asks. What is done is kept, so a crash costs a batch.

use std::time::Duration;

use roost_core::Core;
use tokio_util::sync::CancellationToken;

/// How long to wait after the embedder failed: twice as long each time, up to the longest.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// Embeds what is stale until `shutdown`.
pub(crate) async fn run(core: Core, shutdown: CancellationToken) {
    let (mut after, mut wait, mut done) = (0, FIRST_WAIT, 0_u64);
    loop {
        let knowledge = core.knowledge();
        let embedded = tokio::select! {
            embedded = knowledge.embed_stale(after) => embedded,
            () = shutdown.cancelled() => return,
        };
        let pause = match embedded {
            Ok(Some(last)) => {
                (after, wait, done) = (last, FIRST_WAIT, done + 1);
                // Requests come first: the embedder and the store are shared with them.
                tokio::task::yield_now().await;
                continue;
            }
            Ok(None) => {
                if done > 0 {
                    tracing::info!(batches = done, "embedded knowledge anew");
                }
                (after, done) = (0, 0);
                None
            }
            Err(error) => {
                let source = std::error::Error::source(&error);
                tracing::warn!(%error, ?source, "knowledge could not be embedded anew; it is tried again");
                let pause = wait;
                wait = (wait * 2).min(LONGEST_WAIT);
                Some(pause)
            }
        };
        let again = async {
            match pause {
                Some(pause) => tokio::time::sleep(pause).await,
                None => core.knowledge().stale().await,
            }
        };
        tokio::select! {
            () = again => {}
            () = shutdown.cancelled() => return,
        }
    }
}
