//! Encryption of secrets and hashing of keys, under the server's master key.

use roost_domain::id::AccountId;
use roost_domain::secret::Secret;

/// A secret as it is stored: nonce and ciphertext.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed(pub Vec<u8>);

/// The hash under which an API key is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyHash(pub [u8; 32]);

/// Keeps what must not be read.
pub trait Vault: Send + Sync {
    /// Encrypts a secret for one account. `place` says where it will stand (`agent/<id>/<name>`) and is bound to
    /// the ciphertext, so that it cannot be moved to another place.
    fn seal(&self, account: AccountId, place: &str, secret: &Secret) -> Sealed;

    /// Decrypts what [`Vault::seal`] made.
    ///
    /// # Errors
    ///
    /// [`Unreadable`] if it was made for another account or place, under another master key, or was changed.
    fn open(&self, account: AccountId, place: &str, sealed: &Sealed) -> Result<Secret, Unreadable>;

    /// Hashes the text of an API key with the server's pepper.
    fn key_hash(&self, key: &Secret) -> KeyHash;
}

/// A stored secret that cannot be decrypted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the secret stored at {place} cannot be decrypted; was the master key changed?")]
pub struct Unreadable {
    /// Where it stands.
    pub place: String,
}
