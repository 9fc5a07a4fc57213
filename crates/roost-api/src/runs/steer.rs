use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use roost_core::Again;
use roost_domain::id::{AgentId, RunId};
use roost_domain::workflow::StepId;
use roost_http::{Caller, Failure, Json, OptionalJson, Segment};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::wire::Run;
use crate::app::App;
use crate::envelope::{Data, ErrorBody};

/// Cancel a run
///
/// Nothing more begins in it, and what is under way is called off.
#[utoipa::path(
    post, path = "/v1/agents/{id}/runs/{run}/cancel", tag = "runs", operation_id = "cancel_run",
    security(("ApiKey" = ["runs"]), ("Bearer" = ["runs"])),
    params(("id" = String, Path, description = "The agent."), ("run" = String, Path, description = "The run.")),
    responses(
        (status = 200, description = "The run as it is now.", body = Data<Run>),
        (status = 409, description = "It is over already.", body = ErrorBody),
    ),
)]
pub(crate) async fn cancel_run(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id, run)): Segment<(AgentId, RunId)>,
) -> Result<Answer<Data<Run>>, Failure> {
    let view = app.core.runs().cancel(&ctx, id, run).await?;
    Ok(Answer(Data { data: Run::new(&app.core, view, ctx.now) }))
}

/// Another run like one that there was.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RerunBody {
    /// The first step that is done again; outputs of steps that do not need it are taken over. Without one, all is done
    /// again.
    from: Option<String>,
}

/// Run again
///
/// Another run of the same version of the workflow with the same input, from a step on.
#[utoipa::path(
    post, path = "/v1/agents/{id}/runs/{run}/rerun", tag = "runs", operation_id = "rerun",
    security(("ApiKey" = ["runs"]), ("Bearer" = ["runs"])),
    params(("id" = String, Path, description = "The agent."), ("run" = String, Path, description = "The run.")),
    request_body = Option<RerunBody>,
    responses((status = 201, description = "The new run.", body = Data<Run>)),
)]
pub(crate) async fn rerun(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id, run)): Segment<(AgentId, RunId)>,
    OptionalJson(body): OptionalJson<RerunBody>,
) -> Result<(StatusCode, Answer<Data<Run>>), Failure> {
    let again = Again { agent: id, run, from: body.from.map(StepId), input: None };
    let view = app.core.runs().again(&ctx, again).await?;
    Ok((StatusCode::CREATED, Answer(Data { data: Run::new(&app.core, view, ctx.now) })))
}

/// Another run with another input.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ForkRunBody {
    /// What it is given instead.
    input: Value,
    /// The first step that is done again; without one, all is done again.
    from: Option<String>,
}

/// Fork a run
///
/// Another run of the same version of the workflow with another input, from the beginning or a step on.
#[utoipa::path(
    post, path = "/v1/agents/{id}/runs/{run}/fork", tag = "runs", operation_id = "fork_run",
    security(("ApiKey" = ["runs"]), ("Bearer" = ["runs"])),
    params(("id" = String, Path, description = "The agent."), ("run" = String, Path, description = "The run.")),
    request_body = ForkRunBody,
    responses((status = 201, description = "The new run.", body = Data<Run>)),
)]
pub(crate) async fn fork_run(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id, run)): Segment<(AgentId, RunId)>,
    Json(body): Json<ForkRunBody>,
) -> Result<(StatusCode, Answer<Data<Run>>), Failure> {
    let again = Again { agent: id, run, from: body.from.map(StepId), input: Some(body.input) };
    let view = app.core.runs().again(&ctx, again).await?;
    Ok((StatusCode::CREATED, Answer(Data { data: Run::new(&app.core, view, ctx.now) })))
}
