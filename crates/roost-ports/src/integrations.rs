//! Integrations: which services there are, how leave is had from them, what can be asked of them.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use roost_domain::integration::{Description, Fault, Integration, IntegrationName, OAuth};
use roost_domain::secret::Secret;
use serde_json::Value;

/// The largest OpenAPI document that is read.
pub const DESCRIPTION_MAX_BYTES: usize = 24 * 1024 * 1024;

/// Who asks a service for leave. No `Debug`: it holds a secret.
#[derive(Clone)]
pub struct OAuthClient {
    /// The service's OAuth.
    pub oauth: OAuth,
    /// What its templates are filled with.
    pub fields: BTreeMap<String, String>,
    /// The client's id there.
    pub id: String,
    /// The client's secret there; a public client has none.
    pub secret: Option<Secret>,
    /// Where the service sends people back to.
    pub redirect: String,
}

/// What a service gave.
pub struct Tokens {
    /// What requests show.
    pub access: Secret,
    /// What renews it, where the service gave such a thing.
    pub refresh: Option<Secret>,
    /// How long it lasts, where the service said so.
    pub expires_in: Option<Duration>,
    /// What it may do, where the service said so.
    pub scopes: Option<Vec<String>>,
}

/// What a client asks for.
pub struct Ask<'a> {
    /// The scopes.
    pub scopes: &'a [String],
    /// What comes back with the answer, unguessable.
    pub state: &'a str,
    /// What the challenge is made of; `None` where the service takes none.
    pub verifier: Option<&'a Secret>,
}

/// Knows services and speaks OAuth 2 with them.
///
/// Nothing here takes a `Permit`: leave is asked for and given back on behalf of a person who said so, and no agent
/// acts. What agents ask of services they send through [`crate::tool::Tools`].
#[async_trait]
pub trait Integrations: Send + Sync {
    /// Returns the catalog, sorted by name.
    fn catalog(&self) -> &[Integration];

    /// Returns where a person says yes.
    ///
    /// # Errors
    ///
    /// [`Error::Field`] if a template cannot be filled.
    fn authorization(&self, client: &OAuthClient, ask: &Ask<'_>) -> Result<String, Error>;

    /// Exchanges a code for tokens.
    ///
    /// # Errors
    ///
    /// [`Error`]; a code that was refused is used up.
    ///
    /// # Cancel
    ///
    /// The service may have used the code up.
    async fn exchange(
        &self,
        client: &OAuthClient,
        code: &Secret,
        verifier: Option<&Secret>,
    ) -> Result<Tokens, Error>;

    /// Renews a token.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] if the service does not accept the refresh token any more.
    ///
    /// # Cancel
    ///
    /// The service may have replaced the refresh token.
    async fn refresh(&self, client: &OAuthClient, refresh: &Secret) -> Result<Tokens, Error>;

    /// Takes a token back, if the service has a place for that; returns whether it has.
    ///
    /// # Errors
    ///
    /// [`Error`]; the token may still hold there.
    ///
    /// # Cancel
    ///
    /// Safe.
    async fn revoke(&self, client: &OAuthClient, token: &Secret) -> Result<bool, Error>;

    /// Gets an OpenAPI document, at most [`DESCRIPTION_MAX_BYTES`] of it. Follows redirects to public addresses only.
    ///
    /// # Errors
    ///
    /// [`Error`].
    ///
    /// # Cancel
    ///
    /// Safe.
    async fn fetch(&self, url: &str) -> Result<String, Error>;

    /// Reads an OpenAPI document whole: 2.0, 3.0 or 3.1, JSON or YAML. The name decides how long operations' names may
    /// be.
    ///
    /// # Errors
    ///
    /// [`BadDescription`] if it is none.
    ///
    /// # Cancel
    ///
    /// Safe; reading goes on in the background for nobody.
    async fn describe(&self, name: &IntegrationName, text: String) -> Result<Description, BadDescription>;

    /// Checks arguments against an operation's schema; returns the first few faults.
    ///
    /// # Errors
    ///
    /// Each fault with its path below `arguments`.
    fn check(&self, schema: &Value, arguments: &Value) -> Result<(), Vec<Fault>>;
}

/// A text that is no OpenAPI document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadDescription(pub String);

/// Why a service gave nothing. Holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A field that its addresses need is missing or cannot stand there.
    #[error("the field {0} is needed and missing, or cannot stand in an address")]
    Field(String),
    /// The address is not public, and the server's owner does not list it.
    #[error(
        "{place} is not a public address; the server's owner can allow it with integrations.allow_private in roost.toml"
    )]
    NotPublic {
        /// Host and port, and what they stand for.
        place: String,
    },
    /// There was no answer, or one that nobody understands.
    #[error("{0}")]
    NoAnswer(String),
    /// The service said no.
    #[error("{}", told(code, detail))]
    Refused {
        /// Its code: `invalid_grant`.
        code: String,
        /// What it says about it, cut.
        detail: Option<String>,
    },
}

fn told(code: &str, detail: &Option<String>) -> String {
    match detail {
        Some(detail) => format!("the service refused: {code} ({detail})"),
        None => format!("the service refused: {code}"),
    }
}
