use std::collections::BTreeMap;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use roost_core::{ConnectionCursor, PutConnectionKey, StartConnection};
use roost_domain::id::{AgentId, ConnectionId};
use roost_domain::page::Limit;
use roost_domain::secret::Secret;
use roost_http::{Caller, Failure, Json, Query, Segment, iso, write_cursor};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::wire::{AgentConnections, Connection, ConnectionLink};
use crate::app::App;
use crate::envelope::{Data, Listed, Pagination};
use crate::paging;

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListConnectionsQuery {
    /// 1 to 200; 50 by default.
    limit: Option<u32>,
    /// The `nextCursor` of the part before.
    cursor: Option<String>,
}

/// List connections
///
/// Those of all agents, newest first.
#[utoipa::path(
    get, path = "/v1/connections", tag = "integrations", operation_id = "list_connections",
    security(("ApiKey" = ["agents:read"]), ("Bearer" = ["agents:read"])),
    params(ListConnectionsQuery),
    responses((status = 200, description = "A part of the list.", body = Listed<Connection>)),
)]
pub(crate) async fn list(
    State(app): State<App>,
    Caller(ctx): Caller,
    Query(query): Query<ListConnectionsQuery>,
) -> Result<Answer<Listed<Connection>>, Failure> {
    let limit = Limit::clamped(query.limit.unwrap_or(50), 200);
    let after = paging::after::<ConnectionId>("connections", query.cursor.as_deref())?;
    let after = after.map(|(created_at, id)| ConnectionCursor { created_at, id });
    let page = app.core.connections().list(&ctx, after, limit).await?;
    let next = page.next.map(|next| write_cursor("connections", &[&next.created_at, &next.id]));
    Ok(Answer(Listed {
        data: page.rows.into_iter().map(Connection::new).collect(),
        pagination: Pagination::new(page.total, limit, next),
    }))
}

/// What revoking came to.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RevokedConnection {
    id: String,
    /// Always true: here it is gone.
    revoked: bool,
    /// Whether the service took its token back.
    revoked_at_service: bool,
    /// Why not.
    problem: Option<String>,
}

/// Revoke a connection
///
/// Here at once, and at the service where it has a place for that.
#[utoipa::path(
    delete, path = "/v1/connections/{id}", tag = "integrations", operation_id = "revoke_connection",
    security(("ApiKey" = ["agents:write"]), ("Bearer" = ["agents:write"])),
    params(("id" = String, Path, description = "The connection.")),
    responses((status = 200, description = "It is gone.", body = Data<RevokedConnection>)),
)]
pub(crate) async fn revoke(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(ConnectionId,)>,
) -> Result<Answer<Data<RevokedConnection>>, Failure> {
    let revoked = app.core.connections().revoke(&ctx, id).await?;
    let data = RevokedConnection {
        id: id.to_string(),
        revoked: true,
        revoked_at_service: revoked.at_service,
        problem: revoked.problem,
    };
    Ok(Answer(Data { data }))
}

/// List an agent's connections
///
/// And what it needs and lacks: the services that `config.integrations` and its workflow name.
#[utoipa::path(
    get, path = "/v1/agents/{id}/connections", tag = "integrations", operation_id = "agent_connections",
    security(("ApiKey" = ["agents:read"]), ("Bearer" = ["agents:read"])),
    params(("id" = String, Path, description = "The agent.")),
    responses((status = 200, description = "How it stands.", body = Data<AgentConnections>)),
)]
pub(crate) async fn of_agent(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(AgentId,)>,
) -> Result<Answer<Data<AgentConnections>>, Failure> {
    let view = app.core.connections().of_agent(&ctx, id).await?;
    Ok(Answer(Data { data: AgentConnections::new(view) }))
}

/// A connection to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConnectBody {
    /// The service.
    #[schema(example = "github")]
    integration: String,
    /// A key or token that you bring, write-only; `name:password` where the service wants both. Without it, a person
    /// gives leave with a browser.
    key: Option<String>,
    /// What is asked for.
    scopes: Option<Vec<String>>,
    /// What the blanks in the service's URLs are filled with.
    fields: Option<BTreeMap<String, String>>,
}

/// A connection, or where a person makes it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Connected {
    /// `connected`, or `auth_required`: open the URL
    status: &'static str,
    /// With a key: the connection.
    connection: Option<Connection>,
    /// Without one: where a person says yes, at the service.
    authorization_url: Option<String>,
    /// Until when the answer counts.
    expires_at: Option<String>,
}

/// Connect an agent
///
/// With a key at once; without one, the answer says where a person gives leave. A connection that the agent has to the
/// service is replaced when the new one is there.
#[utoipa::path(
    post, path = "/v1/agents/{id}/connections", tag = "integrations", operation_id = "connect",
    security(("ApiKey" = ["agents:write"]), ("Bearer" = ["agents:write"])),
    params(("id" = String, Path, description = "The agent.")),
    request_body = ConnectBody,
    responses((status = 201, description = "It is connected, or leave is asked for.", body = Data<Connected>)),
)]
pub(crate) async fn connect(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(AgentId,)>,
    Json(body): Json<ConnectBody>,
) -> Result<(StatusCode, Answer<Data<Connected>>), Failure> {
    let (integration, fields) = (body.integration, body.fields.unwrap_or_default());
    let data = match body.key {
        Some(key) => {
            let put = PutConnectionKey { integration, key: Secret::new(key), fields };
            let connection = app.core.connections().put_key(&ctx, id, put).await?;
            Connected {
                status: "connected",
                connection: Some(Connection::new(connection)),
                authorization_url: None,
                expires_at: None,
            }
        }
        None => {
            let start = StartConnection { integration, scopes: body.scopes, fields };
            let started = app.core.connections().start(&ctx, id, start).await?;
            Connected {
                status: "auth_required",
                connection: None,
                authorization_url: Some(started.url),
                expires_at: Some(iso(started.expires_at)),
            }
        }
    };
    Ok((StatusCode::CREATED, Answer(Data { data })))
}

/// Make connection links
///
/// One for each service that the agent needs and lacks; none if it is ready. Whoever opens one connects the agent, so
/// send them to people whom you trust. They hold for seven days.
#[utoipa::path(
    post, path = "/v1/agents/{id}/connections/links", tag = "integrations", operation_id = "connection_links",
    security(("ApiKey" = ["agents:write"]), ("Bearer" = ["agents:write"])),
    params(("id" = String, Path, description = "The agent.")),
    responses((status = 200, description = "The links.", body = Data<Vec<ConnectionLink>>)),
)]
pub(crate) async fn links(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(AgentId,)>,
) -> Result<Answer<Data<Vec<ConnectionLink>>>, Failure> {
    let urls = app.core.connections().urls(&ctx, id).await?;
    Ok(Answer(Data { data: urls.into_iter().map(ConnectionLink::new).collect() }))
}
