use serde::Serialize;
use utoipa::ToSchema;

use roost_http::{iso, iso_if};

/// An API key, without its text.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct KeySummary {
    /// `key_…`; not the key itself.
    id: String,
    name: String,
    /// Which product's keys it looks like: `native`, `agento`, `gopilot`, `shinzo`, `fullpilot` or `agentcop`.
    r#as: &'static str,
    /// What it may do.
    scopes: Vec<&'static str>,
    /// The last four characters of its text.
    hint: String,
    created_at: String,
    /// When it stopped working, if it did.
    revoked_at: Option<String>,
}

/// An API key that was just made.
#[derive(Serialize, ToSchema)]
pub(crate) struct NewKey {
    #[serde(flatten)]
    pub(super) summary: KeySummary,
    /// The key itself. Nobody will see it again.
    #[schema(example = "roost_live_0123456789abcdef0123456789abcdef")]
    pub(super) key: String,
}

impl KeySummary {
    pub(super) fn new(key: roost_domain::key::Key) -> Self {
        Self {
            id: key.id.to_string(),
            name: key.name,
            r#as: key.style.name(),
            scopes: key.scopes.iter().map(|scope| scope.name()).collect(),
            hint: key.hint,
            created_at: iso(key.created_at),
            revoked_at: iso_if(key.revoked_at),
        }
    }
}
