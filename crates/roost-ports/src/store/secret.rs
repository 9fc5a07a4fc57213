use jiff::Timestamp;
use roost_domain::id::AgentId;

use super::Error;
use crate::vault::Sealed;

/// Looks at agents' secrets, which are stored sealed.
pub trait Secrets {
    /// Returns one secret.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn secret(&self, agent: AgentId, name: &str) -> Result<Option<Sealed>, Error>;

    /// Returns the names of an agent's secrets, sorted.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn secret_names(&self, agent: AgentId) -> Result<Vec<String>, Error>;
}

/// Changes agents' secrets.
pub trait SecretsMut {
    /// Sets a secret, whether or not it was there.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn put_secret(&mut self, agent: AgentId, name: &str, sealed: &Sealed, at: Timestamp)
    -> Result<(), Error>;

    /// Removes a secret and returns whether it was there.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn delete_secret(&mut self, agent: AgentId, name: &str) -> Result<bool, Error>;
}
