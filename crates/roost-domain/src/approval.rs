//! Approvals: a question to a person about one exact effect.

use std::fmt;

use jiff::Timestamp;

use crate::effect::{Effect, EffectHash};
use crate::gate::Permit;
use crate::id::{AccountId, AgentId, ApprovalId, SessionId, TurnId};
use crate::tool::ToolCallId;

/// One approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// Its id.
    pub id: ApprovalId,
    /// The account it belongs to.
    pub account: AccountId,
    /// Who wants to act.
    pub agent: AgentId,
    /// In which session.
    pub session: SessionId,
    /// In which turn, which waits.
    pub turn: TurnId,
    /// The tool call that waits; `None` where the loop itself waits for its next model call.
    pub call: Option<ToolCallId>,
    /// What is asked.
    pub question: Question,
    /// What would be done, in one line.
    pub summary: String,
    /// Why a person is asked.
    pub reason: String,
    /// The exact effect; the approval is worth nothing for any other.
    pub effect: EffectHash,
    /// Where it stands.
    pub status: Status,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// Until when it can be decided.
    pub expires_at: Timestamp,
    /// When it was decided, withdrawn or found expired.
    pub decided_at: Option<Timestamp>,
    /// Who decided, as they named themselves or as the key is named.
    pub decided_by: Option<String>,
    /// What they said about it.
    pub note: Option<String>,
}

/// What an approval asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Question {
    /// May the agent do this?
    MayAct,
    /// The server died while this ran, and nobody knows whether it was done. Do it again?
    RunAgain,
}

impl Question {
    /// Returns its name on the wire and in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::MayAct => "may_act",
            Self::RunAgain => "outcome_unknown",
        }
    }
}

/// Where an approval stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// It waits for a person.
    Pending,
    /// A person said yes.
    Approved,
    /// A person said no.
    Denied,
    /// Nobody decided in time.
    Expired,
    /// The turn was cancelled; nobody needs to decide.
    Withdrawn,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 5] = [Self::Pending, Self::Approved, Self::Denied, Self::Expired, Self::Withdrawn];

    /// Returns its name on the wire and in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Expired => "expired",
            Self::Withdrawn => "withdrawn",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How a pending approval ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Yes.
    Approved,
    /// No.
    Denied,
    /// Too late.
    Expired,
    /// Not needed any more.
    Withdrawn,
}

impl Verdict {
    /// Returns the status that it leads to.
    pub const fn status(self) -> Status {
        match self {
            Self::Approved => Status::Approved,
            Self::Denied => Status::Denied,
            Self::Expired => Status::Expired,
            Self::Withdrawn => Status::Withdrawn,
        }
    }
}

/// Why an approval cannot be decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CannotDecide {
    /// It was decided before.
    #[error("the approval is already {0}")]
    Already(Status),
    /// Its time is over.
    #[error("the approval expired at {0}")]
    TooLate(Timestamp),
}

/// Why an approval permits nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotPermitted {
    /// Nobody said yes.
    #[error("the approval is {0}")]
    NotApproved(Status),
    /// It was given for another effect.
    #[error("the approval was given for another effect")]
    OtherEffect,
}

impl Approval {
    /// Ends it.
    ///
    /// A person's verdict after `expires_at` is refused even if nobody has marked it expired yet.
    ///
    /// # Errors
    ///
    /// [`CannotDecide`] if it is decided or too late; nothing changes then.
    pub fn decide(
        self,
        verdict: Verdict,
        by: Option<String>,
        note: Option<String>,
        at: Timestamp,
    ) -> Result<Self, CannotDecide> {
        if self.status != Status::Pending {
            return Err(CannotDecide::Already(self.status));
        }
        let by_a_person = matches!(verdict, Verdict::Approved | Verdict::Denied);
        if by_a_person && at >= self.expires_at {
            return Err(CannotDecide::TooLate(self.expires_at));
        }
        Ok(Self { status: verdict.status(), decided_at: Some(at), decided_by: by, note, ..self })
    }

    /// Turns a yes into leave for exactly the effect it was given for.
    ///
    /// # Errors
    ///
    /// [`NotPermitted`] without a yes, or for any other effect.
    pub fn permit(&self, effect: &Effect) -> Result<Permit, NotPermitted> {
        if self.status != Status::Approved {
            return Err(NotPermitted::NotApproved(self.status));
        }
        if self.effect != effect.hash() {
            return Err(NotPermitted::OtherEffect);
        }
        Ok(Permit::grant(effect))
    }
}

#[cfg(test)]
mod tests;
