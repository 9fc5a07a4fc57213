use roost_domain::id::{AgentId, SessionId};
use roost_domain::page::Limit;
use roost_domain::session::{Peer, Session};

use super::Error;

/// Looks at sessions. An agent's journal is a session too, but in no list.
pub trait Sessions {
    /// Returns one session of an agent.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn session(&self, agent: AgentId, id: SessionId) -> Result<Option<Session>, Error>;

    /// Returns the session with a peer that began last: the default for messages that name none. One that was
    /// superseded (see [`super::SnapshotsMut::supersede_sessions`]) is none.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn latest_session_with(&self, agent: AgentId, peer: &Peer) -> Result<Option<Session>, Error>;

    /// Returns an agent's sessions, the one that began last first, and how many there are in all.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn sessions(&self, agent: AgentId, limit: Limit) -> Result<(Vec<Session>, u64), Error>;
}

/// Changes sessions.
pub trait SessionsMut {
    /// Adds a session.
    ///
    /// # Errors
    ///
    /// [`Error::Exists`] if the id is taken.
    fn insert_session(&mut self, session: &Session) -> Result<(), Error>;
}
