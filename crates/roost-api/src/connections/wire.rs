use std::collections::BTreeMap;

use roost_core::{ConnectionUrl, ConnectionsView};
use roost_domain::connection;
use roost_http::{iso, iso_if};
use serde::Serialize;
use utoipa::ToSchema;

/// An agent's leave to use a service. What it shows there is told to nobody.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Connection {
    /// `con_…`
    id: String,
    agent_id: String,
    /// The service's name.
    integration: String,
    /// `oauth` or `key`
    kind: &'static str,
    /// `active`, or `expired`: the service no longer accepts it, and a person has to connect it again
    status: &'static str,
    /// What it may do there, as far as the service said.
    scopes: Vec<String>,
    fields: BTreeMap<String, String>,
    /// When the token ends; null if it does not, or the service did not say.
    expires_at: Option<String>,
    /// Whether it is renewed without a person.
    renewable: bool,
    /// Why it cannot be used.
    failure: Option<String>,
    created_at: String,
    updated_at: String,
}

/// A service that an agent needs and is not connected to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MissingConnection {
    integration: String,
    /// `not_connected`, `expired`, `no_client` (set one with `PUT /v1/integrations/{integration}/client`) or
    /// `unknown_integration`
    reason: &'static str,
}

/// An agent's connections, and what it needs and lacks.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AgentConnections {
    /// `ready`, or `auth_required` while anything is missing
    status: &'static str,
    connections: Vec<Connection>,
    missing: Vec<MissingConnection>,
}

/// Where a person connects an agent.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ConnectionLink {
    integration: String,
    title: String,
    /// Why it is needed.
    reason: &'static str,
    /// Open it in a browser; null where nobody knows such a service.
    connection_url: Option<String>,
    expires_at: String,
}

impl Connection {
    pub(super) fn new(one: connection::Connection) -> Self {
        Self {
            id: one.id.to_string(),
            agent_id: one.agent.to_string(),
            integration: one.integration.to_string(),
            kind: one.kind.name(),
            status: one.status.name(),
            scopes: one.scopes,
            fields: one.fields,
            expires_at: iso_if(one.expires_at),
            renewable: one.renewable,
            failure: one.failure,
            created_at: iso(one.created_at),
            updated_at: iso(one.updated_at),
        }
    }
}

impl AgentConnections {
    pub(super) fn new(view: ConnectionsView) -> Self {
        let missing = |one: connection::Missing| MissingConnection {
            integration: one.integration,
            reason: one.reason.name(),
        };
        Self {
            status: if view.missing.is_empty() { "ready" } else { "auth_required" },
            connections: view.connections.into_iter().map(Connection::new).collect(),
            missing: view.missing.into_iter().map(missing).collect(),
        }
    }
}

impl ConnectionLink {
    pub(super) fn new(url: ConnectionUrl) -> Self {
        Self {
            integration: url.integration,
            title: url.title,
            reason: url.reason.name(),
            connection_url: url.url,
            expires_at: iso(url.expires_at),
        }
    }
}
