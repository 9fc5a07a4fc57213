use axum::Json as Answer;
use axum::extract::State;
use roost_core::{Ctx, Error, WorkflowView};
use roost_domain::agent::Arming;
use roost_domain::id::AgentId;
use roost_http::{Caller, Failure, Segment};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::envelope::{Data, ErrorBody};

/// Whether anything may start an agent's workflow.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Triggers {
    /// The agent.
    id: String,
    /// `armed`: triggers and people start runs. `off` and `paused`: nothing does; runs under way go on.
    triggers: &'static str,
}

fn answered(agent: Result<WorkflowView, Error>) -> Result<Answer<Data<Triggers>>, Failure> {
    let agent = agent?.agent;
    Ok(Answer(Data { data: Triggers { id: agent.id.to_string(), triggers: agent.arming.name() } }))
}

async fn set(app: &App, ctx: &Ctx, id: AgentId, arming: Arming) -> Result<WorkflowView, Error> {
    let workflows = app.core.workflows();
    match arming {
        Arming::Armed => workflows.arm(ctx, id).await,
        Arming::Off => workflows.disarm(ctx, id).await,
        Arming::Paused => workflows.pause_triggers(ctx, id).await,
    }
}

/// Arm an agent
///
/// From now on its triggers and people may start runs of its workflow. An agent that is stopped does not work on them
/// until it is started.
#[utoipa::path(
    post, path = "/v1/agents/{id}/arm", tag = "workflows", operation_id = "arm_agent",
    security(("ApiKey" = ["agents:write"]), ("Bearer" = ["agents:write"])),
    params(("id" = String, Path, description = "The agent.")),
    responses(
        (status = 200, description = "How it stands now.", body = Data<Triggers>),
        (status = 409, description = "It has no workflow.", body = ErrorBody),
    ),
)]
pub(crate) async fn arm(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(AgentId,)>,
) -> Result<Answer<Data<Triggers>>, Failure> {
    answered(set(&app, &ctx, id, Arming::Armed).await)
}

/// Disarm an agent
///
/// Nothing starts runs of its workflow any more. Runs under way go on to their end.
#[utoipa::path(
    post, path = "/v1/agents/{id}/disarm", tag = "workflows", operation_id = "disarm_agent",
    security(("ApiKey" = ["agents:write"]), ("Bearer" = ["agents:write"])),
    params(("id" = String, Path, description = "The agent.")),
    responses((status = 200, description = "How it stands now.", body = Data<Triggers>)),
)]
pub(crate) async fn disarm(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(AgentId,)>,
) -> Result<Answer<Data<Triggers>>, Failure> {
    answered(set(&app, &ctx, id, Arming::Off).await)
}

/// Pause an agent's triggers
///
/// As disarming it, said to be for the time being; the agent itself is not paused.
#[utoipa::path(
    post, path = "/v1/agents/{id}/pause-triggers", tag = "workflows", operation_id = "pause_triggers",
    security(("ApiKey" = ["agents:write"]), ("Bearer" = ["agents:write"])),
    params(("id" = String, Path, description = "The agent.")),
    responses((status = 200, description = "How it stands now.", body = Data<Triggers>)),
)]
pub(crate) async fn pause_triggers(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(AgentId,)>,
) -> Result<Answer<Data<Triggers>>, Failure> {
    answered(set(&app, &ctx, id, Arming::Paused).await)
}
