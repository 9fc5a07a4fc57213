use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use roost_core::ChangePermissions;
use roost_domain::page::Limit;
use roost_domain::subject::Subject;
use roost_http::{Caller, Document, Failure, Segment};

use super::wire::{DeletedPermissions, Permissions};
use crate::app::App;
use crate::envelope::{Data, ErrorBody, Listed, Pagination};
use crate::policies::EditionSummary;

/// How many versions a list has.
const MOST: Limit = Limit::clamped(500, 500);

/// Get permissions
///
/// The agent's own; what it inherits from its swarm and its account holds besides.
#[utoipa::path(
    get, path = "/v1/permissions/{agentId}", tag = "permissions",
    security(("ApiKey" = ["policy"]), ("Bearer" = ["policy"])),
    params(("agentId" = String, Path, description = "The agent, `swarm:SLUG` or `account`.")),
    responses((status = 200, description = "The permissions.", body = Data<Permissions>)),
)]
pub(crate) async fn get(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((subject,)): Segment<(Subject,)>,
) -> Result<Answer<Data<Permissions>>, Failure> {
    let edition = app.core.permissions().get(&ctx, subject.clone(), None).await?;
    Ok(Answer(Data { data: Permissions::new(&subject, edition) }))
}

/// Create permissions
///
/// Where there are none yet.
#[utoipa::path(
    post, path = "/v1/permissions/{agentId}", tag = "permissions",
    security(("ApiKey" = ["policy"]), ("Bearer" = ["policy"])),
    params(("agentId" = String, Path, description = "The agent, `swarm:SLUG` or `account`.")),
    request_body(description = "The permissions, as YAML or JSON.",
        content((Object = "application/json"), (Object = "application/yaml"))),
    responses(
        (status = 201, description = "The permissions.", body = Data<Permissions>),
        (status = 409, description = "There are permissions already.", body = ErrorBody),
    ),
)]
pub(crate) async fn create(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((subject,)): Segment<(Subject,)>,
    Document(document): Document,
) -> Result<(StatusCode, Answer<Data<Permissions>>), Failure> {
    let change = ChangePermissions::Create(document);
    let edition = app.core.permissions().change(&ctx, subject.clone(), change).await?;
    Ok((StatusCode::CREATED, Answer(Data { data: Permissions::new(&subject, edition) })))
}

/// Replace permissions
///
/// Makes them where there are none. What is left out is empty.
#[utoipa::path(
    put, path = "/v1/permissions/{agentId}", tag = "permissions",
    security(("ApiKey" = ["policy"]), ("Bearer" = ["policy"])),
    params(("agentId" = String, Path, description = "The agent, `swarm:SLUG` or `account`.")),
    request_body(description = "The permissions, as YAML or JSON.",
        content((Object = "application/json"), (Object = "application/yaml"))),
    responses(
        (status = 200, description = "The permissions.", body = Data<Permissions>),
    ),
)]
pub(crate) async fn replace(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((subject,)): Segment<(Subject,)>,
    Document(document): Document,
) -> Result<Answer<Data<Permissions>>, Failure> {
    let change = ChangePermissions::Replace(document);
    let edition = app.core.permissions().change(&ctx, subject.clone(), change).await?;
    Ok(Answer(Data { data: Permissions::new(&subject, edition) }))
}

/// Change permissions
///
/// Adds to and takes from lists, entry by entry; `docs/guard.md` shows how.
#[utoipa::path(
    patch, path = "/v1/permissions/{agentId}", tag = "permissions",
    security(("ApiKey" = ["policy"]), ("Bearer" = ["policy"])),
    params(("agentId" = String, Path, description = "The agent, `swarm:SLUG` or `account`.")),
    request_body(description = "The change, as YAML or JSON.",
        content((Object = "application/json"), (Object = "application/yaml"))),
    responses(
        (status = 200, description = "The permissions.", body = Data<Permissions>),
    ),
)]
pub(crate) async fn patch(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((subject,)): Segment<(Subject,)>,
    Document(document): Document,
) -> Result<Answer<Data<Permissions>>, Failure> {
    let change = ChangePermissions::Patch(document);
    let edition = app.core.permissions().change(&ctx, subject.clone(), change).await?;
    Ok(Answer(Data { data: Permissions::new(&subject, edition) }))
}

/// Delete permissions
///
/// The agent may do nothing until it gets new ones.
#[utoipa::path(
    delete, path = "/v1/permissions/{agentId}", tag = "permissions",
    security(("ApiKey" = ["policy"]), ("Bearer" = ["policy"])),
    params(("agentId" = String, Path, description = "The agent, `swarm:SLUG` or `account`.")),
    responses((status = 200, description = "They are gone.", body = Data<DeletedPermissions>)),
)]
pub(crate) async fn delete(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((subject,)): Segment<(Subject,)>,
) -> Result<Answer<Data<DeletedPermissions>>, Failure> {
    app.core.permissions().change(&ctx, subject.clone(), ChangePermissions::Delete).await?;
    Ok(Answer(Data { data: DeletedPermissions { agent_id: subject.to_string(), deleted: true } }))
}

/// List versions of permissions
///
/// Newest first, deletions included; the newest 500.
#[utoipa::path(
    get, path = "/v1/permissions/{agentId}/versions", tag = "permissions",
    security(("ApiKey" = ["policy"]), ("Bearer" = ["policy"])),
    params(("agentId" = String, Path, description = "The agent, `swarm:SLUG` or `account`.")),
    responses((status = 200, description = "The versions.", body = Listed<EditionSummary>)),
)]
pub(crate) async fn versions(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((subject,)): Segment<(Subject,)>,
) -> Result<Answer<Listed<EditionSummary>>, Failure> {
    let editions = app.core.permissions().versions(&ctx, subject, MOST).await?;
    Ok(Answer(Listed {
        pagination: Pagination::new(editions.len() as u64, MOST, None),
        data: editions.into_iter().map(EditionSummary::new).collect(),
    }))
}
