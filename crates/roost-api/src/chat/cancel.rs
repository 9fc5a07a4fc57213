use axum::Json as Answer;
use axum::extract::State;
use roost_domain::id::{AgentId, SessionId};
use roost_http::{Caller, Failure, Segment};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::envelope::{Data, ErrorBody};

/// A turn that stops.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Cancelled {
    session_id: String,
    turn_id: String,
    /// Always true.
    cancelled: bool,
}

/// Cancel what a session is doing
///
/// What its open turn has under way is cut short. The turn has ended when the session's events say so, usually at
/// once.
#[utoipa::path(
    post, path = "/v1/agents/{id}/chat/sessions/{session}/cancel", tag = "chat",
    security(("ApiKey" = ["chat"]), ("Bearer" = ["chat"])),
    params(
        ("id" = String, Path, description = "The agent."),
        ("session" = String, Path, description = "The session."),
    ),
    responses(
        (status = 200, description = "It stops.", body = Data<Cancelled>),
        (status = 409, description = "Nothing is being worked on.", body = ErrorBody),
    ),
)]
pub(crate) async fn cancel(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((agent, session)): Segment<(AgentId, SessionId)>,
) -> Result<Answer<Data<Cancelled>>, Failure> {
    let turn = app.core.sessions().cancel(&ctx, agent, session).await?;
    let cancelled = Cancelled { session_id: session.to_string(), turn_id: turn.to_string(), cancelled: true };
    Ok(Answer(Data { data: cancelled }))
}
