use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use roost_core::{CreateSwarm, UpdateSwarm};
use roost_domain::id::SwarmId;
use roost_http::{Caller, Failure, Json, Segment};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::wire::{Swarm, SwarmWithAgents};
use crate::app::App;
use crate::envelope::Data;

/// List swarms
///
/// Newest first, all of them.
#[utoipa::path(
    get, path = "/v1/swarms", tag = "swarms", operation_id = "list_swarms",
    security(("ApiKey" = ["swarms:read"]), ("Bearer" = ["swarms:read"])),
    responses((status = 200, description = "The swarms.", body = Data<Vec<Swarm>>)),
)]
pub(crate) async fn list(
    State(app): State<App>,
    Caller(ctx): Caller,
) -> Result<Answer<Data<Vec<Swarm>>>, Failure> {
    let swarms = app.core.swarms().list(&ctx).await?;
    Ok(Answer(Data { data: swarms.into_iter().map(Swarm::new).collect() }))
}

/// A swarm to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateSwarmBody {
    /// 1 to 100 characters.
    #[schema(example = "Growth")]
    name: String,
    /// At most 2,000 characters.
    description: Option<String>,
    /// An emoji or the name of an icon, at most 100 characters.
    icon: Option<String>,
}

/// Create a swarm
///
/// Its slug is made from its name and is unique in the account.
#[utoipa::path(
    post, path = "/v1/swarms", tag = "swarms", operation_id = "create_swarm",
    security(("ApiKey" = ["swarms:write"]), ("Bearer" = ["swarms:write"])),
    request_body = CreateSwarmBody,
    responses((status = 201, description = "The swarm.", body = Data<Swarm>)),
)]
pub(crate) async fn create(
    State(app): State<App>,
    Caller(ctx): Caller,
    Json(body): Json<CreateSwarmBody>,
) -> Result<(StatusCode, Answer<Data<Swarm>>), Failure> {
    let new = CreateSwarm { name: body.name, description: body.description, icon: body.icon };
    let swarm = app.core.swarms().create(&ctx, new).await?;
    Ok((StatusCode::CREATED, Answer(Data { data: Swarm::new(swarm) })))
}

/// Get a swarm
///
/// With its agents.
#[utoipa::path(
    get, path = "/v1/swarms/{id}", tag = "swarms", operation_id = "get_swarm",
    security(("ApiKey" = ["swarms:read"]), ("Bearer" = ["swarms:read"])),
    params(("id" = String, Path, description = "The swarm.")),
    responses((status = 200, description = "The swarm.", body = Data<SwarmWithAgents>)),
)]
pub(crate) async fn get(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(SwarmId,)>,
) -> Result<Answer<Data<SwarmWithAgents>>, Failure> {
    let details = app.core.swarms().get(&ctx, id).await?;
    Ok(Answer(Data { data: SwarmWithAgents::new(&ctx, details) }))
}

/// What to change of a swarm; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateSwarmBody {
    /// 1 to 100 characters. The slug stays as it is.
    name: Option<String>,
    /// At most 2,000 characters; null clears it.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    description: Option<Option<String>>,
    /// At most 100 characters; null clears it.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    icon: Option<Option<String>>,
}

/// Tells a null from nothing at all.
fn given<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(value).map(Some)
}

/// Change a swarm
#[utoipa::path(
    patch, path = "/v1/swarms/{id}", tag = "swarms", operation_id = "update_swarm",
    security(("ApiKey" = ["swarms:write"]), ("Bearer" = ["swarms:write"])),
    params(("id" = String, Path, description = "The swarm.")),
    request_body = UpdateSwarmBody,
    responses((status = 200, description = "The swarm as it is now.", body = Data<Swarm>)),
)]
pub(crate) async fn update(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(SwarmId,)>,
    Json(body): Json<UpdateSwarmBody>,
) -> Result<Answer<Data<Swarm>>, Failure> {
    let change = UpdateSwarm { name: body.name, description: body.description, icon: body.icon };
    let swarm = app.core.swarms().update(&ctx, id, change).await?;
    Ok(Answer(Data { data: Swarm::new(swarm) }))
}

/// A swarm that is gone.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeletedSwarm {
    id: String,
    /// Always true.
    deleted: bool,
}

/// Delete a swarm
///
/// Its agents stay and are in no swarm; the keys that they shared, and what it knew, are gone.
#[utoipa::path(
    delete, path = "/v1/swarms/{id}", tag = "swarms", operation_id = "delete_swarm",
    security(("ApiKey" = ["swarms:write"]), ("Bearer" = ["swarms:write"])),
    params(("id" = String, Path, description = "The swarm.")),
    responses((status = 200, description = "It is gone.", body = Data<DeletedSwarm>)),
)]
pub(crate) async fn delete(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(SwarmId,)>,
) -> Result<Answer<Data<DeletedSwarm>>, Failure> {
    app.core.swarms().delete(&ctx, id).await?;
    Ok(Answer(Data { data: DeletedSwarm { id: id.to_string(), deleted: true } }))
}
