use axum::Json as Answer;
use axum::extract::State;
use roost_domain::id::AgentId;
use roost_http::{Caller, Failure, Segment};

use super::wire::AgentSummary;
use crate::app::App;
use crate::envelope::{Data, ErrorBody};

/// Start an agent
///
/// Starts it from any state; what queued while it was not running is worked on. Starting a running agent changes
/// nothing.
#[utoipa::path(
    post, path = "/v1/agents/{id}/start", tag = "agents",
    security(("ApiKey" = ["agents:write"]), ("Bearer" = ["agents:write"])),
    params(("id" = String, Path, description = "The agent.")),
    responses(
        (status = 200, description = "The agent as it is now.", body = Data<AgentSummary>),
    ),
)]
pub(crate) async fn start(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(AgentId,)>,
) -> Result<Answer<Data<AgentSummary>>, Failure> {
    let agent = app.core.agents().start(&ctx, id).await?;
    Ok(Answer(Data { data: AgentSummary::new(&ctx, agent) }))
}

/// Stop an agent
///
/// Cancels what it is doing and ends its machine; the workspace stays. Stopping a stopped agent changes nothing.
#[utoipa::path(
    post, path = "/v1/agents/{id}/stop", tag = "agents",
    security(("ApiKey" = ["agents:write"]), ("Bearer" = ["agents:write"])),
    params(("id" = String, Path, description = "The agent.")),
    responses(
        (status = 200, description = "The agent as it is now.", body = Data<AgentSummary>),
    ),
)]
pub(crate) async fn stop(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(AgentId,)>,
) -> Result<Answer<Data<AgentSummary>>, Failure> {
    let agent = app.core.agents().stop(&ctx, id).await?;
    Ok(Answer(Data { data: AgentSummary::new(&ctx, agent) }))
}

/// Restart an agent
///
/// Ends its machine and starts it afresh with its latest configuration; the workspace stays.
#[utoipa::path(
    post, path = "/v1/agents/{id}/restart", tag = "agents",
    security(("ApiKey" = ["agents:write"]), ("Bearer" = ["agents:write"])),
    params(("id" = String, Path, description = "The agent.")),
    responses(
        (status = 200, description = "The agent as it is now.", body = Data<AgentSummary>),
    ),
)]
pub(crate) async fn restart(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(AgentId,)>,
) -> Result<Answer<Data<AgentSummary>>, Failure> {
    let agent = app.core.agents().restart(&ctx, id).await?;
    Ok(Answer(Data { data: AgentSummary::new(&ctx, agent) }))
}

/// Pause an agent
///
/// Turns its loop off: what it is doing stops at the next step, messages queue, machine and files stay up.
#[utoipa::path(
    post, path = "/v1/agents/{id}/pause", tag = "agents",
    security(("ApiKey" = ["agents:write"]), ("Bearer" = ["agents:write"])),
    params(("id" = String, Path, description = "The agent.")),
    responses(
        (status = 200, description = "The agent as it is now.", body = Data<AgentSummary>),
        (status = 409, description = "It is in no state for this.", body = ErrorBody),
    ),
)]
pub(crate) async fn pause(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(AgentId,)>,
) -> Result<Answer<Data<AgentSummary>>, Failure> {
    let agent = app.core.agents().pause(&ctx, id).await?;
    Ok(Answer(Data { data: AgentSummary::new(&ctx, agent) }))
}

/// Resume an agent
///
/// Turns its loop on again; messages that queued are worked on.
#[utoipa::path(
    post, path = "/v1/agents/{id}/resume", tag = "agents",
    security(("ApiKey" = ["agents:write"]), ("Bearer" = ["agents:write"])),
    params(("id" = String, Path, description = "The agent.")),
    responses(
        (status = 200, description = "The agent as it is now.", body = Data<AgentSummary>),
        (status = 409, description = "It is in no state for this.", body = ErrorBody),
    ),
)]
pub(crate) async fn resume(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(AgentId,)>,
) -> Result<Answer<Data<AgentSummary>>, Failure> {
    let agent = app.core.agents().resume(&ctx, id).await?;
    Ok(Answer(Data { data: AgentSummary::new(&ctx, agent) }))
}
