use std::collections::BTreeMap;

use axum::Json as Answer;
use axum::extract::State;
use roost_core::PutSecrets;
use roost_domain::id::AgentId;
use roost_http::{Caller, Failure, Json, Segment};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::agents::secrets::{SecretText, SecretsByName, stored_name};
use crate::app::App;
use crate::envelope::Data;

/// Secrets to be set and removed.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct PutSecretsBody {
    /// Write-only, at most 10,000 characters each: `anthropic_api_key`, `openai_api_key`, `slack_bot_token`, or
    /// whatever else you call it, with underscores or in camel case.
    #[schema(value_type = Option<BTreeMap<String, String>>, example = json!({"anthropic_api_key": "sk-ant-…"}))]
    secrets: Option<BTreeMap<String, SecretText>>,
    /// The names of those to remove; a name that is none is passed over.
    delete_secrets: Option<Vec<String>>,
}

/// What it came to.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ChangedSecrets {
    /// Whether anything was set or removed.
    updated: bool,
    /// True for an agent that is up. Model calls and requests use new values at once; what runs in the agent's machine
    /// may need the restart.
    needs_restart: bool,
    /// Whose key the agent's model calls use now: `own`, `swarm`, `server`, or `missing`, with which it cannot answer.
    model_key: &'static str,
}

/// Set an agent's secrets
///
/// Nobody can read them. At most 100. A new value keeps the binding that the secret has.
#[utoipa::path(
    put, path = "/v1/agents/{id}/secrets", tag = "secrets", operation_id = "put_secrets",
    security(("ApiKey" = ["agents:write"]), ("Bearer" = ["agents:write"])),
    params(("id" = String, Path, description = "The agent.")),
    request_body = PutSecretsBody,
    responses((status = 200, description = "They are set.", body = Data<ChangedSecrets>)),
)]
pub(crate) async fn put_secrets(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(AgentId,)>,
    Json(body): Json<PutSecretsBody>,
) -> Result<Answer<Data<ChangedSecrets>>, Failure> {
    let changed = app.core.secrets().put(&ctx, id, body.into_params()?).await?;
    Ok(Answer(Data {
        data: ChangedSecrets {
            updated: changed.updated,
            needs_restart: changed.needs_restart,
            model_key: changed.model_key.name(),
        },
    }))
}

impl PutSecretsBody {
    fn into_params(self) -> Result<PutSecrets, Failure> {
        let mut set = SecretsByName::default();
        for (name, secret) in self.secrets.unwrap_or_default() {
            let field = format!("secrets.{name}");
            let stored = stored_name(&field, &name)?;
            set.add(&field, stored, secret)?;
        }
        let named = |(index, name): (usize, String)| stored_name(&format!("deleteSecrets[{index}]"), &name);
        let delete = self.delete_secrets.unwrap_or_default().into_iter().enumerate().map(named);
        Ok(PutSecrets { set: set.into_map(), delete: delete.collect::<Result<_, _>>()? })
    }
}
