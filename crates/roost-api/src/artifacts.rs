//! Artifacts: what runs made for people.

use axum::Json as Answer;
use axum::extract::State;
use axum::response::Response;
use roost_core::{ArtifactCursor, ArtifactFilter, ListArtifacts};
use roost_domain::artifact::page;
use roost_domain::id::{AgentId, ArtifactId, RunId};
use roost_domain::page::Limit;
use roost_domain::workflow::ArtifactKind;
use roost_http::{Caller, Failure, Query, Segment, iso, write_cursor};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::envelope::{Data, Listed, Pagination};
use crate::pages::artifact_page;
use crate::paging;
use crate::runs::{PageLink, download};

/// One version of something that a run made.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Artifact {
    /// `art_…`
    id: String,
    agent_id: String,
    run_id: String,
    /// The step that made it.
    step: String,
    /// Artifacts of one agent with the same title are versions of one thing.
    title: String,
    /// 1, 2, 3, …
    version: u64,
    /// `html` or `javascript`
    format: &'static str,
    bytes: u64,
    sha256: String,
    created_at: String,
}

impl Artifact {
    fn new(artifact: roost_domain::artifact::Artifact) -> Self {
        Self {
            id: artifact.id.to_string(),
            agent_id: artifact.agent.to_string(),
            run_id: artifact.run.to_string(),
            step: artifact.step,
            title: artifact.title,
            version: artifact.version,
            format: artifact.kind.name(),
            bytes: artifact.size.0,
            sha256: artifact.sha256,
            created_at: iso(artifact.created_at),
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListArtifactsQuery {
    /// Of this run only.
    run_id: Option<String>,
    /// Versions of this title only.
    title: Option<String>,
    /// 1 to 200; 50 by default.
    limit: Option<u32>,
    /// The `nextCursor` of the part before.
    cursor: Option<String>,
}

/// List artifacts
///
/// Of one agent, newest first.
#[utoipa::path(
    get, path = "/v1/agents/{id}/artifacts", tag = "artifacts", operation_id = "list_artifacts",
    security(("ApiKey" = ["runs"]), ("Bearer" = ["runs"])),
    params(("id" = String, Path, description = "The agent."), ListArtifactsQuery),
    responses((status = 200, description = "A part of the list.", body = Listed<Artifact>)),
)]
pub(crate) async fn list_artifacts(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(AgentId,)>,
    Query(query): Query<ListArtifactsQuery>,
) -> Result<Answer<Listed<Artifact>>, Failure> {
    let limit = Limit::clamped(query.limit.unwrap_or(50), 200);
    let run = query.run_id.map(|run| run.parse::<RunId>()).transpose();
    let filter =
        ArtifactFilter { run: run.map_err(|error| Failure::invalid("runId", error))?, title: query.title };
    let after = paging::after("artifacts", query.cursor.as_deref())?;
    let after = after.map(|(created_at, id)| ArtifactCursor { created_at, id });
    let page = app.core.artifacts().list(&ctx, ListArtifacts { agent: id, filter, after, limit }).await?;
    let next = page.next.map(|next| write_cursor("artifacts", &[&next.created_at, &next.id]));
    Ok(Answer(Listed {
        data: page.rows.into_iter().map(Artifact::new).collect(),
        pagination: Pagination::new(page.total, limit, next),
    }))
}

/// Get an artifact
#[utoipa::path(
    get, path = "/v1/agents/{id}/artifacts/{artifact}", tag = "artifacts", operation_id = "get_artifact",
    security(("ApiKey" = ["runs"]), ("Bearer" = ["runs"])),
    params(
        ("id" = String, Path, description = "The agent."),
        ("artifact" = String, Path, description = "The artifact."),
    ),
    responses((status = 200, description = "The artifact.", body = Data<Artifact>)),
)]
pub(crate) async fn get_artifact(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id, artifact)): Segment<(AgentId, ArtifactId)>,
) -> Result<Answer<Data<Artifact>>, Failure> {
    let got = app.core.artifacts().get(&ctx, id, artifact).await?;
    Ok(Answer(Data { data: Artifact::new(got.artifact) }))
}

/// Download an artifact
///
/// As it was made.
#[utoipa::path(
    get, path = "/v1/agents/{id}/artifacts/{artifact}/content", tag = "artifacts", operation_id = "download_artifact",
    security(("ApiKey" = ["runs"]), ("Bearer" = ["runs"])),
    params(
        ("id" = String, Path, description = "The agent."),
        ("artifact" = String, Path, description = "The artifact."),
    ),
    responses((status = 200, description = "What it holds.", body = String, content_type = "text/html")),
)]
pub(crate) async fn download_artifact(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id, artifact)): Segment<(AgentId, ArtifactId)>,
) -> Result<Response, Failure> {
    let got = app.core.artifacts().get(&ctx, id, artifact).await?;
    let (ending, media_type) = match got.artifact.kind {
        ArtifactKind::Html => ("html", "text/html; charset=utf-8"),
        ArtifactKind::JavaScript => ("js", "text/javascript; charset=utf-8"),
    };
    let name = format!("{}-{}.{ending}", got.artifact.title, got.artifact.version);
    Ok(download(&name, media_type, got.content.into_bytes()))
}

/// View an artifact
///
/// As a page in an origin of its own that can load nothing and reach nothing of this server. For browsers, which send no
/// key, make a link.
#[utoipa::path(
    get, path = "/v1/agents/{id}/artifacts/{artifact}/view", tag = "artifacts", operation_id = "view_artifact",
    security(("ApiKey" = ["runs"]), ("Bearer" = ["runs"])),
    params(
        ("id" = String, Path, description = "The agent."),
        ("artifact" = String, Path, description = "The artifact."),
    ),
    responses((status = 200, description = "The page.", body = String, content_type = "text/html")),
)]
pub(crate) async fn view_artifact(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id, artifact)): Segment<(AgentId, ArtifactId)>,
) -> Result<Response, Failure> {
    let got = app.core.artifacts().get(&ctx, id, artifact).await?;
    Ok(artifact_page(page(&got.artifact.title, got.artifact.kind, &got.content)))
}

/// Make a link to an artifact
///
/// A page that shows it in a browser, for an hour.
#[utoipa::path(
    post, path = "/v1/agents/{id}/artifacts/{artifact}/link", tag = "artifacts", operation_id = "link_artifact",
    security(("ApiKey" = ["runs"]), ("Bearer" = ["runs"])),
    params(
        ("id" = String, Path, description = "The agent."),
        ("artifact" = String, Path, description = "The artifact."),
    ),
    responses((status = 200, description = "The link.", body = Data<PageLink>)),
)]
pub(crate) async fn link_artifact(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id, artifact)): Segment<(AgentId, ArtifactId)>,
) -> Result<Answer<Data<PageLink>>, Failure> {
    let link = app.core.artifacts().link(&ctx, id, artifact).await?;
    Ok(Answer(Data { data: PageLink { url: link.url, expires_at: iso(link.expires_at) } }))
}
