use roost_domain::sandbox::Output;
use roost_http::{iso, iso_if};
use serde::Serialize;
use utoipa::ToSchema;

/// An ephemeral machine for somebody's code.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Sandbox {
    /// `sbx_…`
    id: String,
    /// Whoever's code it runs, as the request called them.
    agent_id: String,
    /// `container` or `wasm`
    mode: &'static str,
    image: String,
    /// `provisioning`, `ready`, `running`, `destroyed` or `error`
    status: &'static str,
    /// CPUs.
    #[schema(example = "0.5")]
    cpu: String,
    #[schema(example = "512MiB")]
    memory: String,
    created_at: String,
    /// When it is destroyed by itself.
    expires_at: String,
    destroyed_at: Option<String>,
}

impl Sandbox {
    pub(super) fn new(sandbox: roost_domain::sandbox::Sandbox) -> Self {
        Self {
            id: sandbox.id.to_string(),
            agent_id: sandbox.subject,
            mode: sandbox.mode.name(),
            status: sandbox.status.name(),
            cpu: sandbox.settings.cpu.to_string(),
            memory: sandbox.settings.memory.to_string(),
            image: sandbox.settings.image,
            created_at: iso(sandbox.created_at),
            expires_at: iso(sandbox.expires_at),
            destroyed_at: iso_if(sandbox.destroyed_at),
        }
    }
}

/// One run of code in a sandbox.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SandboxRun {
    /// `run_…`
    id: String,
    sandbox_id: String,
    /// `queued`, `running`, `succeeded`, `failed`, `timed_out`, `cancelled` (its sandbox was destroyed) or `lost` (the
    /// server ended while it ran)
    status: &'static str,
    /// With which code it ended, if it did so by itself.
    exit_code: Option<i32>,
    /// At most 256 KiB.
    stdout: String,
    /// Whether there was more.
    stdout_truncated: bool,
    /// At most 256 KiB, and what Roost has to say, in lines that begin with `roost: `.
    stderr: String,
    /// Whether there was more.
    stderr_truncated: bool,
    violation: Option<SandboxViolation>,
    /// In seconds.
    timeout: u64,
    created_at: String,
    started_at: Option<String>,
    finished_at: Option<String>,
    /// Where to ask how it stands.
    poll_url: String,
}

/// The first rule that a run ran into.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SandboxViolation {
    /// `timeout`, `out_of_memory`, `out_of_fuel`, `domain_blocked` or `output_too_large`
    r#type: &'static str,
    detail: String,
}

impl SandboxRun {
    pub(super) fn new(run: roost_domain::sandbox::Run) -> Self {
        let (Output { text: stdout, cut: stdout_truncated }, Output { text: stderr, cut: stderr_truncated }) =
            (run.stdout, run.stderr);
        let violation = run.violation;
        Self {
            poll_url: format!("/v1/sandboxes/{}/runs/{}", run.sandbox, run.id),
            id: run.id.to_string(),
            sandbox_id: run.sandbox.to_string(),
            status: run.status.name(),
            exit_code: run.exit_code,
            stdout,
            stdout_truncated,
            stderr,
            stderr_truncated,
            violation: violation.map(|violation| SandboxViolation {
                r#type: violation.kind.name(),
                detail: violation.detail,
            }),
            timeout: run.timeout.as_secs(),
            created_at: iso(run.created_at),
            started_at: iso_if(run.started_at),
            finished_at: iso_if(run.finished_at),
        }
    }
}
