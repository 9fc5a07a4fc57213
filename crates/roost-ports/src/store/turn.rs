use jiff::Timestamp;
use roost_domain::id::{AccountId, AgentId, SessionId, TurnId};
use roost_domain::tool::ToolCallId;

use super::{Error, OfRun};

/// One pass of the agent loop, as it is found again. What happened in it stands in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// Its id.
    pub id: TurnId,
    /// The account it belongs to.
    pub account: AccountId,
    /// Whose turn it is.
    pub agent: AgentId,
    /// The session it stands in.
    pub session: SessionId,
    /// Where it is.
    pub phase: TurnPhase,
    /// The call that it is done for, where another agent asked.
    pub caller: Option<Caller>,
    /// The step of a run that it is done for, or for whose turn it is done.
    pub run: Option<OfRun>,
    /// When its message came.
    pub created_at: Timestamp,
}

/// The call of another agent's turn that a turn is done for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The turn that waits for it.
    pub turn: TurnId,
    /// Whose that is.
    pub agent: AgentId,
    /// The session it stands in.
    pub session: SessionId,
    /// The tool call whose result it is to be.
    pub call: ToolCallId,
    /// The agents for whom it works: this one, the one for whom this one works, …
    pub above: Vec<AgentId>,
}

/// Where a turn is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TurnPhase {
    /// It waits for the turn before it, or for its agent to be resumed.
    Queued,
    /// It is being worked on, or its job waits for a worker.
    Active,
    /// It waits for a person.
    Waiting,
    /// It is over.
    Ended,
}

impl TurnPhase {
    /// Every phase.
    pub const ALL: [Self; 4] = [Self::Queued, Self::Active, Self::Waiting, Self::Ended];

    /// Returns its name in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Active => "active",
            Self::Waiting => "waiting",
            Self::Ended => "ended",
        }
    }
}

/// Looks at turns.
pub trait Turns {
    /// Returns one turn.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn turn(&self, id: TurnId) -> Result<Option<Turn>, Error>;

    /// Returns the turns of a session that are not over, oldest first, at most 1,000.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn open_turns(&self, session: SessionId) -> Result<Vec<Turn>, Error>;

    /// Returns the turns of an agent that are not over, oldest first, at most 10,000.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn open_turns_of(&self, agent: AgentId) -> Result<Vec<Turn>, Error>;

    /// Returns the turns that are done for calls of a turn, oldest first, at most 1,000.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn turns_for(&self, caller: TurnId) -> Result<Vec<Turn>, Error>;
}

/// Changes turns.
pub trait TurnsMut {
    /// Adds a turn.
    ///
    /// # Errors
    ///
    /// [`Error::Exists`] if the id is taken.
    fn insert_turn(&mut self, turn: &Turn) -> Result<(), Error>;

    /// Moves a turn to another phase; a turn that is over stays over.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn set_turn_phase(&mut self, id: TurnId, phase: TurnPhase) -> Result<(), Error>;
}
