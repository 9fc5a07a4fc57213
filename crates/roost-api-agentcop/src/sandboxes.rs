//! **Source:** AgentCop's API reference, "Sandbox API". What a run answers and where it is polled is not in the
//! documents.

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use roost_core::{Core, CreateSandbox, RunCode, Wait};
use roost_domain::id::{SandboxId, SandboxRunId};
use roost_domain::sandbox::{Mode, Requested, Run, Sandbox};
use roost_http::{Caller, Failure, Json, Segment, iso, iso_if};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateBody {
    agent_id: String,
    mode: Option<String>,
    #[serde(default)]
    config: Config,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    image: Option<String>,
    #[serde(default)]
    filesystem: Filesystem,
    #[serde(default)]
    network: Network,
    #[serde(default)]
    resources: Resources,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Filesystem {
    #[serde(default)]
    read_only: Vec<String>,
    #[serde(default)]
    read_write: Vec<String>,
    #[serde(default)]
    blocked: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Network {
    #[serde(default)]
    allow: Vec<String>,
    block_outbound: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Resources {
    cpu: Option<String>,
    memory: Option<String>,
    timeout: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunBody {
    code: String,
    timeout: Option<u64>,
    #[serde(default)]
    r#async: bool,
}

/// A sandbox. `agent_id` and `destroyed_at` are not in AgentCop's documents.
#[derive(Serialize)]
pub(crate) struct SandboxView {
    sandbox_id: String,
    agent_id: String,
    status: &'static str,
    mode: &'static str,
    created_at: String,
    expires_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    destroyed_at: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct RunView {
    run_id: String,
    sandbox_id: String,
    status: &'static str,
    exit_code: Option<i32>,
    stdout: String,
    stdout_truncated: bool,
    stderr: String,
    stderr_truncated: bool,
    violation: Option<ViolationView>,
    timeout: u64,
    created_at: String,
    started_at: Option<String>,
    finished_at: Option<String>,
}

#[derive(Serialize)]
struct ViolationView {
    violation_type: &'static str,
    detail: String,
}

#[derive(Serialize)]
struct Accepted {
    run_id: String,
    status: &'static str,
    poll_url: String,
}

pub(crate) async fn create(
    State(core): State<Core>,
    Caller(ctx): Caller,
    Json(body): Json<CreateBody>,
) -> Result<(StatusCode, Answer<SandboxView>), Failure> {
    let sandbox = core.sandboxes().create(&ctx, body.into_params()?).await?;
    Ok((StatusCode::CREATED, Answer(SandboxView::new(sandbox))))
}

pub(crate) async fn show(
    State(core): State<Core>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(SandboxId,)>,
) -> Result<Answer<SandboxView>, Failure> {
    Ok(Answer(SandboxView::new(core.sandboxes().get(&ctx, id).await?)))
}

pub(crate) async fn delete(
    State(core): State<Core>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(SandboxId,)>,
) -> Result<StatusCode, Failure> {
    core.sandboxes().delete(&ctx, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn run(
    State(core): State<Core>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(SandboxId,)>,
    Json(body): Json<RunBody>,
) -> Result<Response, Failure> {
    let wait = if body.r#async { Wait::No } else { Wait::Over };
    let code = RunCode { sandbox: id, code: body.code, timeout: body.timeout, wait };
    let run = core.sandboxes().run(&ctx, code).await?;
    if run.status.is_over() {
        return Ok(Answer(RunView::new(run)).into_response());
    }
    let accepted = Accepted {
        run_id: run.id.to_string(),
        status: run.status.name(),
        poll_url: format!("/api/sandbox/{}/runs/{}", run.sandbox, run.id),
    };
    Ok((StatusCode::ACCEPTED, Answer(accepted)).into_response())
}

pub(crate) async fn show_run(
    State(core): State<Core>,
    Caller(ctx): Caller,
    Segment((id, run)): Segment<(SandboxId, SandboxRunId)>,
) -> Result<Answer<RunView>, Failure> {
    Ok(Answer(RunView::new(core.sandboxes().get_run(&ctx, id, run).await?)))
}

impl CreateBody {
    fn into_params(self) -> Result<CreateSandbox, Failure> {
        let mode = match self.mode {
            None => Mode::Container,
            Some(name) => Mode::ALL
                .into_iter()
                .find(|mode| mode.name() == name)
                .ok_or_else(|| Failure::invalid("mode", "must be container or wasm"))?,
        };
        let Config { image, filesystem, network, resources } = self.config;
        let asked = Requested {
            image,
            read_only: filesystem.read_only,
            read_write: filesystem.read_write,
            blocked: filesystem.blocked,
            allow: network.allow,
            block_outbound: network.block_outbound,
            cpu: resources.cpu,
            memory: resources.memory,
            timeout: resources.timeout,
        };
        Ok(CreateSandbox { subject: self.agent_id, mode, asked })
    }
}

impl SandboxView {
    fn new(sandbox: Sandbox) -> Self {
        Self {
            sandbox_id: sandbox.id.to_string(),
            agent_id: sandbox.subject,
            status: sandbox.status.name(),
            mode: sandbox.mode.name(),
            created_at: iso(sandbox.created_at),
            expires_at: iso(sandbox.expires_at),
            destroyed_at: iso_if(sandbox.destroyed_at),
        }
    }
}

impl RunView {
    fn new(run: Run) -> Self {
        let violation = run.violation;
        Self {
            run_id: run.id.to_string(),
            sandbox_id: run.sandbox.to_string(),
            status: run.status.name(),
            exit_code: run.exit_code,
            stdout: run.stdout.text,
            stdout_truncated: run.stdout.cut,
            stderr: run.stderr.text,
            stderr_truncated: run.stderr.cut,
            violation: violation.map(|violation| ViolationView {
                violation_type: violation.kind.name(),
                detail: violation.detail,
            }),
            timeout: run.timeout.as_secs(),
            created_at: iso(run.created_at),
            started_at: iso_if(run.started_at),
            finished_at: iso_if(run.finished_at),
        }
    }
}
