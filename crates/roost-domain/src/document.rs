//! Documents: the texts that shape an agent, with every version that there was.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

/// The most bytes of a document.
pub const MAX_BYTES: usize = 48_000;

/// The most rules of one agent.
pub const MAX_RULES: usize = 100;

/// Which document.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum DocumentName {
    /// SOUL.md: how the agent is.
    Soul,
    /// IDENTITY.md: who it is.
    Identity,
    /// WORKFLOW.md: what its job is.
    Workflow,
    /// `rules/NAME.md`: a procedure that it reads when it needs it.
    Rule(RuleName),
}

impl DocumentName {
    /// Tells whether the document stands in the agent's instructions, rather than being read on demand.
    pub const fn is_instruction(&self) -> bool {
        match self {
            Self::Soul | Self::Identity | Self::Workflow => true,
            Self::Rule(_) => false,
        }
    }
}

impl fmt::Display for DocumentName {
    /// Prints the file name: `SOUL.md`, `rules/refunds.md`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Soul => f.write_str("SOUL.md"),
            Self::Identity => f.write_str("IDENTITY.md"),
            Self::Workflow => f.write_str("WORKFLOW.md"),
            Self::Rule(rule) => write!(f, "rules/{rule}.md"),
        }
    }
}

impl FromStr for DocumentName {
    type Err = UnknownDocument;

    /// Reads a file name; `rules:refunds.md` is the same as `rules/refunds.md`, for places where no slash can stand.
    fn from_str(text: &str) -> Result<Self, UnknownDocument> {
        let unknown = || UnknownDocument(text.chars().take(80).collect());
        let rule = text.strip_prefix("rules/").or_else(|| text.strip_prefix("rules:"));
        match (text, rule) {
            ("SOUL.md", _) => Ok(Self::Soul),
            ("IDENTITY.md", _) => Ok(Self::Identity),
            ("WORKFLOW.md", _) => Ok(Self::Workflow),
            (_, Some(rule)) => {
                let name = rule.strip_suffix(".md").ok_or_else(unknown)?;
                Ok(Self::Rule(name.parse().map_err(|_| unknown())?))
            }
            (_, None) => Err(unknown()),
        }
    }
}

/// A text that names no document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no document; write SOUL.md, IDENTITY.md, WORKFLOW.md or rules:NAME.md")]
pub struct UnknownDocument(pub String);

/// The name of a rule: 1 to 64 letters, digits, hyphens and underscores.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RuleName(String);

impl RuleName {
    /// Returns it as it is written, without `.md`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RuleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for RuleName {
    type Err = InvalidRuleName;

    fn from_str(text: &str) -> Result<Self, InvalidRuleName> {
        let good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if (1..=64).contains(&text.len()) && text.bytes().all(good) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidRuleName(text.chars().take(80).collect()))
        }
    }
}

/// A text that cannot be the name of a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no name of a rule; write 1 to 64 letters, digits, hyphens and underscores, without .md")]
pub struct InvalidRuleName(pub String);

/// The SHA-256 of a document's text. A document that is not there has the hash of the empty text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ContentHash(pub [u8; 32]);

impl ContentHash {
    /// Returns a text's hash.
    pub fn of(content: &str) -> Self {
        Self(Sha256::digest(content.as_bytes()).into())
    }
}

impl fmt::Display for ContentHash {
    /// Prints 64 hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for ContentHash {
    type Err = InvalidHash;

    fn from_str(text: &str) -> Result<Self, InvalidHash> {
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return Err(InvalidHash);
        }
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let mut hash = [0; 32];
        for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
            let (high, low) = digit(pair[0]).zip(digit(pair[1])).ok_or(InvalidHash)?;
            *byte = high << 4 | low;
        }
        Ok(Self(hash))
    }
}

/// A text that is no SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a SHA-256, 64 hexadecimal digits")]
pub struct InvalidHash;

/// A document as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Which one.
    pub name: DocumentName,
    /// Which version, from 1.
    pub version: u64,
    /// Its text.
    pub content: String,
    /// When this version was written.
    pub updated_at: Timestamp,
}

/// One version of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Which document.
    pub name: DocumentName,
    /// Its number, from 1.
    pub number: u64,
    /// Its text; empty where this version is a deletion.
    pub content: Option<String>,
    /// What else is known of it.
    pub mark: Mark,
}

/// Who wrote a version, when and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Who.
    pub author: Author,
    /// Why, in their words.
    pub note: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// Who wrote a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Author {
    /// The server's owner.
    Owner,
    /// Whoever holds the key of this name.
    Key(String),
    /// The agent itself.
    Agent,
}

impl fmt::Display for Author {
    /// Prints the form used in records and on the wire: `owner`, `key:NAME` or `agent`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Owner => f.write_str("owner"),
            Self::Key(name) => write!(f, "key:{name}"),
            Self::Agent => f.write_str("agent"),
        }
    }
}

impl FromStr for Author {
    type Err = UnknownAuthor;

    fn from_str(text: &str) -> Result<Self, UnknownAuthor> {
        match (text, text.strip_prefix("key:")) {
            ("owner", _) => Ok(Self::Owner),
            ("agent", _) => Ok(Self::Agent),
            (_, Some(name)) => Ok(Self::Key(name.to_owned())),
            (_, None) => Err(UnknownAuthor(text.to_owned())),
        }
    }
}

/// A text that names no author.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no author")]
pub struct UnknownAuthor(pub String);

#[cfg(test)]
mod tests;
