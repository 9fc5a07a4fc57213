//! The store: what is kept. One trait per noun; a [`Reader`] has all that look, a [`Writer`] all that change.
//!
//! Work is given as closures: they run synchronously inside one transaction, so no transaction can be held
//! across an await, and many callers' work can share one commit. When `Store::write` returns `Ok`, the work
//! survives `kill -9` and power loss.
//!
//! Every list is limited and scoped to an account or to something that belongs to one. Methods that take an
//! [`AccountId`](roost_domain::id::AccountId) find nothing of another account.

use std::sync::mpsc;

use async_trait::async_trait;

mod account;
mod agent;
mod approval;
mod artifact;
mod connection;
mod document;
mod event;
mod guard;
mod job;
mod key;
mod knowledge;
mod model_call;
mod response;
mod run;
mod sandbox;
mod scan;
mod secret;
mod session;
mod skill;
mod snapshot;
mod swarm;
mod trigger;
mod turn;
mod usage;
mod webhook;
mod workflow;

pub use account::{Accounts, AccountsMut};
pub use agent::{AgentCursor, AgentFilter, Agents, AgentsMut};
pub use approval::{ApprovalCursor, ApprovalFilter, Approvals, ApprovalsMut, EntryFilter};
pub use artifact::{ArtifactCursor, ArtifactFilter, Artifacts, ArtifactsMut};
pub use connection::{
    ConnectionCursor, ConnectionSecrets, Connections, ConnectionsMut, KeptClient, KeptDescription,
    OperationLine, PendingAuthorization,
};
pub use document::{DocumentEntry, Documents, DocumentsMut, NewVersion, VersionEntry};
pub use event::{AgentEvent, ChatMessage, Events, EventsMut, MessageFilter, Role};
pub use guard::{DecisionEntry, DecisionFilter, Edition, Guards, GuardsMut, Kept};
pub use job::{Job, Jobs, JobsMut, NewJob};
pub use key::{Keys, KeysMut};
pub use knowledge::{
    Embedded, KeptEntry, KeptShelf, KeptVector, Knowledge, KnowledgeMut, NewEntry, Part, Remembered, Removed,
    Stale,
};
pub use model_call::{ModelCall, ModelCalls, ModelCallsMut};
pub use response::{Responses, ResponsesMut};
pub use run::{FormStatus, KeptForm, KeptRun, OfRun, RunCursor, RunFilter, RunProgress, Runs, RunsMut};
pub use sandbox::{SandboxCursor, Sandboxes, SandboxesMut};
pub use scan::{Scan, Scans, ScansMut};
pub use secret::{SecretEntry, SecretUse, Secrets, SecretsMut};
pub use session::{Sessions, SessionsMut};
pub use skill::{CustomVersion, KeptPackage, Skills, SkillsMut};
pub use snapshot::{
    Restoration, RestorationKind, SavedDocument, SnapshotCursor, SnapshotStatus, Snapshots, SnapshotsMut,
};
pub use swarm::{Swarms, SwarmsMut};
pub use trigger::{MessageHash, TRIGGERS_MAX, TriggerSecrets, Triggers, TriggersMut};
pub use turn::{Caller, Turn, TurnPhase, Turns, TurnsMut};
pub use usage::{Amounts, Dimension, Ledger, UsageFilter, UsageKey, UsageRow, Usages, UsagesMut, Used};
pub use webhook::{DeliveryCursor, DeliveryFilter, DeliveryLimits, EndpointSecrets, Webhooks, WebhooksMut};
pub use workflow::{WorkflowVersion, Workflows, WorkflowsMut};

/// Everything that looks.
pub trait Reader:
    Accounts
    + Agents
    + Approvals
    + Artifacts
    + Connections
    + Documents
    + Events
    + Guards
    + Jobs
    + Keys
    + Knowledge
    + ModelCalls
    + Responses
    + Runs
    + Sandboxes
    + Scans
    + Secrets
    + Sessions
    + Snapshots
    + Skills
    + Swarms
    + Triggers
    + Turns
    + Usages
    + Webhooks
    + Workflows
{
}

impl<T> Reader for T where
    T: Accounts
        + Agents
        + Approvals
        + Artifacts
        + Connections
        + Documents
        + Events
        + Guards
        + Jobs
        + Keys
        + Knowledge
        + ModelCalls
        + Responses
        + Runs
        + Sandboxes
        + Scans
        + Secrets
        + Sessions
        + Snapshots
        + Skills
        + Swarms
        + Triggers
        + Turns
        + Usages
        + Webhooks
        + Workflows
        + ?Sized
{
}

/// Everything that changes, and looks at what this transaction has changed.
pub trait Writer:
    Reader
    + AccountsMut
    + AgentsMut
    + ApprovalsMut
    + ArtifactsMut
    + ConnectionsMut
    + DocumentsMut
    + EventsMut
    + GuardsMut
    + JobsMut
    + KeysMut
    + KnowledgeMut
    + ModelCallsMut
    + ResponsesMut
    + RunsMut
    + SandboxesMut
    + ScansMut
    + SecretsMut
    + SessionsMut
    + SnapshotsMut
    + SkillsMut
    + SwarmsMut
    + TriggersMut
    + TurnsMut
    + UsagesMut
    + WebhooksMut
    + WorkflowsMut
{
}

impl<T> Writer for T where
    T: Reader
        + AccountsMut
        + AgentsMut
        + ApprovalsMut
        + ArtifactsMut
        + ConnectionsMut
        + DocumentsMut
        + EventsMut
        + GuardsMut
        + JobsMut
        + KeysMut
        + KnowledgeMut
        + ModelCallsMut
        + ResponsesMut
        + RunsMut
        + RunsMut
        + SandboxesMut
        + ScansMut
        + SecretsMut
        + SessionsMut
        + SnapshotsMut
        + SkillsMut
        + SwarmsMut
        + TriggersMut
        + TurnsMut
        + UsagesMut
        + WebhooksMut
        + WorkflowsMut
        + ?Sized
{
}

/// Whether a transaction's work is to be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// Keep it.
    Commit,
    /// Leave everything as it was.
    Rollback,
}

/// Work that changes.
pub type WriteWork = Box<dyn FnOnce(&mut dyn Writer) -> Keep + Send>;

/// Work that looks.
pub type ReadWork = Box<dyn FnOnce(&dyn Reader) + Send>;

/// Keeps everything. Callers use the typed `read` and `write` of `dyn Store`; adapters implement the other two.
#[async_trait]
pub trait Store: Send + Sync {
    /// Runs `work` on one consistent state.
    ///
    /// # Errors
    ///
    /// [`Error`] if the work could not be run at all.
    async fn run_read(&self, work: ReadWork) -> Result<(), Error>;

    /// Runs `work` alone, commits if it says so, and returns when the commit is durable. A panic in `work` rolls
    /// back, is an [`Error::Panicked`] for its caller and harms nobody else.
    ///
    /// # Errors
    ///
    /// [`Error`] if the work could not be run or committed; nothing of it is kept then.
    ///
    /// # Cancel
    ///
    /// Dropping the future does not take the work back: it may still be run and committed.
    async fn run_write(&self, work: WriteWork) -> Result<(), Error>;
}

impl dyn Store {
    /// Looks at one consistent state.
    ///
    /// # Errors
    ///
    /// What `work` returns, or the store's own [`Error`].
    pub async fn read<T, E>(
        &self,
        work: impl FnOnce(&dyn Reader) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let (answer, result) = mpsc::sync_channel(1);
        self.run_read(Box::new(move |reader| {
            // silent-ok: the receiver outlives the call unless the caller was dropped and wants no answer.
            let _ = answer.send(work(reader));
        }))
        .await?;
        result.recv().unwrap_or_else(|mpsc::RecvError| Err(E::from(Error::Panicked)))
    }

    /// Changes what is kept, all of it or nothing: an `Err` of `work` rolls back.
    ///
    /// # Errors
    ///
    /// What `work` returns, or the store's own [`Error`]; nothing is kept then.
    pub async fn write<T, E>(
        &self,
        work: impl FnOnce(&mut dyn Writer) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let (answer, result) = mpsc::sync_channel(1);
        self.run_write(Box::new(move |writer| {
            let outcome = work(writer);
            let keep = if outcome.is_ok() { Keep::Commit } else { Keep::Rollback };
            // silent-ok: as above.
            let _ = answer.send(outcome);
            keep
        }))
        .await?;
        result.recv().unwrap_or_else(|mpsc::RecvError| Err(E::from(Error::Panicked)))
    }
}

/// Why the store did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is already one with this name or id.
    #[error("the {what} exists already")]
    Exists {
        /// Of what.
        what: &'static str,
    },
    /// A stored record cannot be read back.
    #[error("the stored {what} cannot be read: {problem}")]
    Corrupt {
        /// What it is.
        what: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// The work panicked.
    #[error("the work on the store panicked")]
    Panicked,
    /// The store is shutting down.
    #[error("the store is closed")]
    Closed,
    /// Too much work is waiting.
    #[error("the store has too much work waiting")]
    Overloaded,
    /// The database failed.
    #[error("the database failed to {act}")]
    Database {
        /// What was tried.
        act: &'static str,
        /// Why it failed.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}
