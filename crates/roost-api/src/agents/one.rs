use axum::Json as Answer;
use axum::extract::State;
use roost_core::UpdateAgent;
use roost_domain::id::AgentId;
use roost_http::{Caller, Failure, Json, Segment};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::wire::AgentDetails;
use super::{parsed, with_policy};
use crate::app::App;
use crate::envelope::Data;

/// Get an agent
///
/// With its configuration and documents.
#[utoipa::path(
    get, path = "/v1/agents/{id}", tag = "agents",
    security(("ApiKey" = ["agents:read"]), ("Bearer" = ["agents:read"])),
    params(("id" = String, Path, description = "The agent.")),
    responses((status = 200, description = "The agent.", body = Data<AgentDetails>)),
)]
pub(crate) async fn get(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(AgentId,)>,
) -> Result<Answer<Data<AgentDetails>>, Failure> {
    let view = app.core.agents().get(&ctx, id).await?;
    Ok(Answer(Data { data: AgentDetails::new(&ctx, view) }))
}

/// What to change of an agent; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct UpdateAgentBody {
    /// 1 to 100 characters.
    name: Option<String>,
    /// At most 2,000 characters.
    description: Option<String>,
    /// As `provider/model`; takes effect with the next model call.
    model: Option<String>,
    /// `small`, `medium`, `large` or `xlarge`; takes effect with the next restart.
    size: Option<String>,
    /// An http or https URL; null removes it.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    avatar_url: Option<Option<String>>,
    /// Replaces all tags.
    tags: Option<Vec<String>>,
    /// Merged into the configuration, key by key on the first level; a null removes its key.
    #[schema(value_type = Option<Object>)]
    config: Option<Map<String, Value>>,
    /// `open`, `standard` or `strict`; the same as `config.policy`.
    policy: Option<String>,
    /// The swarm it is to be in; null takes it out of the one it is in.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    swarm_id: Option<Option<String>>,
}

/// Tells a null from nothing at all.
fn given<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(value).map(Some)
}

/// Change an agent
///
/// `needsRestart` tells whether something waits for a restart: the size, the network rules and the policy do, the
/// rest takes effect at once.
#[utoipa::path(
    patch, path = "/v1/agents/{id}", tag = "agents",
    security(("ApiKey" = ["agents:write"]), ("Bearer" = ["agents:write"])),
    params(("id" = String, Path, description = "The agent.")),
    request_body = UpdateAgentBody,
    responses((status = 200, description = "The agent as it is now.", body = Data<AgentDetails>)),
)]
pub(crate) async fn update(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(AgentId,)>,
    Json(body): Json<UpdateAgentBody>,
) -> Result<Answer<Data<AgentDetails>>, Failure> {
    let view = app.core.agents().update(&ctx, id, body.into_params()?).await?;
    Ok(Answer(Data { data: AgentDetails::new(&ctx, view) }))
}

/// Change an agent
///
/// The same as PATCH: what is left out stays.
#[utoipa::path(
    put, path = "/v1/agents/{id}", tag = "agents",
    security(("ApiKey" = ["agents:write"]), ("Bearer" = ["agents:write"])),
    params(("id" = String, Path, description = "The agent.")),
    request_body = UpdateAgentBody,
    responses((status = 200, description = "The agent as it is now.", body = Data<AgentDetails>)),
)]
pub(crate) async fn replace(
    app: State<App>,
    caller: Caller,
    id: Segment<(AgentId,)>,
    body: Json<UpdateAgentBody>,
) -> Result<Answer<Data<AgentDetails>>, Failure> {
    update(app, caller, id, body).await
}

/// An agent that is gone.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Deleted {
    id: String,
    /// Always true.
    deleted: bool,
}

/// Delete an agent
///
/// For good: its machine, its workspace, its sessions, its secrets. What it was doing is cut short.
#[utoipa::path(
    delete, path = "/v1/agents/{id}", tag = "agents",
    security(("ApiKey" = ["agents:delete"]), ("Bearer" = ["agents:delete"])),
    params(("id" = String, Path, description = "The agent.")),
    responses((status = 200, description = "It is gone.", body = Data<Deleted>)),
)]
pub(crate) async fn delete(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(AgentId,)>,
) -> Result<Answer<Data<Deleted>>, Failure> {
    app.core.agents().delete(&ctx, id).await?;
    Ok(Answer(Data { data: Deleted { id: id.to_string(), deleted: true } }))
}

impl UpdateAgentBody {
    fn into_params(self) -> Result<UpdateAgent, Failure> {
        let config = match (self.config, self.policy) {
            (None, None) => None,
            (config, policy) => Some(with_policy(config.unwrap_or_default(), policy)?),
        };
        Ok(UpdateAgent {
            name: self.name,
            description: self.description,
            model: parsed("model", self.model)?,
            size: parsed("size", self.size)?,
            swarm: self.swarm_id.map(super::swarm).transpose()?,
            avatar_url: self.avatar_url,
            tags: self.tags,
            config,
        })
    }
}
