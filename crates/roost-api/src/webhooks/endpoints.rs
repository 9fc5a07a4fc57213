use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use roost_core::{CreateWebhookEndpoint, UpdateWebhookEndpoint};
use roost_domain::id::EndpointId;
use roost_domain::page::Limit;
use roost_domain::secret::Secret;
use roost_domain::webhook::KindPattern;
use roost_http::{Caller, Failure, Json, OptionalJson, Segment};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::wire::{NewWebhookEndpoint, WebhookEndpoint};
use crate::app::App;
use crate::envelope::{Data, Listed, Pagination};

/// The list has all endpoints; no account has more.
const MOST: Limit = Limit::clamped(1_000, 1_000);

/// List endpoints
///
/// Newest first.
#[utoipa::path(
    get, path = "/v1/webhook-endpoints", tag = "webhooks", operation_id = "list_endpoints",
    security(("ApiKey" = ["admin"]), ("Bearer" = ["admin"])),
    responses((status = 200, description = "The endpoints.", body = Listed<WebhookEndpoint>)),
)]
pub(crate) async fn list(
    State(app): State<App>,
    Caller(ctx): Caller,
) -> Result<Answer<Listed<WebhookEndpoint>>, Failure> {
    let endpoints = app.core.webhooks().list(&ctx).await?;
    Ok(Answer(Listed {
        pagination: Pagination::new(endpoints.len() as u64, MOST, None),
        data: endpoints.into_iter().map(WebhookEndpoint::new).collect(),
    }))
}

/// An endpoint to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateWebhookEndpointBody {
    /// Where messages are posted to, with `https://` or `http://`.
    #[schema(example = "https://example.com/roost")]
    url: String,
    /// The kinds of events that are told, each by its name or as `approval.*`; all without any.
    events: Option<Vec<String>>,
    /// At most 500 characters.
    description: Option<String>,
    /// `whsec_` and the base64 of 24 to 64 bytes; without one, one is made.
    secret: Option<String>,
}

/// Create an endpoint
///
/// It is told what happens from then on. Its secret is in this answer and nowhere else.
#[utoipa::path(
    post, path = "/v1/webhook-endpoints", tag = "webhooks", operation_id = "create_endpoint",
    security(("ApiKey" = ["admin"]), ("Bearer" = ["admin"])),
    request_body = CreateWebhookEndpointBody,
    responses((status = 201, description = "The endpoint.", body = Data<NewWebhookEndpoint>)),
)]
pub(crate) async fn create(
    State(app): State<App>,
    Caller(ctx): Caller,
    Json(body): Json<CreateWebhookEndpointBody>,
) -> Result<(StatusCode, Answer<Data<NewWebhookEndpoint>>), Failure> {
    let new = CreateWebhookEndpoint {
        url: body.url,
        kinds: kinds(body.events.unwrap_or_default())?,
        description: body.description.unwrap_or_default(),
        secret: body.secret.map(Secret::new),
    };
    let made = app.core.webhooks().create(&ctx, new).await?;
    Ok((StatusCode::CREATED, Answer(Data { data: NewWebhookEndpoint::new(made) })))
}

/// Get an endpoint
#[utoipa::path(
    get, path = "/v1/webhook-endpoints/{id}", tag = "webhooks", operation_id = "get_endpoint",
    security(("ApiKey" = ["admin"]), ("Bearer" = ["admin"])),
    params(("id" = String, Path, description = "The endpoint.")),
    responses((status = 200, description = "The endpoint.", body = Data<WebhookEndpoint>)),
)]
pub(crate) async fn get(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(EndpointId,)>,
) -> Result<Answer<Data<WebhookEndpoint>>, Failure> {
    let endpoint = app.core.webhooks().get(&ctx, id).await?;
    Ok(Answer(Data { data: WebhookEndpoint::new(endpoint) }))
}

/// What to change of an endpoint; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateWebhookEndpointBody {
    url: Option<String>,
    /// Replaces all kinds.
    events: Option<Vec<String>>,
    description: Option<String>,
    /// Whether it is told anything. What is pending when it is turned off is given up.
    enabled: Option<bool>,
}

/// Change an endpoint
#[utoipa::path(
    patch, path = "/v1/webhook-endpoints/{id}", tag = "webhooks", operation_id = "update_endpoint",
    security(("ApiKey" = ["admin"]), ("Bearer" = ["admin"])),
    params(("id" = String, Path, description = "The endpoint.")),
    request_body = UpdateWebhookEndpointBody,
    responses((status = 200, description = "The endpoint.", body = Data<WebhookEndpoint>)),
)]
pub(crate) async fn update(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(EndpointId,)>,
    Json(body): Json<UpdateWebhookEndpointBody>,
) -> Result<Answer<Data<WebhookEndpoint>>, Failure> {
    let change = UpdateWebhookEndpoint {
        url: body.url,
        kinds: body.events.map(kinds).transpose()?,
        description: body.description,
        enabled: body.enabled,
    };
    let endpoint = app.core.webhooks().update(&ctx, id, change).await?;
    Ok(Answer(Data { data: WebhookEndpoint::new(endpoint) }))
}

/// An endpoint that is no more.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeletedWebhookEndpoint {
    id: String,
    /// Always true.
    deleted: bool,
}

/// Delete an endpoint
///
/// With its deliveries, those included that are pending.
#[utoipa::path(
    delete, path = "/v1/webhook-endpoints/{id}", tag = "webhooks", operation_id = "delete_endpoint",
    security(("ApiKey" = ["admin"]), ("Bearer" = ["admin"])),
    params(("id" = String, Path, description = "The endpoint.")),
    responses((status = 200, description = "It is gone.", body = Data<DeletedWebhookEndpoint>)),
)]
pub(crate) async fn delete(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(EndpointId,)>,
) -> Result<Answer<Data<DeletedWebhookEndpoint>>, Failure> {
    app.core.webhooks().delete(&ctx, id).await?;
    Ok(Answer(Data { data: DeletedWebhookEndpoint { id: id.to_string(), deleted: true } }))
}

/// How to change a secret.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RotateSecretBody {
    /// `whsec_` and the base64 of 24 to 64 bytes; without one, one is made.
    secret: Option<String>,
}

/// Rotate an endpoint's secret
///
/// The new one is in this answer and nowhere else. For 24 hours each message is signed with the one before too, so
/// that receivers can change theirs in the meantime.
#[utoipa::path(
    post, path = "/v1/webhook-endpoints/{id}/rotate", tag = "webhooks", operation_id = "rotate_secret",
    security(("ApiKey" = ["admin"]), ("Bearer" = ["admin"])),
    params(("id" = String, Path, description = "The endpoint.")),
    request_body = Option<RotateSecretBody>,
    responses((status = 200, description = "The endpoint.", body = Data<NewWebhookEndpoint>)),
)]
pub(crate) async fn rotate(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(EndpointId,)>,
    OptionalJson(body): OptionalJson<RotateSecretBody>,
) -> Result<Answer<Data<NewWebhookEndpoint>>, Failure> {
    let made = app.core.webhooks().rotate_secret(&ctx, id, body.secret.map(Secret::new)).await?;
    Ok(Answer(Data { data: NewWebhookEndpoint::new(made) }))
}

fn kinds(texts: Vec<String>) -> Result<Vec<KindPattern>, Failure> {
    let read = |(index, text): (usize, String)| {
        text.parse().map_err(|error| Failure::invalid(&format!("events[{index}]"), error))
    };
    texts.into_iter().enumerate().map(read).collect()
}
