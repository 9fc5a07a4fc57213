use jiff::Timestamp;
use roost_domain::event::{Body, Event, Offset};
use roost_domain::id::{AgentId, SessionId, TurnId};
use roost_domain::page::Limit;

use super::Error;

/// An event with its place among all events of its agent.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentEvent {
    /// Grows with every event of the server; has gaps.
    pub seq: u64,
    /// The event.
    pub event: Event,
}

/// A message of a conversation: a view of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatMessage {
    /// Where it stands.
    pub session: SessionId,
    /// Who said it.
    pub role: Role,
    /// What was said.
    pub content: String,
    /// When.
    pub at: Timestamp,
}

/// Who said a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// The peer.
    User,
    /// The agent.
    Assistant,
}

/// Which messages a list holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageFilter {
    /// The agent.
    pub agent: AgentId,
    /// Only those of this session.
    pub session: Option<SessionId>,
    /// Only those after this time.
    pub since: Option<Timestamp>,
}

/// Looks at the log.
pub trait Events {
    /// Returns the events of a session after an offset, in order.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn events_after(&self, session: SessionId, after: Offset, limit: Limit) -> Result<Vec<Event>, Error>;

    /// Returns the last events of a session before an offset, in order.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn events_before(&self, session: SessionId, before: Offset, limit: Limit) -> Result<Vec<Event>, Error>;

    /// Returns the last events of a session, in order.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn last_events(&self, session: SessionId, limit: Limit) -> Result<Vec<Event>, Error>;

    /// Returns all events of one turn, in order.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn turn_events(&self, session: SessionId, turn: TurnId) -> Result<Vec<Event>, Error>;

    /// Returns the last events of an agent over all its sessions and its journal, in order.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn last_agent_events(&self, agent: AgentId, limit: Limit) -> Result<Vec<AgentEvent>, Error>;

    /// Returns the events of an agent after a place, over all its sessions and its journal, in order.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn agent_events_after(&self, agent: AgentId, seq: u64, limit: Limit) -> Result<Vec<AgentEvent>, Error>;

    /// Returns the last messages, in order, and how many there are in all under the filter. Messages are what
    /// the peer said (also as answers to questions) and what the model said, where it said anything.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn messages(&self, filter: &MessageFilter, limit: Limit) -> Result<(Vec<ChatMessage>, u64), Error>;
}

/// Changes the log.
pub trait EventsMut {
    /// Appends events to a session and returns them with their offsets.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn append_events(
        &mut self,
        agent: AgentId,
        session: SessionId,
        at: Timestamp,
        bodies: Vec<Body>,
    ) -> Result<Vec<Event>, Error>;
}
