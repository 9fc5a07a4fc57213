use jiff::Timestamp;
use roost_domain::id::{AgentId, SessionId, TurnId};
use roost_domain::page::{Limit, Page};
use roost_domain::secret::Binding;
use roost_domain::tool::ToolCallId;

use super::Error;
use crate::vault::Sealed;

/// What may be known of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretEntry {
    /// Its name.
    pub name: String,
    /// When its value was last set.
    pub updated_at: Timestamp,
    /// What the agent's requests may carry it to; without one, nothing.
    pub binding: Option<Binding>,
}

/// One use of a secret in a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretUse {
    /// Where it went.
    pub host: String,
    /// With which method.
    pub method: String,
    /// The status of the answer; `None` where there was none, or is none yet.
    pub status: Option<u16>,
    /// The session of the agent.
    pub session: SessionId,
    /// The turn.
    pub turn: TurnId,
    /// The tool call.
    pub call: ToolCallId,
    /// When the request began.
    pub at: Timestamp,
}

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

    /// Returns what may be known of an agent's secrets, by name.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn secret_entries(&self, agent: AgentId) -> Result<Vec<SecretEntry>, Error>;

    /// Returns the uses of a secret, the latest first, from before the use `before` on; the latest 1,000 are kept, also
    /// of secrets that were removed.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn secret_uses(
        &self,
        agent: AgentId,
        name: &str,
        before: Option<u64>,
        limit: Limit,
    ) -> Result<Page<SecretUse, u64>, Error>;
}

/// Changes agents' secrets.
pub trait SecretsMut {
    /// Sets a secret, whether or not it was there; its binding stays. One that the agent has from another is its own
    /// from then on.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn put_secret(&mut self, agent: AgentId, name: &str, sealed: &Sealed, at: Timestamp)
    -> Result<(), Error>;

    /// Removes a secret with its binding, its own or one that it has from another, and returns whether it was there.
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

    /// Binds a secret that the agent holds itself, or takes its binding away, and returns whether it does.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn bind_secret(&mut self, agent: AgentId, name: &str, binding: Option<&Binding>) -> Result<bool, Error>;

    /// Takes note of a use.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn insert_secret_use(&mut self, agent: AgentId, name: &str, used: &SecretUse) -> Result<(), Error>;

    /// Takes note of what the uses in a tool call were answered with.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn answer_secret_uses(&mut self, turn: TurnId, call: &ToolCallId, status: u16) -> Result<(), Error>;
}
