use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use roost_core::{NewSecret, RotateTrigger};
use roost_domain::id::AgentId;
use roost_domain::page::Limit;
use roost_domain::secret::Secret;
use roost_http::{Caller, Failure, Json, OptionalJson, Segment};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::wire::{BegunRun, RotatedTrigger, TriggerBody};
use crate::app::App;
use crate::envelope::{Data, ErrorBody, Listed, Pagination};

/// The list has all triggers; no workflow has more.
const MOST: Limit = Limit::clamped(100, 100);

/// List triggers
///
/// By name, all of the agent's workflow but those that people start. They are there as soon as the workflow has them, so
/// that a webhook's path can be given to its sender before the triggers are turned on.
#[utoipa::path(
    get, path = "/v1/agents/{id}/triggers", tag = "triggers", operation_id = "list_triggers",
    security(("ApiKey" = ["schedules"]), ("Bearer" = ["schedules"])),
    params(("id" = String, Path, description = "The agent.")),
    responses((status = 200, description = "The triggers.", body = Listed<TriggerBody>)),
)]
pub(crate) async fn list(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((agent,)): Segment<(AgentId,)>,
) -> Result<Answer<Listed<TriggerBody>>, Failure> {
    let triggers = app.core.triggers().list(&ctx, agent).await?;
    Ok(Answer(Listed {
        pagination: Pagination::new(triggers.len() as u64, MOST, None),
        data: triggers.into_iter().map(TriggerBody::new).collect(),
    }))
}

/// How a trigger is to be reached from now on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RotateTriggerBody {
    /// Whether it gets another path. The one before leads nowhere from then on.
    #[serde(default)]
    url: bool,
    /// What messages are signed with: true makes a secret, a text of 8 to 200 visible ASCII characters is one that the
    /// sender has made, as Stripe and Slack do. The secret before is taken for 24 hours more.
    #[schema(value_type = Option<Object>, example = json!(true))]
    secret: Option<GivenSecret>,
}

/// A secret, or that one is to be made.
#[derive(Deserialize)]
#[serde(untagged, expecting = "must be true or a text")]
enum GivenSecret {
    Made(bool),
    Text(String),
}

/// Rotate a trigger's path or secret
///
/// The secret is in this answer and nowhere else. A trigger has a secret from its beginning, which nobody has seen: make
/// or give one before the first message that is to be signed.
#[utoipa::path(
    post, path = "/v1/agents/{id}/triggers/{name}/rotate", tag = "triggers", operation_id = "rotate_trigger",
    security(("ApiKey" = ["schedules"]), ("Bearer" = ["schedules"])),
    params(("id" = String, Path, description = "The agent."), ("name" = String, Path, description = "The trigger.")),
    request_body = RotateTriggerBody,
    responses(
        (status = 200, description = "The trigger.", body = Data<RotatedTrigger>),
        (status = 409, description = "The trigger is no webhook.", body = ErrorBody),
    ),
)]
pub(crate) async fn rotate(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((agent, name)): Segment<(AgentId, String)>,
    Json(body): Json<RotateTriggerBody>,
) -> Result<Answer<Data<RotatedTrigger>>, Failure> {
    let secret = match body.secret {
        None | Some(GivenSecret::Made(false)) => NewSecret::Keep,
        Some(GivenSecret::Made(true)) => NewSecret::Make,
        Some(GivenSecret::Text(text)) => NewSecret::Given(Secret::new(text)),
    };
    let rotate = RotateTrigger { url: body.url, secret };
    let (view, secret) = app.core.triggers().rotate(&ctx, agent, name, rotate).await?;
    Ok(Answer(Data { data: RotatedTrigger::new(view, secret.as_ref()) }))
}

/// What a trigger is to fire with.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FireTriggerBody {
    /// Laid over the event that the trigger would have: `{"body": {"title": "A try"}}`.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    event: Map<String, Value>,
}

/// Fire a trigger for a try
///
/// Begins a run as if what the trigger waits for had happened now, also while the agent's triggers are off.
#[utoipa::path(
    post, path = "/v1/agents/{id}/triggers/{name}/fire", tag = "triggers", operation_id = "fire_trigger",
    security(("ApiKey" = ["schedules"]), ("Bearer" = ["schedules"])),
    params(("id" = String, Path, description = "The agent."), ("name" = String, Path, description = "The trigger.")),
    request_body = Option<FireTriggerBody>,
    responses(
        (status = 202, description = "The run that began.", body = Data<BegunRun>),
        (status = 409, description = "The agent does not run, or the run before has to be over.", body = ErrorBody),
    ),
)]
pub(crate) async fn fire(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((agent, name)): Segment<(AgentId, String)>,
    OptionalJson(body): OptionalJson<FireTriggerBody>,
) -> Result<(StatusCode, Answer<Data<BegunRun>>), Failure> {
    let run = app.core.triggers().fire_now(&ctx, agent, name, body.event).await?;
    let data = BegunRun { run_id: run.to_string(), repeated: false };
    Ok((StatusCode::ACCEPTED, Answer(Data { data })))
}
