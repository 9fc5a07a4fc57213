use std::collections::BTreeMap;

use axum::Json as Answer;
use axum::extract::State;
use roost_domain::id::SwarmId;
use roost_http::{Caller, Failure, Json, Segment};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::agents::secrets::{SecretText, SecretsByName, stored_name};
use crate::app::App;
use crate::envelope::Data;

/// Keys to be set and removed.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct PutSwarmSecretsBody {
    /// Write-only: `anthropic_api_key`, `openai_api_key`, `google_api_key`, …, or in camel case.
    #[schema(value_type = Option<BTreeMap<String, String>>, example = json!({"anthropic_api_key": "sk-ant-…"}))]
    secrets: Option<BTreeMap<String, SecretText>>,
    /// The names of those to remove.
    delete_secrets: Option<Vec<String>>,
}

/// What there is now.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SwarmSecrets {
    /// Always true.
    updated: bool,
    /// The names of the keys that there are, sorted.
    secrets: Vec<String>,
}

/// Set a swarm's keys
///
/// Keys for model providers that the agents of a swarm share: an agent that has none of its own uses them, from its
/// next model call on. Nobody can read them.
#[utoipa::path(
    put, path = "/v1/swarms/{id}/secrets", tag = "swarms", operation_id = "put_swarm_secrets",
    security(("ApiKey" = ["swarms:write"]), ("Bearer" = ["swarms:write"])),
    params(("id" = String, Path, description = "The swarm.")),
    request_body = PutSwarmSecretsBody,
    responses((status = 200, description = "They are set.", body = Data<SwarmSecrets>)),
)]
pub(crate) async fn put_secrets(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(SwarmId,)>,
    Json(body): Json<PutSwarmSecretsBody>,
) -> Result<Answer<Data<SwarmSecrets>>, Failure> {
    let mut set = SecretsByName::default();
    for (name, secret) in body.secrets.unwrap_or_default() {
        let field = format!("secrets.{name}");
        let stored = stored_name(&field, &name)?;
        set.add(&field, stored, secret)?;
    }
    let named = |(index, name): (usize, String)| stored_name(&format!("deleteSecrets[{index}]"), &name);
    let delete = body.delete_secrets.unwrap_or_default().into_iter().enumerate().map(named);
    let delete = delete.collect::<Result<_, _>>()?;
    let secrets = app.core.swarms().put_secrets(&ctx, id, set.into_map(), delete).await?;
    Ok(Answer(Data { data: SwarmSecrets { updated: true, secrets } }))
}
