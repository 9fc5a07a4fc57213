use jiff::Timestamp;
use roost_domain::id::{AccountId, AgentId, SessionId, SnapshotId};
use roost_domain::page::{Limit, Page};
use roost_domain::session::Session;
use roost_domain::snapshot::{Mark, Snapshot};

use super::{Document, Error};

/// The last snapshot of a page: the next page begins after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotCursor {
    /// When it was taken.
    pub created_at: Timestamp,
    /// Its id.
    pub id: SnapshotId,
}

/// Whether a snapshot is its owner's or only a step on the way to a fork.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Listed {
    /// It is in lists, and counted.
    Yes,
    /// It goes when the fork is made.
    No,
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
    /// Returns one snapshot of an agent, listed or not.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn snapshot(&self, account: AccountId, agent: AgentId, id: SnapshotId)
    -> Result<Option<Snapshot>, Error>;

    /// Tells whether a snapshot is listed, whoever's it is; `None` if there is none of this id.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn snapshot_listed(&self, id: SnapshotId) -> Result<Option<Listed>, Error>;

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

    /// Returns the ids of all snapshots of an agent, listed or not, at most 1,000.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn snapshot_ids(&self, agent: AgentId) -> Result<Vec<SnapshotId>, Error>;

    /// Returns an agent's documents as they were when a snapshot was taken, by name.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn snapshot_documents(&self, id: SnapshotId) -> Result<Vec<Document>, Error>;

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
    /// Adds a snapshot, with the agent's documents as they are now.
    ///
    /// # Errors
    ///
    /// [`Error::Exists`] if the id is taken.
    fn insert_snapshot(&mut self, snapshot: &Snapshot, listed: Listed) -> Result<(), Error>;

    /// Removes a snapshot and returns whether it was there.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn delete_snapshot(&mut self, id: SnapshotId) -> Result<bool, Error>;

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
