use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use roost_core::CreateSandbox;
use roost_domain::sandbox::{Mode, Requested};
use roost_http::{Caller, Failure, Json};
use serde::Deserialize;
use utoipa::ToSchema;

use super::wire::Sandbox;
use crate::app::App;
use crate::envelope::Data;

/// A sandbox to be made.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct CreateSandboxBody {
    /// Whoever's code it will run, 1 to 200 characters; no agent here has to have that name.
    #[serde(alias = "agent_id")]
    agent_id: String,
    /// `container` (the usual one: a machine of its own, for Python) or `wasm` (a WebAssembly runtime).
    mode: Option<String>,
    config: Option<SandboxConfig>,
}

/// What it is to use and touch.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SandboxConfig {
    /// An approved image; `default` without one.
    image: Option<String>,
    filesystem: Option<SandboxFiles>,
    network: Option<SandboxNetwork>,
    resources: Option<SandboxResources>,
}

/// Paths and patterns below `/workspace`. With neither of the first two lists, everything there can be read and
/// written; otherwise nothing but what they name.
#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SandboxFiles {
    #[serde(default, alias = "read_only")]
    read_only: Vec<String>,
    #[serde(default, alias = "read_write")]
    read_write: Vec<String>,
    /// Wins over the others.
    #[serde(default)]
    blocked: Vec<String>,
}

/// Closed, unless hosts are named or `blockOutbound` is false.
#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SandboxNetwork {
    /// The only hosts that can be reached.
    #[serde(default)]
    allow: Vec<String>,
    #[serde(alias = "block_outbound")]
    block_outbound: Option<bool>,
}

#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SandboxResources {
    /// CPUs, 0.01 to 4; 1 without it.
    #[schema(example = "0.5")]
    cpu: Option<String>,
    /// 16m to 8g; 512m without it.
    #[schema(example = "512m")]
    memory: Option<String>,
    /// Seconds until it is destroyed by itself, 1 to 3600; 1800 without it.
    timeout: Option<u64>,
}

/// Create a sandbox
///
/// It is ready at once; its machine is up for as long as a run.
#[utoipa::path(
    post, path = "/v1/sandboxes", tag = "sandboxes",
    security(("ApiKey" = ["sandboxes"]), ("Bearer" = ["sandboxes"])),
    request_body = CreateSandboxBody,
    responses((status = 201, description = "The sandbox.", body = Data<Sandbox>)),
)]
pub(crate) async fn create(
    State(app): State<App>,
    Caller(ctx): Caller,
    Json(body): Json<CreateSandboxBody>,
) -> Result<(StatusCode, Answer<Data<Sandbox>>), Failure> {
    let sandbox = app.core.sandboxes().create(&ctx, body.into_params()?).await?;
    Ok((StatusCode::CREATED, Answer(Data { data: Sandbox::new(sandbox) })))
}

impl CreateSandboxBody {
    fn into_params(self) -> Result<CreateSandbox, Failure> {
        let mode = match self.mode {
            None => Mode::Container,
            Some(name) => Mode::ALL
                .into_iter()
                .find(|mode| mode.name() == name)
                .ok_or_else(|| Failure::invalid("mode", "must be container or wasm"))?,
        };
        let config = self.config.unwrap_or_default();
        let files = config.filesystem.unwrap_or_default();
        let network = config.network.unwrap_or_default();
        let resources = config.resources.unwrap_or_default();
        let asked = Requested {
            image: config.image,
            read_only: files.read_only,
            read_write: files.read_write,
            blocked: files.blocked,
            allow: network.allow,
            block_outbound: network.block_outbound,
            cpu: resources.cpu,
            memory: resources.memory,
            timeout: resources.timeout,
        };
        Ok(CreateSandbox { subject: self.agent_id, mode, asked })
    }
}
