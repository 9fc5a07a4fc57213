use jiff::Timestamp;
use roost_domain::id::{AccountId, SwarmId};
use roost_domain::swarm::Swarm;

use super::Error;
use crate::vault::Sealed;

/// Looks at swarms.
pub trait Swarms {
    /// Returns one swarm of an account.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn swarm(&self, account: AccountId, id: SwarmId) -> Result<Option<Swarm>, Error>;

    /// Returns the swarm of an account that has this slug.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn swarm_by_slug(&self, account: AccountId, slug: &str) -> Result<Option<Swarm>, Error>;

    /// Returns the swarms of an account, newest first, each with the number of its agents, all of them; the core limits
    /// how many there are.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn swarms(&self, account: AccountId) -> Result<Vec<(Swarm, u64)>, Error>;

    /// Returns one secret of a swarm.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn swarm_secret(&self, swarm: SwarmId, name: &str) -> Result<Option<Sealed>, Error>;

    /// Returns the names of a swarm's secrets, sorted.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn swarm_secret_names(&self, swarm: SwarmId) -> Result<Vec<String>, Error>;
}

/// Changes swarms.
pub trait SwarmsMut {
    /// Adds a swarm.
    ///
    /// # Errors
    ///
    /// [`Error::Exists`] if the id or the slug is taken.
    fn insert_swarm(&mut self, swarm: &Swarm) -> Result<(), Error>;

    /// Replaces a swarm's row; read it in the same transaction.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn update_swarm(&mut self, swarm: &Swarm) -> Result<(), Error>;

    /// Removes a swarm with its secrets. Its agents are in no swarm then, and nothing else of them changes. Returns
    /// whether it was there.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn delete_swarm(&mut self, account: AccountId, id: SwarmId) -> Result<bool, Error>;

    /// Sets a secret, whether or not it was there.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn put_swarm_secret(
        &mut self,
        swarm: SwarmId,
        name: &str,
        sealed: &Sealed,
        at: Timestamp,
    ) -> Result<(), Error>;

    /// Removes a secret and returns whether it was there.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn delete_swarm_secret(&mut self, swarm: SwarmId, name: &str) -> Result<bool, Error>;
}
