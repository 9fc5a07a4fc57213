//! Subjects: whom a policy or a permission is about.

use std::fmt;
use std::str::FromStr;

use crate::id::AgentId;

/// Whom a policy or a permission is about, 1 to 200 characters.
///
/// It is the id of an agent that is hosted here, the name that its owner gives an agent that runs elsewhere, or
/// one of the two kinds whose rules their members inherit: `account` (every agent of the account) and
/// `swarm:SLUG` (the agents of that swarm).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Subject(String);

/// A text that names no subject.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must have 1 to 200 characters, none of them a control character, and not begin or end with a space")]
pub struct InvalidSubject;

impl Subject {
    /// Returns the whole account.
    pub fn account() -> Self {
        Self("account".to_owned())
    }

    /// Returns a swarm by its slug.
    pub fn swarm(slug: &str) -> Self {
        Self(format!("swarm:{slug}"))
    }

    /// Returns an agent that is hosted here.
    pub fn hosted(agent: AgentId) -> Self {
        Self(agent.to_string())
    }

    /// Returns the agent's id, if it can be one that is hosted here.
    pub fn agent(&self) -> Option<AgentId> {
        self.0.parse().ok()
    }

    /// Tells whether others inherit from it.
    pub fn is_group(&self) -> bool {
        self.0 == "account" || self.0.starts_with("swarm:")
    }

    /// Returns its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Subject {
    type Err = InvalidSubject;

    fn from_str(text: &str) -> Result<Self, InvalidSubject> {
        let length = text.chars().count();
        let ok = (1..=200).contains(&length) && text.trim() == text && !text.chars().any(char::is_control);
        if ok { Ok(Self(text.to_owned())) } else { Err(InvalidSubject) }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests;
