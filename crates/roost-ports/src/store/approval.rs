use jiff::Timestamp;
use roost_domain::approval::{Approval, Status};
use roost_domain::id::{AccountId, AgentId, ApprovalId, TurnId};
use roost_domain::page::{Limit, Page};

use super::Error;

/// Which approvals a list holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ApprovalFilter {
    /// Only those with this status.
    pub status: Option<Status>,
    /// Only those of this agent.
    pub agent: Option<AgentId>,
}

/// The last approval of a page: the next page begins after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ApprovalCursor {
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// Its id.
    pub id: ApprovalId,
}

/// Looks at approvals.
pub trait Approvals {
    /// Returns one approval of an account.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn approval(&self, account: AccountId, id: ApprovalId) -> Result<Option<Approval>, Error>;

    /// Returns the approvals of an account, newest first.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn approvals(
        &self,
        account: AccountId,
        filter: &ApprovalFilter,
        after: Option<ApprovalCursor>,
        limit: Limit,
    ) -> Result<Page<Approval, ApprovalCursor>, Error>;

    /// Returns the approvals of one turn, oldest first.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn turn_approvals(&self, turn: TurnId) -> Result<Vec<Approval>, Error>;

    /// Returns pending approvals of all accounts whose time is over, oldest first.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn overdue_approvals(&self, now: Timestamp, limit: Limit) -> Result<Vec<Approval>, Error>;
}

/// Changes approvals.
pub trait ApprovalsMut {
    /// Adds an approval.
    ///
    /// # Errors
    ///
    /// [`Error::Exists`] if the id is taken.
    fn insert_approval(&mut self, approval: &Approval) -> Result<(), Error>;

    /// Replaces an approval's row; read it in the same transaction.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn update_approval(&mut self, approval: &Approval) -> Result<(), Error>;
}
