use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use roost_core::{CreateRun, ListRuns, RunCursor, RunFilter};
use roost_domain::id::{AgentId, RunId};
use roost_domain::page::Limit;
use roost_domain::run::Status;
use roost_http::{Caller, Failure, OptionalJson, Query, Segment, iso, write_cursor};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::wire::{Run, RunSummary};
use crate::app::App;
use crate::envelope::{Data, ErrorBody, Listed, Pagination};
use crate::paging;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListRunsQuery {
    /// Only those that are here: `queued`, `running`, `waiting-for-input`, `completed`, `failed`, `cancelled`.
    status: Option<String>,
    /// 1 to 200; 50 by default.
    limit: Option<u32>,
    /// The `nextCursor` of the part before.
    cursor: Option<String>,
}

fn status(text: &str) -> Result<Status, Failure> {
    Status::ALL.into_iter().find(|status| status.name() == text).ok_or_else(|| {
        let names = Status::ALL.map(Status::name).join(", ");
        Failure::invalid("status", format!("must be one of {names}"))
    })
}

/// List runs
///
/// Of one agent, the one that was asked for last first.
#[utoipa::path(
    get, path = "/v1/agents/{id}/runs", tag = "runs", operation_id = "list_runs",
    security(("ApiKey" = ["runs"]), ("Bearer" = ["runs"])),
    params(("id" = String, Path, description = "The agent."), ListRunsQuery),
    responses((status = 200, description = "A part of the list.", body = Listed<RunSummary>)),
)]
pub(crate) async fn list_runs(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(AgentId,)>,
    Query(query): Query<ListRunsQuery>,
) -> Result<Answer<Listed<RunSummary>>, Failure> {
    let limit = Limit::clamped(query.limit.unwrap_or(50), 200);
    let filter =
        RunFilter { agent: id, status: query.status.as_deref().map(status).transpose()?, or_queued: false };
    let after = paging::after("runs", query.cursor.as_deref())?;
    let after = after.map(|(created_at, id)| RunCursor { created_at, id });
    let page = app.core.runs().list(&ctx, ListRuns { filter, after, limit }).await?;
    let next = page.next.map(|next| write_cursor("runs", &[&next.created_at, &next.id]));
    Ok(Answer(Listed {
        data: page.rows.iter().map(RunSummary::new).collect(),
        pagination: Pagination::new(page.total, limit, next),
    }))
}

/// A run to be begun.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateRunBody {
    /// What it is given; nothing is an empty object.
    input: Option<Value>,
}

/// Start a run
///
/// When this is answered, the run survives a power failure; what it does comes by itself. The agent need not be armed.
#[utoipa::path(
    post, path = "/v1/agents/{id}/runs", tag = "runs", operation_id = "create_run",
    security(("ApiKey" = ["runs"]), ("Bearer" = ["runs"])),
    params(("id" = String, Path, description = "The agent.")),
    request_body = Option<CreateRunBody>,
    responses(
        (status = 201, description = "The run.", body = Data<Run>),
        (status = 409, description = "The agent is not running.", body = ErrorBody),
    ),
)]
pub(crate) async fn create_run(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(AgentId,)>,
    OptionalJson(body): OptionalJson<CreateRunBody>,
) -> Result<(StatusCode, Answer<Data<Run>>), Failure> {
    let input = body.input.unwrap_or_else(|| serde_json::json!({}));
    let view = app.core.runs().create(&ctx, CreateRun { agent: id, input, only_armed: false }).await?;
    Ok((StatusCode::CREATED, Answer(Data { data: Run::new(&app.core, view, ctx.now) })))
}

/// Get a run
///
/// With its steps, what each came to and cost, and the forms that wait for an answer.
#[utoipa::path(
    get, path = "/v1/agents/{id}/runs/{run}", tag = "runs", operation_id = "get_run",
    security(("ApiKey" = ["runs"]), ("Bearer" = ["runs"])),
    params(("id" = String, Path, description = "The agent."), ("run" = String, Path, description = "The run.")),
    responses((status = 200, description = "The run.", body = Data<Run>)),
)]
pub(crate) async fn get_run(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id, run)): Segment<(AgentId, RunId)>,
) -> Result<Answer<Data<Run>>, Failure> {
    let view = app.core.runs().get(&ctx, id, run).await?;
    Ok(Answer(Data { data: Run::new(&app.core, view, ctx.now) }))
}

/// A run that is gone.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeletedRun {
    id: String,
    /// Always true.
    deleted: bool,
}

/// Delete a run
///
/// With its log, its forms, its artifacts and what was said in it. One that is under way is cancelled first.
#[utoipa::path(
    delete, path = "/v1/agents/{id}/runs/{run}", tag = "runs", operation_id = "delete_run",
    security(("ApiKey" = ["runs"]), ("Bearer" = ["runs"])),
    params(("id" = String, Path, description = "The agent."), ("run" = String, Path, description = "The run.")),
    responses((status = 200, description = "It is gone.", body = Data<DeletedRun>)),
)]
pub(crate) async fn delete_run(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id, run)): Segment<(AgentId, RunId)>,
) -> Result<Answer<Data<DeletedRun>>, Failure> {
    app.core.runs().delete(&ctx, id, run).await?;
    Ok(Answer(Data { data: DeletedRun { id: run.to_string(), deleted: true } }))
}

/// A link for a browser.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PageLink {
    /// Whoever has it sees the page; no key is needed.
    pub(crate) url: String,
    pub(crate) expires_at: String,
}

/// Make a link to a run
///
/// A page that shows the run in a browser, for a day. Whoever has the link can also answer the run's forms.
#[utoipa::path(
    post, path = "/v1/agents/{id}/runs/{run}/link", tag = "runs", operation_id = "link_run",
    security(("ApiKey" = ["runs"]), ("Bearer" = ["runs"])),
    params(("id" = String, Path, description = "The agent."), ("run" = String, Path, description = "The run.")),
    responses((status = 200, description = "The link.", body = Data<PageLink>)),
)]
pub(crate) async fn link_run(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id, run)): Segment<(AgentId, RunId)>,
) -> Result<Answer<Data<PageLink>>, Failure> {
    let link = app.core.runs().link(&ctx, id, run).await?;
    Ok(Answer(Data { data: PageLink { url: link.url, expires_at: iso(link.expires_at) } }))
}
