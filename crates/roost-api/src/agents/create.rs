use std::collections::BTreeMap;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use roost_core::CreateAgent;
use roost_domain::agent::Region;
use roost_domain::machine::Size;
use roost_http::{Caller, Failure, Json};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::secrets::{SecretText, SecretsByName, provider_key_name, stored_name};
use super::wire::AgentDetails;
use super::{channels, parsed, with_policy};
use crate::app::App;
use crate::envelope::Data;

/// An agent to be made. Takes Agento's body, GoPilot's, and what is Roost's own, in one.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct CreateAgentBody {
    /// 1 to 100 characters.
    #[schema(example = "Support Bot")]
    name: String,
    /// At most 2,000 characters.
    description: Option<String>,
    /// As `provider/model`. Without one, the usual model of the provider whose key is given, or the server's
    /// default.
    #[schema(example = "anthropic/claude-sonnet-4-6")]
    model: Option<String>,
    /// `eu` (default) or `us`
    region: Option<String>,
    /// `small`, `medium` (default), `large` or `xlarge`
    size: Option<String>,
    /// Write-only. Model keys are `<provider>ApiKey`: `anthropicApiKey`, `openaiApiKey`, `googleApiKey`,
    /// `openrouterApiKey`, …; others are kept under their names. Needed unless the server has a key of its own.
    #[schema(value_type = Option<BTreeMap<String, String>>, example = json!({"anthropicApiKey": "sk-ant-…"}))]
    secrets: Option<BTreeMap<String, Option<SecretText>>>,
    /// GoPilot's way to give model keys.
    #[serde(rename = "llm_keys")]
    llm_keys: Option<Vec<LlmKey>>,
    /// GoPilot's way to give channels: an object with `slack` (`appToken`, `botToken`), `discord` (`botToken`),
    /// `telegram` (`botToken`), `whatsapp` (nothing), or a list of objects that have the channel's name as `type`.
    #[schema(value_type = Option<Object>)]
    channels: Option<Value>,
    /// `roost` (default): Roost's own loop; `openclaw`: an OpenClaw gateway in the agent's machine, where this server
    /// hosts it.
    #[serde(rename = "runtime_kind")]
    runtime_kind: Option<String>,
    /// Keys that Roost acts on: `policy`, `network.allow`, `network.allowPrivate`, `budgetUsd`, `maxRounds`,
    /// `idleSeconds`, `approvalTtlSeconds`, `systemPrompt`. Others are kept and given back.
    #[schema(value_type = Option<Object>)]
    config: Option<Map<String, Value>>,
    /// `open`, `standard` (default) or `strict`; the same as `config.policy`.
    policy: Option<String>,
    /// SOUL.md: how it is.
    soul_md: Option<String>,
    /// IDENTITY.md: who it is; without one, it is written from the name.
    identity_md: Option<String>,
    /// WORKFLOW.md: what its job is.
    workflow_md: Option<String>,
    /// The swarm it is to be in.
    swarm_id: Option<String>,
    /// At most 10, of 1 to 50 characters each.
    tags: Option<Vec<String>>,
    /// An http or https URL.
    avatar_url: Option<String>,
}

/// A key for a model provider.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LlmKey {
    /// `anthropic`, `openai`, `google` (or `gemini`), `openrouter`, …
    provider: String,
    /// Write-only.
    #[schema(value_type = String)]
    api_key: SecretText,
}

/// Create an agent
///
/// Makes the agent and starts it; it answers at once, and its machine starts when a tool first needs it. One with
/// a runtime of others is `provisioning` until that is up. Nothing is made when anything of the body is wrong.
#[utoipa::path(
    post, path = "/v1/agents", tag = "agents",
    security(("ApiKey" = ["agents:write"]), ("Bearer" = ["agents:write"])),
    request_body = CreateAgentBody,
    responses((status = 201, description = "The agent, running.", body = Data<AgentDetails>)),
)]
pub(crate) async fn create(
    State(app): State<App>,
    Caller(ctx): Caller,
    Json(body): Json<CreateAgentBody>,
) -> Result<(StatusCode, Answer<Data<AgentDetails>>), Failure> {
    let view = app.core.agents().create(&ctx, body.into_params()?).await?;
    Ok((StatusCode::CREATED, Answer(Data { data: AgentDetails::new(&ctx, view) })))
}

impl CreateAgentBody {
    fn into_params(self) -> Result<CreateAgent, Failure> {
        let mut secrets = SecretsByName::default();
        for (name, secret) in self.secrets.unwrap_or_default() {
            let field = format!("secrets.{name}");
            let stored = stored_name(&field, &name)?;
            if let Some(secret) = secret {
                secrets.add(&field, stored, secret)?;
            }
        }
        for (index, key) in self.llm_keys.unwrap_or_default().into_iter().enumerate() {
            let stored = provider_key_name(&format!("llm_keys[{index}].provider"), &key.provider)?;
            secrets.add(&format!("llm_keys[{index}]"), stored, key.api_key)?;
        }
        let mut config = with_policy(self.config.unwrap_or_default(), self.policy)?;
        if let Some(channels) = &self.channels {
            let names = channels::read(channels, &mut secrets)?;
            config.entry("channels").or_insert_with(|| json!(names));
        }
        Ok(CreateAgent {
            name: self.name,
            description: self.description.unwrap_or_default(),
            model: parsed("model", self.model)?,
            runtime: parsed("runtime_kind", self.runtime_kind)?.unwrap_or_default(),
            size: parsed("size", self.size)?.unwrap_or(Size::Medium),
            region: parsed("region", self.region)?.unwrap_or(Region::Eu),
            swarm: super::swarm(self.swarm_id)?,
            avatar_url: self.avatar_url,
            tags: self.tags.unwrap_or_default(),
            config,
            soul: self.soul_md,
            identity: self.identity_md,
            workflow: self.workflow_md,
            secrets: secrets.into_map(),
        })
    }
}
