//! Integrations: services that agents can be connected to, as data.
//!
//! An [`Integration`] says how a service lets others in ([`Access`]), where its interface is, and how a request shows
//! its credential ([`Placement`]). What can be asked of it is its [`Description`]: operations that were read from an
//! OpenAPI document, each of which becomes a request by [`Operation::bind`]. Who is connected is
//! [`crate::connection`].

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

mod bind;
mod operation;
mod search;
mod template;

pub use bind::{Fault, Request};
pub use operation::{Body, Description, Media, Operation, Parameter, Place, Style};
pub use search::{rank, score};
pub use template::{InvalidTemplate, UrlTemplate, check_value};

/// What an integration is called: `[a-z][a-z0-9-]{0,30}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IntegrationName(String);

/// A text that names no integration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no name of an integration; use up to 31 lower-case letters, digits and hyphens, a letter first"
)]
pub struct InvalidName(pub String);

impl FromStr for IntegrationName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let fits = (1..=31).contains(&text.len())
            && text.starts_with(|first: char| first.is_ascii_lowercase())
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidName(text.chars().take(80).collect())) }
    }
}

impl IntegrationName {
    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns what the names of its operations' tools begin with: `google-drive` gives `google_drive__`.
    pub fn tool_prefix(&self) -> String {
        format!("{}__", self.0.replace('-', "_"))
    }
}

impl fmt::Display for IntegrationName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A service that agents can be connected to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Integration {
    /// Its name, unique in the catalog and in an account.
    pub name: IntegrationName,
    /// What people call it.
    pub title: String,
    /// What it is for: `crm`, `email`, `storage`.
    pub categories: Vec<String>,
    /// Where its interface is explained.
    pub documentation: Option<String>,
    /// What the paths of its interface begin with; `None` where only its OpenAPI description says it.
    pub base: Option<UrlTemplate>,
    /// Where its maker publishes an OpenAPI description.
    pub openapi: Option<String>,
    /// How it lets others in.
    pub access: Access,
    /// Where a request carries the credential.
    pub placement: Placement,
    /// Headers that it wants with every request, such as its version.
    pub headers: BTreeMap<String, String>,
    /// What has to be known of an account there before anything can be reached: the names in its templates, each
    /// with what it means.
    pub fields: BTreeMap<String, String>,
}

/// How a service lets others in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// By OAuth 2, authorization code.
    OAuth(Box<OAuth>),
    /// By a key or token that a person copies from there.
    Key,
}

/// A service's OAuth 2.
///
/// **Source:** RFC 6749, RFC 7636 (PKCE), RFC 7009 (revocation).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OAuth {
    /// Where a person says yes.
    pub authorize: UrlTemplate,
    /// Where codes and refresh tokens become tokens.
    pub token: UrlTemplate,
    /// Where tokens are taken back, where the service has such a place.
    pub revoke: Option<UrlTemplate>,
    /// What is asked for if nobody says otherwise.
    pub scopes: Vec<String>,
    /// Others that can be asked for; not all there are.
    pub known_scopes: Vec<String>,
    /// What stands between two scopes.
    pub separator: String,
    /// Whether it takes a PKCE challenge. Some refuse parameters that they do not know.
    pub pkce: bool,
    /// How the client shows who it is at the token endpoint.
    pub client_auth: ClientAuth,
    /// What else stands in the authorization URL.
    pub authorize_parameters: BTreeMap<String, String>,
}

/// How an OAuth client shows who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientAuth {
    /// In the header `Authorization`, as RFC 6749 prefers.
    Basic,
    /// In the body.
    Body,
}

/// Where a request carries a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Placement {
    /// In a header, after a prefix such as `Bearer `, which may be empty.
    Header {
        /// The header's name.
        name: String,
        /// What stands before the credential.
        prefix: String,
    },
    /// In the query.
    Query {
        /// The parameter's name.
        name: String,
    },
    /// As HTTP Basic: the credential is `user:password`.
    Basic,
}

impl Placement {
    /// Returns the usual one: `Authorization: Bearer …`.
    pub fn bearer() -> Self {
        Self::Header { name: "Authorization".to_owned(), prefix: "Bearer ".to_owned() }
    }
}

impl Integration {
    /// Returns its OAuth, if that is how it lets others in.
    pub fn oauth(&self) -> Option<&OAuth> {
        match &self.access {
            Access::OAuth(oauth) => Some(oauth),
            Access::Key => None,
        }
    }

    /// Returns every template it has.
    pub fn templates(&self) -> Vec<&UrlTemplate> {
        let mut all: Vec<&UrlTemplate> = self.base.iter().collect();
        if let Some(oauth) = self.oauth() {
            all.extend([&oauth.authorize, &oauth.token]);
            all.extend(&oauth.revoke);
        }
        all
    }

    /// Returns the fields that its templates name and `values` lacks, each with what it means.
    pub fn missing_fields(&self, values: &BTreeMap<String, String>) -> Vec<(&str, &str)> {
        let named = |name: &str| self.templates().iter().any(|template| template.names().contains(&name));
        let all = self.fields.iter().filter(|(name, _)| named(name) && !values.contains_key(*name));
        all.map(|(name, meaning)| (name.as_str(), meaning.as_str())).collect()
    }

    /// Checks what its maker wrote, as far as it can be checked without asking the service.
    ///
    /// # Errors
    ///
    /// The path of the field and what is wrong with it.
    pub fn check(&self) -> Result<(), (String, String)> {
        let wrong = |path: &str, problem: &str| Err((path.to_owned(), problem.to_owned()));
        if self.title.trim().is_empty() || self.title.chars().count() > 100 {
            return wrong("title", "must have 1 to 100 characters");
        }
        if self.categories.len() > 10 || self.categories.iter().any(|one| one.is_empty() || one.len() > 40) {
            return wrong("categories", "must be at most 10, of 1 to 40 characters each");
        }
        for name in self.templates().iter().flat_map(|template| template.names()) {
            if !self.fields.contains_key(name) {
                return wrong("fields", &format!("must say what {name} is, which a URL has in braces"));
            }
        }
        if let Placement::Header { name, .. } | Placement::Query { name } = &self.placement
            && (name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':'))
        {
            return wrong("placement.name", "must be the name of a header or parameter");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
