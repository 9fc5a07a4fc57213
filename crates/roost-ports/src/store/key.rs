use jiff::Timestamp;
use roost_domain::id::{AccountId, KeyId};
use roost_domain::key::Key;

use super::Error;
use crate::vault::KeyHash;

/// Looks at API keys.
pub trait Keys {
    /// Returns the key with this hash, revoked or not.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn key_by_hash(&self, hash: &KeyHash) -> Result<Option<Key>, Error>;

    /// Returns the keys of an account, newest first, revoked ones included, at most 1,000.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn keys(&self, account: AccountId) -> Result<Vec<Key>, Error>;
}

/// Changes API keys.
pub trait KeysMut {
    /// Adds a key.
    ///
    /// # Errors
    ///
    /// [`Error::Exists`] if the id or the hash is taken.
    fn insert_key(&mut self, key: &Key, hash: &KeyHash) -> Result<(), Error>;

    /// Revokes a key and returns whether it existed; revoking twice keeps the first time.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn revoke_key(&mut self, account: AccountId, id: KeyId, at: Timestamp) -> Result<bool, Error>;
}
