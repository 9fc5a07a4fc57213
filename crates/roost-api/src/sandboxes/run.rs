use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use roost_core::{RunCode, Wait};
use roost_domain::id::{SandboxId, SandboxRunId};
use roost_http::{Caller, Failure, Json, Segment};
use serde::Deserialize;
use utoipa::ToSchema;

use super::wire::SandboxRun;
use crate::app::App;
use crate::envelope::{Data, ErrorBody};

/// Code to be run.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunCodeBody {
    /// Python; in the mode `wasm` a WASI command in base64 or as text (`(module …)`), and Python only where the server
    /// has an interpreter for it.
    code: String,
    /// Seconds it may run, 1 to 600; 30 without it.
    timeout: Option<u64>,
    /// Answer at once, with 202; ask `pollUrl` how it stands.
    #[serde(default)]
    r#async: bool,
}

/// Run code
///
/// Answers when it is over, or at once with `async`. A sandbox has one run at a time. What fails in the code is no
/// error of the request.
#[utoipa::path(
    post, path = "/v1/sandboxes/{id}/run", tag = "sandboxes",
    security(("ApiKey" = ["sandboxes"]), ("Bearer" = ["sandboxes"])),
    params(("id" = String, Path, description = "The sandbox.")),
    request_body = RunCodeBody,
    responses(
        (status = 200, description = "The run, over.", body = Data<SandboxRun>),
        (status = 202, description = "The run, accepted.", body = Data<SandboxRun>),
        (status = 409, description = "The sandbox runs something already, or is destroyed.", body = ErrorBody),
    ),
)]
pub(crate) async fn run(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(SandboxId,)>,
    Json(body): Json<RunCodeBody>,
) -> Result<(StatusCode, Answer<Data<SandboxRun>>), Failure> {
    let wait = if body.r#async { Wait::No } else { Wait::Over };
    let code = RunCode { sandbox: id, code: body.code, timeout: body.timeout, wait };
    let run = app.core.sandboxes().run(&ctx, code).await?;
    // One that should have been over long ago is still polled.
    let status = if run.status.is_over() { StatusCode::OK } else { StatusCode::ACCEPTED };
    Ok((status, Answer(Data { data: SandboxRun::new(run) })))
}

/// Get a run
#[utoipa::path(
    get, path = "/v1/sandboxes/{id}/runs/{run}", tag = "sandboxes",
    security(("ApiKey" = ["sandboxes"]), ("Bearer" = ["sandboxes"])),
    params(
        ("id" = String, Path, description = "The sandbox."),
        ("run" = String, Path, description = "The run."),
    ),
    responses((status = 200, description = "The run as it stands.", body = Data<SandboxRun>)),
)]
pub(crate) async fn get_run(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id, run)): Segment<(SandboxId, SandboxRunId)>,
) -> Result<Answer<Data<SandboxRun>>, Failure> {
    let run = app.core.sandboxes().get_run(&ctx, id, run).await?;
    Ok(Answer(Data { data: SandboxRun::new(run) }))
}
