use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use roost_core::{ListSandboxes, SandboxCursor};
use roost_domain::id::SandboxId;
use roost_domain::page::Limit;
use roost_http::{Caller, Failure, Query, Segment, write_cursor};
use serde::Deserialize;
use utoipa::IntoParams;

use super::wire::Sandbox;
use crate::app::App;
use crate::envelope::{Data, Listed, Pagination};
use crate::paging;

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListSandboxesQuery {
    /// Only sandboxes for this one.
    agent_id: Option<String>,
    /// 1 to 200; 50 by default.
    limit: Option<u32>,
    /// The `nextCursor` of the part before.
    cursor: Option<String>,
}

/// List sandboxes
///
/// Newest first, destroyed ones included.
#[utoipa::path(
    get, path = "/v1/sandboxes", tag = "sandboxes",
    security(("ApiKey" = ["sandboxes"]), ("Bearer" = ["sandboxes"])),
    params(ListSandboxesQuery),
    responses((status = 200, description = "A part of the list.", body = Listed<Sandbox>)),
)]
pub(crate) async fn list(
    State(app): State<App>,
    Caller(ctx): Caller,
    Query(query): Query<ListSandboxesQuery>,
) -> Result<Answer<Listed<Sandbox>>, Failure> {
    let limit = Limit::clamped(query.limit.unwrap_or(50), 200);
    let after = paging::after("sandboxes", query.cursor.as_deref())?;
    let after = after.map(|(created_at, id)| SandboxCursor { created_at, id });
    let list = ListSandboxes { subject: query.agent_id, after, limit };
    let page = app.core.sandboxes().list(&ctx, list).await?;
    let next = page.next.map(|next| write_cursor("sandboxes", &[&next.created_at, &next.id]));
    Ok(Answer(Listed {
        data: page.rows.into_iter().map(Sandbox::new).collect(),
        pagination: Pagination::new(page.total, limit, next),
    }))
}

/// Get a sandbox
#[utoipa::path(
    get, path = "/v1/sandboxes/{id}", tag = "sandboxes",
    security(("ApiKey" = ["sandboxes"]), ("Bearer" = ["sandboxes"])),
    params(("id" = String, Path, description = "The sandbox.")),
    responses((status = 200, description = "The sandbox.", body = Data<Sandbox>)),
)]
pub(crate) async fn get(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(SandboxId,)>,
) -> Result<Answer<Data<Sandbox>>, Failure> {
    let sandbox = app.core.sandboxes().get(&ctx, id).await?;
    Ok(Answer(Data { data: Sandbox::new(sandbox) }))
}

/// Delete a sandbox
///
/// What runs in it is ended, and its files are gone. Its record stays, as `destroyed`.
#[utoipa::path(
    delete, path = "/v1/sandboxes/{id}", tag = "sandboxes",
    security(("ApiKey" = ["sandboxes"]), ("Bearer" = ["sandboxes"])),
    params(("id" = String, Path, description = "The sandbox.")),
    responses((status = 204, description = "It is destroyed.")),
)]
pub(crate) async fn delete(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(SandboxId,)>,
) -> Result<StatusCode, Failure> {
    app.core.sandboxes().delete(&ctx, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
