use jiff::Timestamp;
use roost_domain::id::{AccountId, SandboxId, SandboxRunId};
use roost_domain::page::{Limit, Page};
use roost_domain::sandbox::{Run, Sandbox};

use super::Error;

/// The last sandbox of a page: the next page begins after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SandboxCursor {
    /// When it was made.
    pub created_at: Timestamp,
    /// Its id.
    pub id: SandboxId,
}

/// Looks at sandboxes and their runs.
pub trait Sandboxes {
    /// Returns one sandbox of an account, destroyed or not.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn sandbox(&self, account: AccountId, id: SandboxId) -> Result<Option<Sandbox>, Error>;

    /// Returns one sandbox, whoever's it is.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn sandbox_of_any_account(&self, id: SandboxId) -> Result<Option<Sandbox>, Error>;

    /// Returns the sandboxes of an account, newest first; with `subject`, only those for that one.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn sandboxes(
        &self,
        account: AccountId,
        subject: Option<&str>,
        after: Option<SandboxCursor>,
        limit: Limit,
    ) -> Result<Page<Sandbox, SandboxCursor>, Error>;

    /// Returns how many sandboxes of an account are not destroyed.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn live_sandboxes(&self, account: AccountId) -> Result<u64, Error>;

    /// Returns sandboxes of all accounts whose time is over and that are not destroyed, oldest first.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn overdue_sandboxes(&self, now: Timestamp, limit: Limit) -> Result<Vec<Sandbox>, Error>;

    /// Returns one run of an account.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn sandbox_run(&self, account: AccountId, id: SandboxRunId) -> Result<Option<Run>, Error>;

    /// Returns the run of a sandbox that is queued or running; there is at most one.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn open_sandbox_run(&self, sandbox: SandboxId) -> Result<Option<Run>, Error>;

    /// Returns queued runs of all accounts, oldest first.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn queued_sandbox_runs(&self, limit: Limit) -> Result<Vec<Run>, Error>;

    /// Returns runs of all accounts that are running, oldest first.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn running_sandbox_runs(&self, limit: Limit) -> Result<Vec<Run>, Error>;
}

/// Changes sandboxes and their runs.
pub trait SandboxesMut {
    /// Adds a sandbox.
    ///
    /// # Errors
    ///
    /// [`Error::Exists`] if the id is taken.
    fn insert_sandbox(&mut self, sandbox: &Sandbox) -> Result<(), Error>;

    /// Replaces how far a sandbox is; read it in the same transaction. What it may use and touch never changes.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn update_sandbox(&mut self, sandbox: &Sandbox) -> Result<(), Error>;

    /// Adds a run.
    ///
    /// # Errors
    ///
    /// [`Error::Exists`] if the id is taken, or the sandbox has an open run.
    fn insert_sandbox_run(&mut self, run: &Run) -> Result<(), Error>;

    /// Replaces how far a run is; read it in the same transaction. What it runs never changes.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn update_sandbox_run(&mut self, run: &Run) -> Result<(), Error>;
}
