use std::time::Duration;

use roost_core::Core;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::connections::ConnectionInbox;
use crate::{embedding, hosted, memory, runs, sandboxes, triggers, turns, upkeep, webhooks};

/// How the runtime works.
pub struct Options {
    /// How many turns are worked on at once.
    pub max_turns: usize,
    /// How many runs of sandboxes are performed at once.
    pub max_sandbox_runs: usize,
    /// How long turns may take to come to a good end at shutdown before they are cut short.
    pub grace: Duration,
    /// How often idle machines, overdue approvals and webhooks to be tried again are looked for.
    pub upkeep_every: Duration,
    /// How long triggers sleep at most until it is looked again which are due.
    pub recheck_triggers: Duration,
    /// How long to wait before a model is asked again after it failed in passing; doubles with every failure.
    pub retry_delay: Duration,
    /// What machines' processes try to reach.
    pub connections: Option<ConnectionInbox>,
}

impl Default for Options {
    /// The documented defaults of `roost.toml`.
    fn default() -> Self {
        Self {
            max_turns: 256,
            max_sandbox_runs: 64,
            grace: Duration::from_secs(5),
            upkeep_every: Duration::from_secs(1),
            recheck_triggers: Duration::from_secs(30),
            retry_delay: Duration::from_secs(1),
            connections: None,
        }
    }
}

/// All loops of a server.
pub struct Runtime {
    core: Core,
    options: Options,
}

/// Why the runtime does not run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What a dead process left could not be taken over.
    #[error("what the last run of the server left cannot be taken over")]
    Recovery(#[source] roost_core::Error),
    /// What a dead process had under way could not be taken over.
    #[error("the webhooks of the last run cannot be taken over")]
    Webhooks(#[source] roost_core::Error),
}

impl Runtime {
    /// Puts a runtime together.
    pub const fn new(core: Core, options: Options) -> Self {
        Self { core, options }
    }

    /// Takes over what a dead process left and runs until `shutdown`; then lets turns come to an end within the
    /// grace period, cuts short the others in a way that the next start goes on with, and returns.
    ///
    /// # Errors
    ///
    /// [`Error`]; nothing runs then.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), Error> {
        let recovered = self.core.turns().recover().await.map_err(Error::Recovery)?;
        if recovered > 0 {
            tracing::info!(turns = recovered, "took over what the last run left");
        }
        let ended = self.core.snapshots().recover().await.map_err(Error::Recovery)?;
        if ended > 0 {
            tracing::info!(ended, "ended restorations and forks that the last run left");
        }
        let moved = self.core.agents().place().await.map_err(Error::Recovery)?;
        if moved > 0 {
            tracing::warn!(agents = moved, "agents of regions that are not this host's are in error");
        }
        let left = self.core.webhooks().recover().await.map_err(Error::Webhooks)?;
        if left > 0 {
            tracing::info!(webhooks = left, "took over webhooks that the last run had under way");
        }
        self.core.memories().recover().await.map_err(Error::Recovery)?;
        let lost = self.core.sandboxes().recover().await.map_err(Error::Recovery)?;
        if lost > 0 {
            tracing::info!(runs = lost, "runs of sandboxes were lost when the last run ended");
        }
        let Options {
            max_turns,
            max_sandbox_runs,
            grace,
            upkeep_every,
            recheck_triggers,
            retry_delay,
            connections,
        } = self.options;
        let mut loops = JoinSet::new();
        loops.spawn(embedding::run(self.core.clone(), shutdown.clone()));
        loops.spawn(memory::run(self.core.clone(), upkeep_every, shutdown.clone()));
        loops.spawn(runs::run(self.core.clone(), shutdown.clone()));
        loops.spawn(upkeep::run(self.core.clone(), upkeep_every, shutdown.clone()));
        loops.spawn(hosted::run(self.core.clone(), shutdown.clone()));
        loops.spawn(triggers::run(self.core.clone(), recheck_triggers, shutdown.clone()));
        loops.spawn(webhooks::run(self.core.clone(), upkeep_every, grace, shutdown.clone()));
        if let Some(inbox) = connections {
            loops.spawn(inbox.run(self.core.clone(), shutdown.clone()));
        }
        loops.spawn(sandboxes::run(self.core.clone(), max_sandbox_runs, grace, shutdown.clone()));
        let limits = turns::Limits { max_turns, grace, retry_delay };
        loops.spawn(turns::run(self.core.clone(), limits, shutdown));
        while let Some(ended) = loops.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a loop of the runtime died");
            }
        }
        self.core.connections().settled().await;
        Ok(())
    }
}
