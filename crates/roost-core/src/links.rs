//! Links that lead one person to one thing, without a key: signed, and good until a time.
//!
//! A token holds what it leads to, so nothing is kept of it. It stands in the path of a URL; whoever has it may do
//! what it is for, which is why it ends.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use roost_domain::id::{AccountId, AgentId, RunId};
use roost_domain::secret::Secret;
use uuid::Uuid;

use crate::{Core, Error, Kind};

/// What a link leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Answering a form.
    Form,
    /// Looking at a run.
    Run,
    /// Looking at an artifact.
    Artifact,
    /// Looking at a file that was given to a run.
    File,
}

/// A link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) purpose: Purpose,
    pub(crate) account: AccountId,
    pub(crate) agent: AgentId,
    pub(crate) run: RunId,
    /// The form, artifact or file; the run again where there is none.
    pub(crate) what: Uuid,
    pub(crate) expires_at: Timestamp,
}

/// The bytes of what is signed, and of the signature.
const SIGNED: usize = 1 + 4 * 16 + 8;
const SIGNATURE: usize = 16;

impl Purpose {
    const ALL: [Self; 4] = [Self::Form, Self::Run, Self::Artifact, Self::File];

    const fn byte(self) -> u8 {
        match self {
            Self::Form => b'f',
            Self::Run => b'r',
            Self::Artifact => b'a',
            Self::File => b'u',
        }
    }
}

impl Link {
    fn bytes(&self) -> [u8; SIGNED] {
        let mut bytes = [0; SIGNED];
        bytes[0] = self.purpose.byte();
        let ids = [self.account.uuid(), self.agent.uuid(), self.run.uuid(), self.what];
        for (place, id) in bytes[1..65].chunks_exact_mut(16).zip(ids) {
            place.copy_from_slice(id.as_bytes());
        }
        bytes[65..].copy_from_slice(&self.expires_at.as_second().to_be_bytes());
        bytes
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (&[kind], rest) = bytes.split_first_chunk::<1>()?;
        let id = |at: usize| Uuid::from_slice(rest.get(at * 16..(at + 1) * 16)?).ok();
        let seconds = i64::from_be_bytes(*rest.last_chunk::<8>()?);
        Some(Self {
            purpose: Purpose::ALL.into_iter().find(|purpose| purpose.byte() == kind)?,
            account: AccountId::from_uuid(id(0)?),
            agent: AgentId::from_uuid(id(1)?),
            run: RunId::from_uuid(id(2)?),
            what: id(3)?,
            expires_at: Timestamp::from_second(seconds).ok()?,
        })
    }
}

impl Core {
    /// Returns the token of a link.
    pub(crate) fn link(&self, link: &Link) -> String {
        let signed = link.bytes();
        URL_SAFE_NO_PAD.encode([&signed[..], &self.signature(&signed)].concat())
    }

    /// Returns the link that a token stands for.
    ///
    /// # Errors
    ///
    /// `NotFound` for a token that this server has not made, or for another purpose; `InvalidState` with the code
    /// `link_expired` for one whose time is over.
    pub(crate) fn follow(&self, purpose: Purpose, token: &str, now: Timestamp) -> Result<Link, Error> {
        let unknown = || Error::new(Kind::NotFound, "not_found", "this link leads nowhere; ask for another");
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| unknown())?;
        if bytes.len() != SIGNED + SIGNATURE {
            return Err(unknown());
        }
        let (signed, signature) = bytes.split_at(SIGNED);
        if !same(&self.signature(signed), signature) {
            return Err(unknown());
        }
        let link = Link::read(signed).filter(|link| link.purpose == purpose).ok_or_else(unknown)?;
        if link.expires_at < now {
            let message = "this link is no longer good; ask whoever sent it for another";
            return Err(Error::new(Kind::InvalidState, "link_expired", message));
        }
        Ok(link)
    }

    /// The vault hashes texts with a key that only this server has; no API key has the form of this text.
    fn signature(&self, signed: &[u8]) -> [u8; SIGNATURE] {
        let text = format!("roost link 1 {}", URL_SAFE_NO_PAD.encode(signed));
        let hash = self.ports.vault.key_hash(&Secret::new(text)).0;
        let mut signature = [0; SIGNATURE];
        signature.copy_from_slice(&hash[..SIGNATURE]);
        signature
    }
}

/// Compares in a time that does not tell how much is the same.
fn same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |odd, (a, b)| odd | (a ^ b)) == 0
}
