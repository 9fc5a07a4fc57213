use jiff::Timestamp;
use roost_domain::id::AgentId;
use roost_domain::page::Limit;

use super::Error;
use crate::vault::Sealed;

/// Looks at agents' secrets, which are stored sealed.
pub trait Secrets {
    /// Returns one secret that the agent holds itself.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn secret(&self, agent: AgentId, name: &str) -> Result<Option<Sealed>, Error>;

    /// Returns the agent that holds a secret of an agent: itself, or the one that it has it from; `None` if it has
    /// none of this name.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn secret_holder(&self, agent: AgentId, name: &str) -> Result<Option<AgentId>, Error>;

    /// Returns the agents that have secrets from this one, and which, at most `limit` of them.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn secrets_lent(&self, holder: AgentId, limit: Limit) -> Result<Vec<(AgentId, String)>, Error>;

    /// Returns the names of an agent's secrets, those that it has from another too, sorted.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn secret_names(&self, agent: AgentId) -> Result<Vec<String>, Error>;
}

/// Changes agents' secrets.
pub trait SecretsMut {
    /// Sets a secret, whether or not it was there. One that the agent has from another is its own from then on.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn put_secret(&mut self, agent: AgentId, name: &str, sealed: &Sealed, at: Timestamp)
    -> Result<(), Error>;

    /// Removes a secret, its own or one that it has from another, and returns whether it was there.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn delete_secret(&mut self, agent: AgentId, name: &str) -> Result<bool, Error>;

    /// Lets an agent that has none use all secrets of another, by reference to whoever holds each: what is changed
    /// there is changed here.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn lend_secrets(&mut self, from: AgentId, to: AgentId) -> Result<(), Error>;
}
