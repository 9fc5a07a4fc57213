use jiff::Timestamp;
use roost_domain::approval::{Act, Approval, Entry, Status};
use roost_domain::id::{AccountId, ApprovalId, TurnId};
use roost_domain::page::{Limit, Page};
use roost_domain::subject::Subject;

use super::Error;

/// Which approvals a list holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ApprovalFilter {
    /// Only those with this status.
    pub status: Option<Status>,
    /// Only those of this subject.
    pub subject: Option<Subject>,
}

/// Which entries of the approvals' record a list holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EntryFilter {
    /// Only those of this approval.
    pub approval: Option<ApprovalId>,
    /// Only those of this subject.
    pub subject: Option<Subject>,
    /// Only those of this kind.
    pub act: Option<Act>,
    /// Only those at or after this time.
    pub from: Option<Timestamp>,
    /// Only those at or before this time.
    pub to: Option<Timestamp>,
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

    /// Returns the approvals of an account, newest first, after the first `skip`, and how many there are in all.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn approvals_after(
        &self,
        account: AccountId,
        filter: &ApprovalFilter,
        skip: u64,
        limit: Limit,
    ) -> Result<(Vec<Approval>, u64), Error>;

    /// Returns entries of the approvals' record, newest first, after the first `skip`, and how many there are in
    /// all.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn approval_entries(
        &self,
        account: AccountId,
        filter: &EntryFilter,
        skip: u64,
        limit: Limit,
    ) -> Result<(Vec<Entry>, u64), Error>;

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

    /// Adds to the approvals' record, which nothing ever changes.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn insert_approval_entry(&mut self, account: AccountId, entry: &Entry) -> Result<(), Error>;
}
