use jiff::Timestamp;
use roost_domain::document::DocumentName;
use roost_domain::id::{AccountId, AgentId, SessionId, SnapshotId};
use roost_domain::page::{Limit, Page};
use roost_domain::session::Session;
use roost_domain::snapshot::{Mark, Snapshot};

use super::Error;

/// The last snapshot of a page: the next page begins after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotCursor {
    /// When it was taken.
    pub created_at: Timestamp,
    /// Its id.
    pub id: SnapshotId,
}

/// A document as it was when a snapshot was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedDocument {
    /// Which one.
    pub name: DocumentName,
    /// Its text.
    pub content: String,
}

/// How far a snapshot is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SnapshotStatus {
    /// Its files are being saved. The row was written before them, so that they are found whatever happens.
    Making,
    /// It is its owner's.
    Listed,
    /// It is only a step on the way to a fork, and goes when that is made.
    Unlisted,
    /// Its files are being removed.
    Going,
}

impl SnapshotStatus {
    /// Every status.
    pub const ALL: [Self; 4] = [Self::Making, Self::Listed, Self::Unlisted, Self::Going];

    /// Returns its name in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Making => "making",
            Self::Listed => "listed",
            Self::Unlisted => "unlisted",
            Self::Going => "going",
        }
    }
}

/// What a workspace is about to become: written before, removed after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Restoration {
    /// Whose workspace.
    pub agent: AgentId,
    /// What it becomes.
    pub snapshot: SnapshotId,
    /// Why.
    pub kind: RestorationKind,
    /// Since when.
    pub requested_at: Timestamp,
}

/// Why a workspace becomes what a snapshot holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RestorationKind {
    /// Its agent goes back to it.
    Restore,
    /// Its agent is being made from it.
    Fork,
}

impl RestorationKind {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::Restore, Self::Fork];

    /// Returns its name in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Restore => "restore",
            Self::Fork => "fork",
        }
    }
}

/// Looks at snapshots, and at what is being restored.
pub trait Snapshots {
    /// Returns one listed snapshot of an agent.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn snapshot(&self, account: AccountId, agent: AgentId, id: SnapshotId)
    -> Result<Option<Snapshot>, Error>;

    /// Returns how far a snapshot is, whoever's it is.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn snapshot_status(&self, id: SnapshotId) -> Result<Option<SnapshotStatus>, Error>;

    /// Returns an agent's listed snapshots, newest first.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn snapshots(
        &self,
        agent: AgentId,
        after: Option<SnapshotCursor>,
        limit: Limit,
    ) -> Result<Page<Snapshot, SnapshotCursor>, Error>;

    /// Returns how many snapshots an agent has that are listed or being made.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn snapshot_count(&self, agent: AgentId) -> Result<u64, Error>;

    /// Returns snapshots of all accounts that are being made or removed, oldest first.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn half_snapshots(&self, limit: Limit) -> Result<Vec<(SnapshotId, SnapshotStatus)>, Error>;

    /// Returns an agent's documents as they were when a snapshot was taken, by name.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn snapshot_documents(&self, id: SnapshotId) -> Result<Vec<SavedDocument>, Error>;

    /// Returns how far an agent's log is now.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn log_mark(&self, agent: AgentId) -> Result<Mark, Error>;

    /// Returns an agent's sessions that had begun at a mark, by id, after one.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn sessions_until(
        &self,
        agent: AgentId,
        mark: &Mark,
        after: Option<SessionId>,
        limit: Limit,
    ) -> Result<Vec<Session>, Error>;

    /// Returns what an agent's workspace is about to become.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn restoration(&self, agent: AgentId) -> Result<Option<Restoration>, Error>;

    /// Returns what is being restored for a reason, of all accounts, oldest first.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn restorations(&self, kind: RestorationKind, limit: Limit) -> Result<Vec<Restoration>, Error>;
}

/// Changes snapshots, and makes copies of what an agent has.
pub trait SnapshotsMut {
    /// Adds a snapshot that is being made.
    ///
    /// # Errors
    ///
    /// [`Error::Exists`] if the id is taken.
    fn insert_snapshot(&mut self, snapshot: &Snapshot) -> Result<(), Error>;

    /// Writes down how a snapshot that was being made came out, with the agent's documents as they are now.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails, or it is not being made any more.
    fn settle_snapshot(&mut self, snapshot: &Snapshot, status: SnapshotStatus) -> Result<(), Error>;

    /// Says that a snapshot's files are being removed; no-op when it is not there.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn discard_snapshot(&mut self, id: SnapshotId) -> Result<(), Error>;

    /// Removes a snapshot whose files are gone; no-op when it is not there.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn delete_snapshot(&mut self, id: SnapshotId) -> Result<(), Error>;

    /// Writes down what an agent's workspace is about to become.
    ///
    /// # Errors
    ///
    /// [`Error::Exists`] if it is about to become something already.
    fn insert_restoration(&mut self, restoration: &Restoration) -> Result<(), Error>;

    /// Takes note that it became that, or never will.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn delete_restoration(&mut self, agent: AgentId) -> Result<(), Error>;

    /// Copies a session, with its events up to a mark, into another of another agent of the same account; the
    /// places of the events in the session stay. Returns how many events there are.
    ///
    /// # Errors
    ///
    /// [`Error::Exists`] if the id of the other is taken.
    fn copy_session(&mut self, from: SessionId, to: &Session, mark: &Mark) -> Result<u64, Error>;

    /// Lets messages that name no session begin another one from now on, whatever sessions the agent has.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn supersede_sessions(&mut self, agent: AgentId) -> Result<(), Error>;
}
