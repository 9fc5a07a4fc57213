use axum::Json as Answer;
use axum::extract::State;
use roost_core::SecretEntry;
use roost_domain::id::AgentId;
use roost_domain::network::HostRule;
use roost_domain::page::Limit;
use roost_domain::secret::{Binding, placeholder};
use roost_http::{Caller, Failure, Json, Segment, iso};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::agents::secrets::stored_name;
use crate::app::App;
use crate::envelope::{Data, Listed, Pagination};

/// No agent has more secrets.
const MOST: Limit = Limit::clamped(100, 100);

/// What may be known of a secret.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SecretSummary {
    /// As it is stored, in lower case with underscores.
    #[schema(example = "github_token")]
    name: String,
    /// When its value was last set.
    updated_at: String,
    /// Where the agent's requests may carry it; null is nowhere.
    binding: Option<BoundTo>,
}

/// Where an agent's requests may carry a secret.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BoundTo {
    #[schema(example = json!(["api.github.com"]))]
    hosts: Vec<String>,
    #[schema(example = json!(["GET"]))]
    methods: Vec<String>,
}

impl BoundTo {
    fn new(binding: &Binding) -> Self {
        let hosts = binding.hosts.iter().map(ToString::to_string).collect();
        Self { hosts, methods: binding.methods.clone() }
    }
}

/// List an agent's secrets
///
/// Names and bindings, by name; never values.
#[utoipa::path(
    get, path = "/v1/agents/{id}/secrets", tag = "secrets", operation_id = "list_secrets",
    security(("ApiKey" = ["agents:read"]), ("Bearer" = ["agents:read"])),
    params(("id" = String, Path, description = "The agent.")),
    responses((status = 200, description = "The secrets.", body = Listed<SecretSummary>)),
)]
pub(crate) async fn list_secrets(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(AgentId,)>,
) -> Result<Answer<Listed<SecretSummary>>, Failure> {
    let secrets = app.core.secrets().list(&ctx, id).await?;
    let shown = |entry: SecretEntry| SecretSummary {
        updated_at: iso(entry.updated_at),
        binding: entry.binding.as_ref().map(BoundTo::new),
        name: entry.name,
    };
    Ok(Answer(Listed {
        pagination: Pagination::new(secrets.len() as u64, MOST, None),
        data: secrets.into_iter().map(shown).collect(),
    }))
}

/// Where the agent's requests may carry a secret.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BindBody {
    /// 1 to 20 hosts: `example.com`, `*.example.com` (those below it), or an address, each with `:port` if wanted.
    #[schema(example = json!(["api.github.com"]))]
    hosts: Vec<String>,
    /// Out of `GET`, `HEAD`, `POST`, `PUT`, `PATCH`, `DELETE`, `OPTIONS`; `GET` and `HEAD` if left out.
    methods: Option<Vec<String>>,
}

/// A secret with its binding.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BoundSecret {
    name: String,
    /// What the agent puts into a header in its place.
    #[schema(example = "{{secret:github_token}}")]
    placeholder: String,
    binding: Option<BoundTo>,
}

impl BoundSecret {
    fn new(name: String, binding: Option<&Binding>) -> Self {
        Self { placeholder: placeholder(&name), name, binding: binding.map(BoundTo::new) }
    }
}

/// Bind a secret
///
/// From then on the agent may put `{{secret:NAME}}` into a header of `http_request` to these hosts with these methods,
/// over https, and the server puts the value in. The agent and its machine never see it: it is taken out of what comes
/// back. Each use is recorded.
#[utoipa::path(
    put, path = "/v1/agents/{id}/secrets/{name}/binding", tag = "secrets", operation_id = "bind_secret",
    security(("ApiKey" = ["agents:write"]), ("Bearer" = ["agents:write"])),
    params(
        ("id" = String, Path, description = "The agent."),
        ("name" = String, Path, description = "The secret."),
    ),
    request_body = BindBody,
    responses((status = 200, description = "It is bound.", body = Data<BoundSecret>)),
)]
pub(crate) async fn bind_secret(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id, name)): Segment<(AgentId, String)>,
    Json(body): Json<BindBody>,
) -> Result<Answer<Data<BoundSecret>>, Failure> {
    let (name, binding) = (stored_name("name", &name)?, body.into_params()?);
    let shown = BoundSecret::new(name.clone(), Some(&binding));
    app.core.secrets().bind(&ctx, id, name, Some(binding)).await?;
    Ok(Answer(Data { data: shown }))
}

/// Take a secret's binding away
///
/// No request carries it any more.
#[utoipa::path(
    delete, path = "/v1/agents/{id}/secrets/{name}/binding", tag = "secrets", operation_id = "unbind_secret",
    security(("ApiKey" = ["agents:write"]), ("Bearer" = ["agents:write"])),
    params(
        ("id" = String, Path, description = "The agent."),
        ("name" = String, Path, description = "The secret."),
    ),
    responses((status = 200, description = "It is bound to nothing.", body = Data<BoundSecret>)),
)]
pub(crate) async fn unbind_secret(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id, name)): Segment<(AgentId, String)>,
) -> Result<Answer<Data<BoundSecret>>, Failure> {
    let name = stored_name("name", &name)?;
    app.core.secrets().bind(&ctx, id, name.clone(), None).await?;
    Ok(Answer(Data { data: BoundSecret::new(name, None) }))
}

impl BindBody {
    fn into_params(self) -> Result<Binding, Failure> {
        let rule = |(index, text): (usize, String)| -> Result<HostRule, Failure> {
            text.parse().map_err(|error| Failure::invalid(&format!("hosts[{index}]"), error))
        };
        let hosts = self.hosts.into_iter().enumerate().map(rule).collect::<Result<_, _>>()?;
        let methods = self.methods.unwrap_or_else(|| ["GET", "HEAD"].map(str::to_owned).to_vec());
        let mut methods: Vec<_> = methods.into_iter().map(|method| method.to_ascii_uppercase()).collect();
        methods.sort();
        methods.dedup();
        Ok(Binding { hosts, methods })
    }
}
