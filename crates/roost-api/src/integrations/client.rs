use std::collections::BTreeMap;

use axum::Json as Answer;
use axum::extract::State;
use roost_core::PutClient;
use roost_domain::secret::Secret;
use roost_http::{Caller, Failure, Json, Segment};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::wire::IntegrationDetails;
use crate::app::App;
use crate::envelope::Data;

/// The account's OAuth client at a service.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct PutClientBody {
    /// Its id there.
    client_id: String,
    /// Its secret there, write-only; a public client has none. Without it, the same client keeps the one it has.
    client_secret: Option<String>,
    /// What it asks for; what the service's entry says without them.
    scopes: Option<Vec<String>>,
    /// What the blanks in the service's URLs are filled with.
    fields: Option<BTreeMap<String, String>>,
}

/// Set an OAuth client
///
/// The account's client at a service, which you made there with the `redirectUri` of the integration.
#[utoipa::path(
    put, path = "/v1/integrations/{integration}/client", tag = "integrations", operation_id = "put_client",
    security(("ApiKey" = ["agents:write"]), ("Bearer" = ["agents:write"])),
    params(("integration" = String, Path, description = "The service.")),
    request_body = PutClientBody,
    responses((status = 200, description = "The integration.", body = Data<IntegrationDetails>)),
)]
pub(crate) async fn put_client(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((name,)): Segment<(String,)>,
    Json(body): Json<PutClientBody>,
) -> Result<Answer<Data<IntegrationDetails>>, Failure> {
    let client = PutClient {
        client_id: body.client_id,
        secret: body.client_secret.map(Secret::new),
        scopes: body.scopes,
        fields: body.fields.unwrap_or_default(),
    };
    let view = app.core.integrations().put_client(&ctx, &name, client).await?;
    Ok(Answer(Data { data: IntegrationDetails::new(view) }))
}

/// A client that is no more.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeletedClient {
    integration: String,
    /// Always true.
    deleted: bool,
}

/// Remove an OAuth client
///
/// Connections that were made with it can be renewed no more.
#[utoipa::path(
    delete, path = "/v1/integrations/{integration}/client", tag = "integrations", operation_id = "delete_client",
    security(("ApiKey" = ["agents:write"]), ("Bearer" = ["agents:write"])),
    params(("integration" = String, Path, description = "The service.")),
    responses((status = 200, description = "It is gone.", body = Data<DeletedClient>)),
)]
pub(crate) async fn delete_client(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((integration,)): Segment<(String,)>,
) -> Result<Answer<Data<DeletedClient>>, Failure> {
    app.core.integrations().delete_client(&ctx, &integration).await?;
    Ok(Answer(Data { data: DeletedClient { integration, deleted: true } }))
}
