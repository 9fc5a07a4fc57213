use roost_core::Edition;
use roost_domain::subject::Subject;
use roost_http::iso;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// An agent's own permissions.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Permissions {
    agent_id: String,
    #[schema(example = "1.0")]
    version: String,
    /// What they say, as they can be put again.
    #[schema(value_type = Object)]
    permissions: Value,
    updated_at: String,
    /// The name of the key that changed them.
    updated_by: String,
}

/// Permissions that are no more.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeletedPermissions {
    pub(super) agent_id: String,
    /// Always true.
    pub(super) deleted: bool,
}

impl Permissions {
    pub(super) fn new(subject: &Subject, edition: Edition) -> Self {
        Self {
            agent_id: subject.to_string(),
            version: edition.version.to_string(),
            permissions: edition.document.unwrap_or_default(),
            updated_at: iso(edition.at),
            updated_by: edition.by,
        }
    }
}
