//! Connections: an agent's leave to use a service, given by a person.
//!
//! The credential itself stands apart from it, sealed. A connection that the service no longer accepts is
//! [`Status::Expired`]: its agent needs a person again.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::id::{AccountId, AgentId, ConnectionId};
use crate::integration::IntegrationName;

/// How long before its end a token is renewed.
pub const RENEW_BEFORE: Duration = Duration::from_secs(60);

/// An agent's leave to use a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// Its id.
    pub id: ConnectionId,
    /// Whose it is.
    pub account: AccountId,
    /// Which agent's.
    pub agent: AgentId,
    /// To what.
    pub integration: IntegrationName,
    /// What it shows there.
    pub kind: CredentialKind,
    /// Whether it can be used.
    pub status: Status,
    /// What it may do there, where the service said so.
    pub scopes: Vec<String>,
    /// What the templates of the integration are filled with.
    pub fields: BTreeMap<String, String>,
    /// When the token ends; `None` if it does not, or the service did not say.
    pub expires_at: Option<Timestamp>,
    /// Whether it can be renewed without a person.
    pub renewable: bool,
    /// How often its credential was changed; tells two credentials apart.
    pub version: u64,
    /// Why it cannot be used.
    pub failure: Option<String>,
    /// When it was first made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// What a connection shows to a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialKind {
    /// A token that the service gave by OAuth.
    OAuth,
    /// A key that a person brought.
    Key,
}

impl CredentialKind {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::OAuth, Self::Key];

    /// Returns its name on the wire and in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OAuth => "oauth",
            Self::Key => "key",
        }
    }
}

/// Whether a connection can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It can.
    Active,
    /// The service no longer accepts it; a person has to connect again.
    Expired,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 2] = [Self::Active, Self::Expired];

    /// Returns its name on the wire and in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Expired => "expired",
        }
    }
}

impl Connection {
    /// Tells whether the token is to be renewed before it is used.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.renewable && self.expires_at.is_some_and(|at| at <= now + RENEW_BEFORE)
    }

    /// Tells whether the token is over.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }

    /// Returns it with a new credential.
    #[must_use]
    pub fn renewed(self, expires_at: Option<Timestamp>, renewable: bool, now: Timestamp) -> Self {
        let version = self.version.saturating_add(1);
        Self {
            status: Status::Active,
            failure: None,
            expires_at,
            renewable,
            version,
            updated_at: now,
            ..self
        }
    }

    /// Returns it as one that the service no longer accepts.
    #[must_use]
    pub fn refused(self, why: String, now: Timestamp) -> Self {
        Self { status: Status::Expired, failure: Some(why), updated_at: now, ..self }
    }
}

/// An integration that an agent needs and is not connected to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// Which.
    pub integration: String,
    /// Why.
    pub reason: MissingReason,
}

/// Why an agent cannot use an integration that it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MissingReason {
    /// Nobody has connected it.
    NotConnected,
    /// The service no longer accepts the connection.
    Expired,
    /// Nobody knows such an integration, neither the catalog nor the account.
    Unknown,
    /// The account has no OAuth client there.
    NoClient,
}

impl MissingReason {
    /// Returns its name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotConnected => "not_connected",
            Self::Expired => "expired",
            Self::Unknown => "unknown_integration",
            Self::NoClient => "no_client",
        }
    }
}

#[cfg(test)]
mod tests;
