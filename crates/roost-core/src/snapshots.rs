//! Snapshots: saving an agent's state, going back to it, making another agent from it.
//!
//! The files are the machine driver's, everything else is the store's. What is half done when the server dies, or
//! when a caller goes away in the middle, is found again: an intent stands in the store, or files stand there that
//! no row knows.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use roost_domain::agent::Agent;
use roost_domain::id::{AgentId, SnapshotId};
use roost_domain::key::Scope;
use roost_domain::page::{Limit, Page};
use roost_domain::snapshot::{Snapshot, Transfer};
use roost_ports::store::{Reader, RestorationKind, SnapshotCursor};

use crate::agents::own;
use crate::{Core, Ctx, Error, Kind};

mod copy;
mod delete;
mod diff;
mod fork;
mod recover;
mod restore;
mod take;

pub use diff::{DocumentChange, SnapshotDiff};
pub use fork::{ForkAgent, Forked};
pub use recover::Moment;
pub use restore::Restored;

/// The use cases of snapshots.
pub struct Snapshots<'a>(pub(crate) &'a Core);

/// Which snapshots to list.
#[derive(Debug, Clone)]
pub struct ListSnapshots {
    /// Whose.
    pub agent: AgentId,
    /// Where to begin.
    pub after: Option<SnapshotCursor>,
    /// At most so many.
    pub limit: Limit,
}

impl Snapshots<'_> {
    /// Returns one snapshot of an agent.
    ///
    /// # Errors
    ///
    /// `NotFound` for the agent or the snapshot.
    pub async fn get(&self, ctx: &Ctx, agent: AgentId, id: SnapshotId) -> Result<Snapshot, Error> {
        ctx.require(Scope::AgentsRead)?;
        let ctx = ctx.clone();
        self.0.ports.store.read(move |reader| Ok(found(reader, &ctx, agent, id)?.1)).await
    }

    /// Returns an agent's snapshots, newest first.
    ///
    /// # Errors
    ///
    /// `NotFound` for the agent.
    pub async fn list(
        &self,
        ctx: &Ctx,
        list: ListSnapshots,
    ) -> Result<Page<Snapshot, SnapshotCursor>, Error> {
        ctx.require(Scope::AgentsRead)?;
        let ctx = ctx.clone();
        let read = move |reader: &dyn Reader| {
            own(reader, &ctx, list.agent)?;
            Ok(reader.snapshots(list.agent, list.after, list.limit)?)
        };
        self.0.ports.store.read(read).await
    }
}

/// Returns the caller's agent and one of its snapshots.
fn found(reader: &dyn Reader, ctx: &Ctx, agent: AgentId, id: SnapshotId) -> Result<(Agent, Snapshot), Error> {
    let agent = own(reader, ctx, agent)?;
    let snapshot = reader.snapshot(agent.account, agent.id, id)?;
    Ok((agent, snapshot.ok_or_else(|| Error::not_found("snapshot", id))?))
}

/// Says that a fork which is not whole yet can be used for nothing.
pub(crate) fn check_whole(reader: &dyn Reader, agent: &Agent) -> Result<(), Error> {
    let forking = reader.restoration(agent.id)?.is_some_and(|intent| intent.kind == RestorationKind::Fork);
    if forking {
        let message =
            format!("the agent {} is still being made from another; wait until it is running", agent.id);
        return Err(Error::new(Kind::InvalidState, "invalid_state", message));
    }
    Ok(())
}

/// What this process is saving, restoring or forking right now: all else that is half done was left by somebody.
#[derive(Default)]
pub(crate) struct UnderWay(Arc<Mutex<HashSet<u128>>>);

/// Something that is under way until this is dropped.
pub(crate) struct Doing {
    what: u128,
    all: Arc<Mutex<HashSet<u128>>>,
}

impl UnderWay {
    /// Begins something; `None` if it is under way already.
    fn begin(&self, what: u128) -> Option<Doing> {
        let begun = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(what);
        begun.then(|| Doing { what, all: Arc::clone(&self.0) })
    }

    fn has(&self, what: u128) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&what)
    }
}

impl Drop for Doing {
    fn drop(&mut self) {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.what);
    }
}

/// Logs how a workspace was copied.
fn log_transfer(what: &'static str, agent: AgentId, transfer: &Transfer) {
    tracing::info!(
        %agent,
        method = transfer.method.name(),
        size_bytes = transfer.size.0,
        copied_bytes = transfer.copied.0,
        took_ms = transfer.took.as_secs_f64() * 1_000.0,
        "{what}"
    );
}
