use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use roost_core::{ListSnapshots, SnapshotCursor};
use roost_domain::id::{AgentId, SnapshotId};
use roost_domain::page::Limit;
use roost_http::{Caller, Failure, OptionalJson, Query, Segment, write_cursor};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::wire::{Copied, Diff, Snapshot};
use crate::agents::AgentSummary;
use crate::app::App;
use crate::envelope::{Data, ErrorBody, Listed, Pagination};
use crate::paging;

/// A snapshot to be taken.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TakeSnapshotBody {
    /// 1 to 100 characters; without one, the time.
    #[schema(example = "before the move")]
    name: Option<String>,
}

/// Take a snapshot
///
/// Saves the agent's files and documents, and how far its conversations are. Its machine stands still meanwhile.
#[utoipa::path(
    post, path = "/v1/agents/{id}/snapshots", tag = "snapshots", operation_id = "take_snapshot",
    security(("ApiKey" = ["agents:write"]), ("Bearer" = ["agents:write"])),
    params(("id" = String, Path, description = "The agent.")),
    request_body = Option<TakeSnapshotBody>,
    responses(
        (status = 201, description = "The snapshot; it survives a power failure.", body = Data<Snapshot>),
        (status = 503, description = "It does not fit on the disk.", body = ErrorBody),
    ),
)]
pub(crate) async fn take(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(AgentId,)>,
    OptionalJson(body): OptionalJson<TakeSnapshotBody>,
) -> Result<(StatusCode, Answer<Data<Snapshot>>), Failure> {
    let snapshot = app.core.snapshots().take(&ctx, id, body.name.as_deref()).await?;
    Ok((StatusCode::CREATED, Answer(Data { data: Snapshot::new(snapshot) })))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListSnapshotsQuery {
    /// 1 to 200; 50 by default.
    limit: Option<u32>,
    /// The `nextCursor` of the part before.
    cursor: Option<String>,
}

/// List snapshots
///
/// Of one agent, newest first.
#[utoipa::path(
    get, path = "/v1/agents/{id}/snapshots", tag = "snapshots", operation_id = "list_snapshots",
    security(("ApiKey" = ["agents:read"]), ("Bearer" = ["agents:read"])),
    params(("id" = String, Path, description = "The agent."), ListSnapshotsQuery),
    responses((status = 200, description = "A part of the list.", body = Listed<Snapshot>)),
)]
pub(crate) async fn list(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(AgentId,)>,
    Query(query): Query<ListSnapshotsQuery>,
) -> Result<Answer<Listed<Snapshot>>, Failure> {
    let limit = Limit::clamped(query.limit.unwrap_or(50), 200);
    let after = paging::after("snapshots", query.cursor.as_deref())?;
    let after = after.map(|(created_at, id)| SnapshotCursor { created_at, id });
    let page = app.core.snapshots().list(&ctx, ListSnapshots { agent: id, after, limit }).await?;
    let next = page.next.map(|next| write_cursor("snapshots", &[&next.created_at, &next.id]));
    Ok(Answer(Listed {
        data: page.rows.into_iter().map(Snapshot::new).collect(),
        pagination: Pagination::new(page.total, limit, next),
    }))
}

/// Get a snapshot
#[utoipa::path(
    get, path = "/v1/agents/{id}/snapshots/{snapshot}", tag = "snapshots", operation_id = "get_snapshot",
    security(("ApiKey" = ["agents:read"]), ("Bearer" = ["agents:read"])),
    params(
        ("id" = String, Path, description = "The agent."),
        ("snapshot" = String, Path, description = "The snapshot."),
    ),
    responses((status = 200, description = "The snapshot.", body = Data<Snapshot>)),
)]
pub(crate) async fn get(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id, snapshot)): Segment<(AgentId, SnapshotId)>,
) -> Result<Answer<Data<Snapshot>>, Failure> {
    let snapshot = app.core.snapshots().get(&ctx, id, snapshot).await?;
    Ok(Answer(Data { data: Snapshot::new(snapshot) }))
}

/// A snapshot that is gone.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeletedSnapshot {
    id: String,
    /// Always true.
    deleted: bool,
}

/// Delete a snapshot
///
/// Agents that were forked from it stay.
#[utoipa::path(
    delete, path = "/v1/agents/{id}/snapshots/{snapshot}", tag = "snapshots", operation_id = "delete_snapshot",
    security(("ApiKey" = ["agents:write"]), ("Bearer" = ["agents:write"])),
    params(
        ("id" = String, Path, description = "The agent."),
        ("snapshot" = String, Path, description = "The snapshot."),
    ),
    responses((status = 200, description = "It is gone.", body = Data<DeletedSnapshot>)),
)]
pub(crate) async fn delete(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id, snapshot)): Segment<(AgentId, SnapshotId)>,
) -> Result<Answer<Data<DeletedSnapshot>>, Failure> {
    app.core.snapshots().delete(&ctx, id, snapshot).await?;
    Ok(Answer(Data { data: DeletedSnapshot { id: snapshot.to_string(), deleted: true } }))
}

/// An agent that went back to a snapshot.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RestoredAgent {
    #[serde(flatten)]
    agent: AgentSummary,
    /// How its files were brought back.
    files: Copied,
}

/// Restore a snapshot
///
/// The agent's files and documents become those of the snapshot. What it is doing is cancelled and its machine ends.
/// Its conversations stay as they are; messages that name no session begin another one. Name, model, configuration,
/// secrets, policy and permissions stay.
#[utoipa::path(
    post, path = "/v1/agents/{id}/snapshots/{snapshot}/restore", tag = "snapshots",
    operation_id = "restore_snapshot",
    security(("ApiKey" = ["agents:write"]), ("Bearer" = ["agents:write"])),
    params(
        ("id" = String, Path, description = "The agent."),
        ("snapshot" = String, Path, description = "The snapshot."),
    ),
    responses(
        (status = 200, description = "The agent as it is now.", body = Data<RestoredAgent>),
        (status = 409, description = "Another restoration is under way.", body = ErrorBody),
        (status = 503, description = "It does not fit on the disk; nothing has changed.", body = ErrorBody),
    ),
)]
pub(crate) async fn restore(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id, snapshot)): Segment<(AgentId, SnapshotId)>,
) -> Result<Answer<Data<RestoredAgent>>, Failure> {
    let restored = app.core.snapshots().restore(&ctx, id, snapshot).await?;
    let files = Copied::new(&restored.transfer);
    Ok(Answer(Data { data: RestoredAgent { agent: AgentSummary::new(&ctx, restored.agent), files } }))
}

/// Compare two snapshots
///
/// Of one agent, in whichever order: what the second has that the first has not was `added`.
#[utoipa::path(
    get, path = "/v1/agents/{id}/snapshots/{snapshot}/diff/{other}", tag = "snapshots",
    operation_id = "diff_snapshots",
    security(("ApiKey" = ["agents:read"]), ("Bearer" = ["agents:read"])),
    params(
        ("id" = String, Path, description = "The agent."),
        ("snapshot" = String, Path, description = "The first."),
        ("other" = String, Path, description = "The second."),
    ),
    responses((status = 200, description = "What they differ in.", body = Data<Diff>)),
)]
pub(crate) async fn diff(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id, before, after)): Segment<(AgentId, SnapshotId, SnapshotId)>,
) -> Result<Answer<Data<Diff>>, Failure> {
    let diff = app.core.snapshots().diff(&ctx, id, before, after).await?;
    Ok(Answer(Data { data: Diff::new(diff) }))
}
