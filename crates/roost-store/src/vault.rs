//! Secrets encrypted, API keys hashed, each with a key derived from the master key.

use std::fmt;
use std::sync::Arc;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use roost_domain::id::AccountId;
use roost_domain::secret::Secret;
use roost_ports::random::Random;
use roost_ports::vault::{KeyHash, Sealed, Unreadable, Vault};
use secrecy::{ExposeSecret, SecretBox};
use sha2::Sha256;

use crate::MasterKey;

/// The form of what is sealed: this byte, 24 bytes of nonce, ciphertext, 16 bytes of tag.
const FORM: u8 = 1;
const NONCE_BYTES: usize = 24;

/// Seals secrets with XChaCha20-Poly1305 under a key per account, and hashes API keys with HMAC-SHA-256.
///
/// An account's key is HKDF-SHA-256 of the master key with the account's id; the pepper of key hashes likewise
/// with a name of its own. Nonces are random: 24 bytes make a repetition out of the question.
pub struct SealedVault {
    master: Hkdf<Sha256>,
    pepper: SecretBox<[u8; 32]>,
    random: Arc<dyn Random>,
}

impl SealedVault {
    /// Returns a vault under a master key.
    #[expect(clippy::needless_pass_by_value, reason = "the key is used up: nobody needs it after this")]
    pub fn new(master: MasterKey, random: Arc<dyn Random>) -> Self {
        let master = Hkdf::new(None, master.expose());
        let pepper = derive(&master, &[b"roost api keys 1"]);
        Self { master, pepper, random }
    }

    fn cipher(&self, account: AccountId) -> XChaCha20Poly1305 {
        let key = derive(&self.master, &[b"roost account secrets 1", account.uuid().as_bytes()]);
        XChaCha20Poly1305::new(key.expose_secret().into())
    }

    fn decrypt(&self, account: AccountId, place: &str, sealed: &Sealed) -> Option<Secret> {
        let (form, rest) = sealed.0.split_first()?;
        let (nonce, ciphertext) = rest.split_first_chunk::<NONCE_BYTES>()?;
        if *form != FORM {
            return None;
        }
        let payload = Payload { msg: ciphertext, aad: place.as_bytes() };
        let bytes = self.cipher(account).decrypt(&XNonce::from(*nonce), payload).ok()?;
        String::from_utf8(bytes).ok().map(Secret::new)
    }
}

impl Vault for SealedVault {
    fn seal(&self, account: AccountId, place: &str, secret: &Secret) -> Sealed {
        let mut nonce = [0; NONCE_BYTES];
        self.random.fill(&mut nonce);
        let payload = Payload { msg: secret.expose().as_bytes(), aad: place.as_bytes() };
        let ciphertext = self
            .cipher(account)
            .encrypt(&XNonce::from(nonce), payload)
            .expect("only more than 256 GiB cannot be encrypted");
        let mut sealed = Vec::with_capacity(1 + NONCE_BYTES + ciphertext.len());
        sealed.push(FORM);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&ciphertext);
        Sealed(sealed)
    }

    fn open(&self, account: AccountId, place: &str, sealed: &Sealed) -> Result<Secret, Unreadable> {
        self.decrypt(account, place, sealed).ok_or_else(|| Unreadable { place: place.to_owned() })
    }

    fn key_hash(&self, key: &Secret) -> KeyHash {
        let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(self.pepper.expose_secret())
            .expect("HMAC takes keys of any length");
        mac.update(key.expose().as_bytes());
        KeyHash(mac.finalize().into_bytes().into())
    }
}

impl fmt::Debug for SealedVault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealedVault(…)")
    }
}

fn derive(master: &Hkdf<Sha256>, info: &[&[u8]]) -> SecretBox<[u8; 32]> {
    SecretBox::init_with_mut(|key: &mut [u8; 32]| {
        master.expand_multi_info(info, key).expect("32 bytes are far below what HKDF-SHA-256 can give");
    })
}

#[cfg(test)]
mod tests;
