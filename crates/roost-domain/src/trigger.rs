//! Triggers as a server keeps them: what each waits for, when it fires next, and what came of it.

use jiff::Timestamp;
use serde_json::Value;

use crate::event::Problem;
use crate::id::{AccountId, AgentId, RunId, TriggerId};
use crate::workflow::Trigger;

/// How one trigger of an agent's workflow stands. Its address and its secret are kept apart from it.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// Its id, as long as the workflow has a trigger of its name.
    pub id: TriggerId,
    /// The account it belongs to.
    pub account: AccountId,
    /// Whose workflow it starts.
    pub agent: AgentId,
    /// What it waits for, as the latest version of the workflow says it.
    pub trigger: Trigger,
    /// When it is due: by the clock or to look at a service. `None` while its agent is not armed, while a run has to be
    /// over first, and for what does not wait for a time.
    pub next_at: Option<Timestamp>,
    /// The run that has to be over before it begins the next, for a trigger that begins one after the other.
    pub running: Option<RunId>,
    /// How far it has seen what happens at a service.
    pub cursor: Option<Value>,
    /// How many runs it has begun.
    pub fired: u64,
    /// How often it was to begin one and could not.
    pub failed: u64,
    /// The last time that it fired, or should have.
    pub last: Option<Fire>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Standing {
    /// Takes note of a time that it fired, or should have.
    pub fn note(&mut self, fire: Fire) {
        match &fire.outcome {
            Outcome::Begun(_) => self.fired = self.fired.saturating_add(1),
            Outcome::NotBegun(_) => self.failed = self.failed.saturating_add(1),
        }
        self.last = Some(fire);
    }
}

/// One time that a trigger fired, or should have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fire {
    /// For which time.
    pub due_at: Timestamp,
    /// When.
    pub at: Timestamp,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a fire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// A run began.
    Begun(RunId),
    /// None did.
    NotBegun(Problem),
}
