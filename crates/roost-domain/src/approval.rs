//! Approvals: a question to a person about one exact effect.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use crate::effect::{Effect, EffectHash};
use crate::gate::Permit;
use crate::id::{AccountId, AgentId, ApprovalId, SessionId, TurnId};
use crate::policy::OnTimeout;
use crate::subject::Subject;
use crate::tool::ToolCallId;

mod audit;
mod risk;

pub use audit::{Act, Entry};
pub use risk::{Risk, assess};

/// One approval.
#[derive(Debug, Clone, PartialEq)]
pub struct Approval {
    /// Its id.
    pub id: ApprovalId,
    /// The account it belongs to.
    pub account: AccountId,
    /// Who wants to act.
    pub subject: Subject,
    /// What goes on when it is decided; `None` where an agent that runs elsewhere asked the gate, and looks itself
    /// how its question ends.
    pub waiting: Option<Waiting>,
    /// Where the wish came from, as the one who asked told it.
    pub context: Context,
    /// What is asked.
    pub question: Question,
    /// The tool that would be used; `call_model` where it is the model.
    pub tool: String,
    /// With which parameters.
    pub parameters: Value,
    /// What would be done, in one line.
    pub summary: String,
    /// Why a person is asked.
    pub reason: String,
    /// How bad it would be if it went wrong.
    pub risk: Risk,
    /// The exact effect; the approval is worth nothing for any other.
    pub effect: EffectHash,
    /// How it is to be decided.
    pub terms: Terms,
    /// Where it stands.
    pub status: Status,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// Until when it can be decided.
    pub expires_at: Timestamp,
    /// Who has said yes so far, in order.
    pub votes: Vec<Vote>,
    /// When it was passed on to somebody else, if it was.
    pub escalated: Option<Escalation>,
    /// When it was decided, withdrawn or found expired.
    pub decided_at: Option<Timestamp>,
    /// Who decided, as they named themselves or as the key is named; several are joined by commas.
    pub decided_by: Option<String>,
    /// What they said about it.
    pub note: Option<String>,
    /// When what was approved began, where that is known.
    pub executed_at: Option<Timestamp>,
}

/// What waits for an approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The agent.
    pub agent: AgentId,
    /// In which session.
    pub session: SessionId,
    /// In which turn.
    pub turn: TurnId,
    /// The tool call that waits; `None` where the loop itself waits for its next model call.
    pub call: Option<ToolCallId>,
}

/// Where a wish came from, as the one who asked told it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Context {
    /// The agent's own name for what it is doing.
    pub run: Option<String>,
    /// What set it off.
    pub triggered_by: Option<String>,
}

/// How an approval is to be decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// How many different people have to say yes.
    pub quorum: u32,
    /// How long they have, each time somebody is asked.
    pub ttl: Duration,
    /// What becomes of it when nobody decides in time.
    pub on_timeout: OnTimeout,
    /// Who is asked when it escalates; `None` is anybody who has not said yes yet.
    pub escalate_to: Option<String>,
    /// Whether those who say yes have to do it with different keys, since a name is what they say it is.
    pub distinct_keys: bool,
}

/// A yes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vote {
    /// Who said it, as they named themselves or as the key is named.
    pub by: String,
    /// The key that it was said with, by its id; `owner` on the command line.
    pub key: String,
    /// When.
    pub at: Timestamp,
}

/// That an approval was passed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Escalation {
    /// When.
    pub at: Timestamp,
    /// Who passed it on; `None` where its time was over.
    pub by: Option<String>,
    /// Who alone can say yes since; `None` is anybody else than those before.
    pub to: Option<String>,
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
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CannotDecide {
    /// It was decided before.
    #[error("the approval is already {0}")]
    Already(Status),
    /// Its time is over.
    #[error("the approval expired at {0}")]
    TooLate(Timestamp),
    /// The same person said yes before.
    #[error("{0:?} has approved it already; it needs somebody else")]
    SameAgain(String),
    /// The same key said yes before, and it takes different ones.
    #[error("this key has approved it already; it needs somebody with another key")]
    SameKey,
    /// It was passed on to somebody else.
    #[error("the approval was passed on to {0:?}, who alone can approve it")]
    NotYours(String),
    /// It was passed on once, which is the most.
    #[error("the approval was passed on already")]
    Escalated,
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
    /// Takes somebody's yes: with enough of them it is approved.
    ///
    /// # Errors
    ///
    /// [`CannotDecide`] if it is decided, too late, or theirs does not count; nothing changes then.
    pub fn approve(mut self, vote: Vote, note: Option<String>) -> Result<Self, CannotDecide> {
        let at = vote.at;
        self.check_open(at)?;
        if self.votes.iter().any(|before| same_person(&before.by, &vote.by)) {
            return Err(CannotDecide::SameAgain(vote.by));
        }
        if self.terms.distinct_keys && self.votes.iter().any(|before| before.key == vote.key) {
            return Err(CannotDecide::SameKey);
        }
        if let Some(Escalation { to, by: passed_on, .. }) = &self.escalated {
            match to {
                // Others still count towards a quorum, but it is not complete without whom it was passed on to.
                Some(to) if self.quorum_now() == 1 && !same_person(to, &vote.by) => {
                    return Err(CannotDecide::NotYours(to.clone()));
                }
                None if passed_on.as_ref().is_some_and(|passed_on| same_person(passed_on, &vote.by)) => {
                    return Err(CannotDecide::SameAgain(vote.by));
                }
                Some(_) | None => {}
            }
        }
        self.votes.push(vote);
        self.note = note.or(self.note);
        if self.votes.len() < self.quorum_now() || !self.has_whom_it_needs() {
            return Ok(self);
        }
        let by = self.votes.iter().map(|vote| vote.by.as_str()).collect::<Vec<_>>().join(", ");
        let note = self.note.clone();
        Ok(self.ended(Verdict::Approved, Some(by), note, at))
    }

    /// Takes somebody's no, which is the end of it however many said yes.
    ///
    /// # Errors
    ///
    /// [`CannotDecide`] if it is decided or too late; nothing changes then.
    pub fn deny(self, by: String, note: Option<String>, at: Timestamp) -> Result<Self, CannotDecide> {
        self.check_open(at)?;
        Ok(self.ended(Verdict::Denied, Some(by), note, at))
    }

    /// Passes it on, with the time that it had at first. Whoever said yes so far still counts.
    ///
    /// # Errors
    ///
    /// [`CannotDecide`] if it is decided, too late, or was passed on before; nothing changes then.
    pub fn escalate(self, by: String, to: Option<String>, at: Timestamp) -> Result<Self, CannotDecide> {
        self.check_open(at)?;
        if self.escalated.is_some() {
            return Err(CannotDecide::Escalated);
        }
        if let Some(to) = to.as_ref().filter(|to| self.has_voted(to)) {
            return Err(CannotDecide::SameAgain(to.clone()));
        }
        Ok(self.passed_on(Some(by), to, at))
    }

    /// Does what its terms want when nobody decided in time: it expires, counts as approved, or is passed on.
    ///
    /// # Errors
    ///
    /// [`CannotDecide::Already`] if it is decided.
    pub fn run_out(self, at: Timestamp) -> Result<Self, CannotDecide> {
        if self.status != Status::Pending {
            return Err(CannotDecide::Already(self.status));
        }
        match self.terms.on_timeout {
            OnTimeout::Escalate if self.escalated.is_none() => {
                let to = self.terms.escalate_to.clone().filter(|to| !self.has_voted(to));
                Ok(self.passed_on(None, to, at))
            }
            OnTimeout::Allow => {
                let by = Some("policy (on_timeout: allow)".to_owned());
                Ok(self.ended(Verdict::Approved, by, None, at))
            }
            OnTimeout::Block | OnTimeout::Escalate => Ok(self.ended(Verdict::Expired, None, None, at)),
        }
    }

    /// Takes it back, because nobody needs to decide any more.
    ///
    /// # Errors
    ///
    /// [`CannotDecide::Already`] if it is decided.
    pub fn withdraw(self, at: Timestamp) -> Result<Self, CannotDecide> {
        if self.status != Status::Pending {
            return Err(CannotDecide::Already(self.status));
        }
        Ok(self.ended(Verdict::Withdrawn, None, None, at))
    }

    /// Returns how it ended, if it did.
    pub const fn verdict(&self) -> Option<Verdict> {
        match self.status {
            Status::Pending => None,
            Status::Approved => Some(Verdict::Approved),
            Status::Denied => Some(Verdict::Denied),
            Status::Expired => Some(Verdict::Expired),
            Status::Withdrawn => Some(Verdict::Withdrawn),
        }
    }

    /// A person's verdict after `expires_at` is refused even if nobody has marked it expired yet.
    fn check_open(&self, at: Timestamp) -> Result<(), CannotDecide> {
        if self.status != Status::Pending {
            return Err(CannotDecide::Already(self.status));
        }
        if at >= self.expires_at {
            return Err(CannotDecide::TooLate(self.expires_at));
        }
        Ok(())
    }

    /// Returns how many have to say yes by now. Whom the policy itself names to pass it on to decides alone; somebody
    /// whom a person names is one of those whom it takes, or anybody could name themselves out of a quorum.
    fn quorum_now(&self) -> usize {
        let by_policy =
            self.escalated.as_ref().and_then(|escalation| escalation.to.as_ref()).is_some_and(|to| {
                self.terms.escalate_to.as_ref().is_some_and(|named| same_person(named, to))
            });
        if by_policy { 1 } else { self.terms.quorum as usize }
    }

    fn has_whom_it_needs(&self) -> bool {
        let to = self.escalated.as_ref().and_then(|escalation| escalation.to.as_ref());
        to.is_none_or(|to| self.has_voted(to))
    }

    fn has_voted(&self, name: &str) -> bool {
        self.votes.iter().any(|vote| same_person(&vote.by, name))
    }

    fn passed_on(self, by: Option<String>, to: Option<String>, at: Timestamp) -> Self {
        let expires_at = at.checked_add(self.terms.ttl).unwrap_or(Timestamp::MAX);
        Self { escalated: Some(Escalation { at, by, to }), expires_at, ..self }
    }

    fn ended(self, verdict: Verdict, by: Option<String>, note: Option<String>, at: Timestamp) -> Self {
        Self { status: verdict.status(), decided_at: Some(at), decided_by: by, note, ..self }
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
        // After a crash it is the call that is asked about, before anybody has looked at its scripts again.
        let again = self.question == Question::RunAgain
            && self.effect == Effect { scripts: Vec::new(), ..effect.clone() }.hash();
        if self.effect != effect.hash() && !again {
            return Err(NotPermitted::OtherEffect);
        }
        Ok(Permit::grant(effect))
    }
}

/// Tells whether two people name themselves alike, whatever the case.
fn same_person(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}

#[cfg(test)]
mod tests;
