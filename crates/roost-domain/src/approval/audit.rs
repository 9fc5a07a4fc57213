//! What happened to an approval, in order, never changed.

use jiff::Timestamp;

use crate::id::ApprovalId;
use crate::subject::Subject;

/// One entry of the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The approval.
    pub approval: ApprovalId,
    /// Who wants to act.
    pub subject: Subject,
    /// What happened.
    pub act: Act,
    /// Who did it: a person, or `policy`, or `system`.
    pub actor: String,
    /// What they said, or what became of it.
    pub detail: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// What can happen to an approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Act {
    /// It was asked for.
    Requested,
    /// Somebody said yes, and others have to as well.
    Voted,
    /// It was passed on.
    Escalated,
    /// It was approved.
    Approved,
    /// It was denied.
    Denied,
    /// Nobody decided in time.
    Expired,
    /// Nobody needs to decide it any more.
    Withdrawn,
    /// What was approved began.
    Executed,
}

impl Act {
    /// Every act.
    pub const ALL: [Self; 8] = [
        Self::Requested,
        Self::Voted,
        Self::Escalated,
        Self::Approved,
        Self::Denied,
        Self::Expired,
        Self::Withdrawn,
        Self::Executed,
    ];

    /// Returns its name on the wire and in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Voted => "voted",
            Self::Escalated => "escalated",
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Expired => "expired",
            Self::Withdrawn => "withdrawn",
            Self::Executed => "executed",
        }
    }
}
