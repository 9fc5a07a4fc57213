use axum::Json as Answer;
use axum::extract::State;
use roost_core::RestoreDocument;
use roost_domain::document::{ContentHash, DocumentName};
use roost_domain::id::AgentId;
use roost_domain::page::Limit;
use roost_http::{Caller, Failure, Json, Query, Segment, read_cursor, write_cursor};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::hash;
use super::wire::{DocumentSummary, DocumentVersion, VersionSummary};
use crate::app::App;
use crate::envelope::{Data, ErrorBody, Listed, Pagination};

/// Names the list that a cursor is for.
const LIST: &str = "document-versions";

/// No agent has more documents, deleted ones included.
const MOST: Limit = Limit::clamped(1_000, 1_000);

/// List an agent's documents
///
/// By name, deleted ones too.
#[utoipa::path(
    get, path = "/v1/agents/{id}/documents", tag = "documents", operation_id = "list_documents",
    security(("ApiKey" = ["agents:read"]), ("Bearer" = ["agents:read"])),
    params(("id" = String, Path, description = "The agent.")),
    responses((status = 200, description = "The documents.", body = Listed<DocumentSummary>)),
)]
pub(crate) async fn list_documents(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(AgentId,)>,
) -> Result<Answer<Listed<DocumentSummary>>, Failure> {
    let documents = app.core.documents().list(&ctx, id).await?;
    Ok(Answer(Listed {
        pagination: Pagination::new(documents.len() as u64, MOST, None),
        data: documents.into_iter().map(DocumentSummary::new).collect(),
    }))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct VersionsQuery {
    /// At most so many; 50 by default, 200 at most.
    limit: Option<u32>,
    /// `nextCursor` of the part before.
    cursor: Option<String>,
}

/// List a document's versions
///
/// The latest first; the latest 200 are kept.
#[utoipa::path(
    get, path = "/v1/agents/{id}/documents/{name}/versions", tag = "documents", operation_id = "list_versions",
    security(("ApiKey" = ["agents:read"]), ("Bearer" = ["agents:read"])),
    params(
        ("id" = String, Path, description = "The agent."),
        ("name" = String, Path, description = "`SOUL.md`, `IDENTITY.md`, `WORKFLOW.md` or `rules:NAME.md`."),
        VersionsQuery,
    ),
    responses((status = 200, description = "The versions.", body = Listed<VersionSummary>)),
)]
pub(crate) async fn list_versions(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id, name)): Segment<(AgentId, DocumentName)>,
    Query(query): Query<VersionsQuery>,
) -> Result<Answer<Listed<VersionSummary>>, Failure> {
    let limit = Limit::clamped(query.limit.unwrap_or(50), 200);
    let before = match &query.cursor {
        Some(cursor) => {
            let [before] = read_cursor(LIST, cursor)?;
            let not_ours = || Failure::invalid("cursor", "is not one that this list gave; begin without one");
            Some(before.parse().map_err(|_| not_ours())?)
        }
        None => None,
    };
    let page = app.core.documents().versions(&ctx, id, name, before, limit).await?;
    let next = page.next.map(|number| write_cursor(LIST, &[&number]));
    Ok(Answer(Listed {
        data: page.rows.into_iter().map(VersionSummary::new).collect(),
        pagination: Pagination::new(page.total, limit, next),
    }))
}

/// Get a version of a document
#[utoipa::path(
    get, path = "/v1/agents/{id}/documents/{name}/versions/{version}", tag = "documents",
    operation_id = "get_version",
    security(("ApiKey" = ["agents:read"]), ("Bearer" = ["agents:read"])),
    params(
        ("id" = String, Path, description = "The agent."),
        ("name" = String, Path, description = "`SOUL.md`, `IDENTITY.md`, `WORKFLOW.md` or `rules:NAME.md`."),
        ("version" = u64, Path, description = "Its number."),
    ),
    responses((status = 200, description = "The version.", body = Data<DocumentVersion>)),
)]
pub(crate) async fn get_version(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id, name, number)): Segment<(AgentId, DocumentName, u64)>,
) -> Result<Answer<Data<DocumentVersion>>, Failure> {
    let version = app.core.documents().version(&ctx, id, name, number).await?;
    Ok(Answer(Data { data: DocumentVersion::new(version) }))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DiffQuery {
    /// The version before; by default the one before `to`. 0 is the empty text.
    from: Option<u64>,
    /// The version after; by default the latest.
    to: Option<u64>,
}

/// What changed between two versions.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DocumentDiff {
    /// The document.
    name: String,
    from: u64,
    to: u64,
    /// As `diff -u` writes it; empty if nothing changed.
    diff: String,
}

/// Compare two versions of a document
#[utoipa::path(
    get, path = "/v1/agents/{id}/documents/{name}/diff", tag = "documents", operation_id = "diff_versions",
    security(("ApiKey" = ["agents:read"]), ("Bearer" = ["agents:read"])),
    params(
        ("id" = String, Path, description = "The agent."),
        ("name" = String, Path, description = "`SOUL.md`, `IDENTITY.md`, `WORKFLOW.md` or `rules:NAME.md`."),
        DiffQuery,
    ),
    responses((status = 200, description = "What changed.", body = Data<DocumentDiff>)),
)]
pub(crate) async fn diff_versions(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id, name)): Segment<(AgentId, DocumentName)>,
    Query(query): Query<DiffQuery>,
) -> Result<Answer<Data<DocumentDiff>>, Failure> {
    let called = name.to_string();
    let diff = app.core.documents().diff(&ctx, id, name, query.from, query.to).await?;
    Ok(Answer(Data { data: DocumentDiff { name: called, from: diff.from, to: diff.to, diff: diff.text } }))
}

/// A version to be made the present one.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RestoreBody {
    /// Its number.
    version: u64,
    /// The SHA-256 of the content that this replaces; 409 if it has another by now.
    expected_hash: Option<String>,
}

/// A document that was restored.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Restored {
    /// The document.
    name: String,
    /// The new version that says what the old one said.
    version: u64,
    content: String,
    hash: String,
    /// Whether something waits for a restart.
    needs_restart: bool,
}

/// Restore a version of a document
///
/// Writes what it said as a new version, so that nothing is lost.
#[utoipa::path(
    post, path = "/v1/agents/{id}/documents/{name}/restore", tag = "documents", operation_id = "restore_version",
    security(("ApiKey" = ["agents:write"]), ("Bearer" = ["agents:write"])),
    params(
        ("id" = String, Path, description = "The agent."),
        ("name" = String, Path, description = "`SOUL.md`, `IDENTITY.md`, `WORKFLOW.md` or `rules:NAME.md`."),
    ),
    request_body = RestoreBody,
    responses(
        (status = 200, description = "It is restored.", body = Data<Restored>),
        (status = 409, description = "The document was changed meanwhile.", body = ErrorBody),
    ),
)]
pub(crate) async fn restore_version(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id, name)): Segment<(AgentId, DocumentName)>,
    Json(body): Json<RestoreBody>,
) -> Result<Answer<Data<Restored>>, Failure> {
    let (called, expected) = (name.to_string(), hash("expectedHash", body.expected_hash)?);
    let restore = RestoreDocument { name, version: body.version, expected };
    let written = app.core.documents().restore(&ctx, id, restore).await?;
    let now = written.documents.into_iter().next();
    let (version, content) = now.map(|now| (now.version, now.content)).unwrap_or_default();
    let hash = ContentHash::of(&content).to_string();
    let needs_restart = written.needs_restart;
    Ok(Answer(Data { data: Restored { name: called, version, content, hash, needs_restart } }))
}
