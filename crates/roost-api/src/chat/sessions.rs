use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use roost_core::NewSession;
use roost_domain::id::AgentId;
use roost_domain::page::Limit;
use roost_http::{Caller, Failure, OptionalJson, Segment};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::envelope::{Data, ErrorBody, Listed, Pagination};
use roost_http::iso;

const MOST: Limit = Limit::clamped(100, 100);

/// A conversation with one peer.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Session {
    /// `sess_…`
    id: String,
    name: Option<String>,
    /// How it is held: `api`.
    channel: &'static str,
    /// With whom: `peer:…`, or `key:…` where the caller named nobody.
    peer: String,
    started_at: String,
}

/// List sessions
///
/// The 100 that began last, the latest first.
#[utoipa::path(
    get, path = "/v1/agents/{id}/chat/sessions", tag = "chat",
    security(("ApiKey" = ["chat"]), ("Bearer" = ["chat"])),
    params(("id" = String, Path, description = "The agent.")),
    responses((status = 200, description = "The sessions.", body = Listed<Session>)),
)]
pub(crate) async fn sessions(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((agent,)): Segment<(AgentId,)>,
) -> Result<Answer<Listed<Session>>, Failure> {
    let (sessions, total) = app.core.sessions().list(&ctx, agent, MOST).await?;
    Ok(Answer(Listed {
        data: sessions.into_iter().map(Session::new).collect(),
        pagination: Pagination::new(total, MOST, None),
    }))
}

/// A session to be begun.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct BeginSessionBody {
    /// With whom, 1 to 200 characters; without one, whoever holds the key.
    peer_id: Option<String>,
}

/// Begin a session
///
/// Messages of the same peer that name no session go there from now on.
#[utoipa::path(
    post, path = "/v1/agents/{id}/chat/sessions", tag = "chat",
    security(("ApiKey" = ["chat"]), ("Bearer" = ["chat"])),
    params(("id" = String, Path, description = "The agent.")),
    request_body = Option<BeginSessionBody>,
    responses(
        (status = 201, description = "The session.", body = Data<Session>),
        (status = 409, description = "The agent is not running.", body = ErrorBody),
    ),
)]
pub(crate) async fn begin_session(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((agent,)): Segment<(AgentId,)>,
    OptionalJson(body): OptionalJson<BeginSessionBody>,
) -> Result<(StatusCode, Answer<Data<Session>>), Failure> {
    let session = app.core.sessions().create(&ctx, NewSession { agent, peer: body.peer_id }).await?;
    Ok((StatusCode::CREATED, Answer(Data { data: Session::new(session) })))
}

impl Session {
    fn new(session: roost_domain::session::Session) -> Self {
        Self {
            id: session.id.to_string(),
            name: session.name,
            channel: session.channel.name(),
            peer: session.peer.to_string(),
            started_at: iso(session.started_at),
        }
    }
}
