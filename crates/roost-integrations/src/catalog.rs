//! The catalog: one file for each first letter, one table for each service.

use std::collections::BTreeMap;

use roost_domain::integration::{
    Access, ClientAuth, Integration, IntegrationName, OAuth, Placement, UrlTemplate,
};
use serde::Deserialize;

macro_rules! letters {
    ($($letter:literal),+) => { [$(($letter, include_str!(concat!("../catalog/", $letter, ".toml")))),+] };
}

const FILES: [(&str, &str); 26] = letters!(
    "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q", "r", "s", "t", "u",
    "v", "w", "x", "y", "z"
);

/// A service as the files say it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    title: String,
    categories: Vec<String>,
    documentation: String,
    base: Option<String>,
    openapi: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    fields: BTreeMap<String, String>,
    placement: Option<Place>,
    authorize: Option<String>,
    token: Option<String>,
    revoke: Option<String>,
    #[serde(default)]
    scopes: Vec<String>,
    #[serde(default)]
    known_scopes: Vec<String>,
    separator: Option<String>,
    #[serde(default)]
    pkce: bool,
    client_auth: Option<Auth>,
    #[serde(default)]
    parameters: BTreeMap<String, String>,
}

/// Where a request carries the credential: `"basic"`, `{ query = "key" }` or `{ header = "X-Key", prefix = "Token " }`.
#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Place {
    Named(Basic),
    Query {
        query: String,
    },
    Header {
        header: String,
        #[serde(default)]
        prefix: String,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Basic {
    Basic,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Auth {
    Basic,
    Body,
}

/// Reads the catalog, sorted by name. An entry that cannot be read is a fault of this build; the tests find it, and
/// it is left out here.
pub(crate) fn read() -> Vec<Integration> {
    let mut all = Vec::new();
    for entry in entries() {
        match entry {
            Ok(integration) => all.push(integration),
            Err(problem) => debug_assert!(false, "{problem}"),
        }
    }
    all.sort_by(|one: &Integration, other| one.name.cmp(&other.name));
    all
}

/// Returns every entry, or what is wrong with it.
fn entries() -> Vec<Result<Integration, String>> {
    let mut all = Vec::new();
    for (letter, text) in FILES {
        match toml::from_str::<BTreeMap<String, Entry>>(text) {
            Ok(entries) => all.extend(entries.into_iter().map(|(name, entry)| entry.integration(&name))),
            Err(error) => all.push(Err(format!("catalog/{letter}.toml: {error}"))),
        }
    }
    all
}

impl Entry {
    fn integration(self, name: &str) -> Result<Integration, String> {
        let wrong = |what: &dyn std::fmt::Display| format!("{name}: {what}");
        let template = |text: &str| text.parse::<UrlTemplate>().map_err(|error| wrong(&error));
        let access = match (&self.authorize, &self.token) {
            (Some(authorize), Some(token)) => Access::OAuth(Box::new(OAuth {
                authorize: template(authorize)?,
                token: template(token)?,
                revoke: self.revoke.as_deref().map(template).transpose()?,
                scopes: self.scopes,
                known_scopes: self.known_scopes,
                separator: self.separator.unwrap_or_else(|| " ".to_owned()),
                pkce: self.pkce,
                client_auth: match self.client_auth {
                    Some(Auth::Basic) => ClientAuth::Basic,
                    Some(Auth::Body) | None => ClientAuth::Body,
                },
                authorize_parameters: self.parameters,
            })),
            (None, None) => Access::Key,
            (Some(_), None) | (None, Some(_)) => {
                return Err(wrong(&"has one OAuth endpoint without the other"));
            }
        };
        let integration = Integration {
            name: name.parse::<IntegrationName>().map_err(|error| wrong(&error))?,
            title: self.title,
            categories: self.categories,
            documentation: Some(self.documentation),
            base: self.base.as_deref().map(template).transpose()?,
            openapi: self.openapi,
            access,
            placement: match self.placement {
                Some(Place::Named(Basic::Basic)) => Placement::Basic,
                Some(Place::Query { query }) => Placement::Query { name: query },
                Some(Place::Header { header, prefix }) => Placement::Header { name: header, prefix },
                None => Placement::bearer(),
            },
            headers: self.headers,
            fields: self.fields,
        };
        integration.check().map_err(|(path, problem)| wrong(&format!("{path} {problem}")))?;
        Ok(integration)
    }
}

#[cfg(test)]
mod tests;
