use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use roost_core::{AnswerRun, Core, CreateRun, PageRuns, RunFilter};
use roost_domain::id::{AgentId, FormId, RunId};
use roost_domain::run::Status;
use roost_http::{Caller, Failure, OptionalJson, Query, Segment};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::agents::Deleted;
use crate::body::object;
use crate::envelope::{Page, Success, Wanted};
use crate::wire::{ApiAgent, ApiRun, RunSummary};

/// A run that has begun.
#[derive(Serialize)]
pub(crate) struct Begun {
    run_id: String,
    #[serde(flatten)]
    run: ApiRun,
    agent: ApiAgent,
}

/// `POST /api/v1/agents/{agentId}/runs`
///
/// The body is what the run is given.
pub(crate) async fn create(
    State(core): State<Core>,
    Caller(ctx): Caller,
    Segment((agent,)): Segment<(AgentId,)>,
    OptionalJson(body): OptionalJson<Value>,
) -> Result<(StatusCode, Answer<Success<Begun>>), Failure> {
    let input = Value::Object(object(body)?);
    let (run, view) = core.workflows().run(&ctx, CreateRun { agent, input, only_armed: true }).await?;
    let connect = core.workflows().connect(&ctx, &view);
    let hooks = core.triggers().urls(&ctx, &[agent]).await?;
    let begun = Begun {
        run_id: run.run.id.to_string(),
        run: ApiRun::new(&core, run, ctx.now),
        agent: ApiAgent::new(view, connect, &hooks),
    };
    Ok((StatusCode::CREATED, Answer(Success::new(begun))))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    page: Option<u64>,
    limit: Option<u32>,
    status: Option<String>,
}

/// `GET /api/v1/agents/{agentId}/runs`
pub(crate) async fn list(
    State(core): State<Core>,
    Caller(ctx): Caller,
    Segment((agent,)): Segment<(AgentId,)>,
    Query(query): Query<ListQuery>,
) -> Result<Answer<Page<RunSummary>>, Failure> {
    let wanted = Wanted::read(query.page, query.limit)?;
    let status = match query.status.as_deref() {
        None => None,
        Some("running") => Some(Status::Running),
        Some("waiting-for-input") => Some(Status::WaitingForInput),
        Some("completed") => Some(Status::Completed),
        Some("failed") => Some(Status::Failed),
        Some("cancelled") => Some(Status::Cancelled),
        Some(_) => {
            let problem = "must be one of running, waiting-for-input, completed, failed, cancelled";
            return Err(Failure::invalid("status", problem));
        }
    };
    // What waits in line is shown as running.
    let or_queued = status == Some(Status::Running);
    let page =
        PageRuns { filter: RunFilter { agent, status, or_queued }, page: wanted.page, limit: wanted.limit };
    let (runs, total) = core.runs().page(&ctx, page).await?;
    Ok(Answer(Page::new(wanted, total, runs.iter().map(RunSummary::new).collect())))
}

/// `GET /api/v1/agents/{agentId}/runs/{runId}`
pub(crate) async fn show(
    State(core): State<Core>,
    Caller(ctx): Caller,
    Segment((agent, run)): Segment<(AgentId, RunId)>,
) -> Result<Answer<Success<ApiRun>>, Failure> {
    let view = core.runs().get(&ctx, agent, run).await?;
    Ok(Answer(Success::new(ApiRun::new(&core, view, ctx.now))))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateBody {
    action: String,
}

/// `PATCH` and `PUT /api/v1/agents/{agentId}/runs/{runId}`
pub(crate) async fn update(
    State(core): State<Core>,
    Caller(ctx): Caller,
    Segment((agent, run)): Segment<(AgentId, RunId)>,
    roost_http::Json(body): roost_http::Json<UpdateBody>,
) -> Result<Answer<Success<ApiRun>>, Failure> {
    if body.action != "cancel" {
        return Err(Failure::invalid("action", "must be cancel"));
    }
    let view = core.runs().cancel(&ctx, agent, run).await?;
    Ok(Answer(Success::new(ApiRun::new(&core, view, ctx.now))))
}

/// `DELETE /api/v1/agents/{agentId}/runs/{runId}`
pub(crate) async fn delete(
    State(core): State<Core>,
    Caller(ctx): Caller,
    Segment((agent, run)): Segment<(AgentId, RunId)>,
) -> Result<Answer<Success<Deleted>>, Failure> {
    core.runs().delete(&ctx, agent, run).await?;
    let message = "The run and its logs are gone.";
    Ok(Answer(Success::new(Deleted { id: run.to_string(), deleted: true, message })))
}

/// What came of an answer.
#[derive(Serialize)]
pub(crate) struct Submitted {
    run_id: String,
    submitted: bool,
    message: &'static str,
    #[serde(flatten)]
    run: ApiRun,
}

/// `POST /api/v1/agents/{agentId}/runs/{runId}/input`
///
/// The body is the answer, by the names of the fields. Where several forms wait, `form_id` beside it, or the names of the
/// fields, say which is meant.
pub(crate) async fn input(
    State(core): State<Core>,
    Caller(ctx): Caller,
    Segment((agent, run)): Segment<(AgentId, RunId)>,
    OptionalJson(body): OptionalJson<Value>,
) -> Result<Answer<Success<Submitted>>, Failure> {
    let (form, values) = answer(object(body)?)?;
    let answered = core.runs().answer(&ctx, AnswerRun { agent, run, form, values }).await?;
    Ok(Answer(Success::new(Submitted {
        run_id: run.to_string(),
        submitted: true,
        message: "The input was submitted and the agent goes on.",
        run: ApiRun::new(&core, answered.run, ctx.now),
    })))
}

/// Takes `{"form_id", "input"}` apart, and `{"input": {…}}`; anything else is the answer itself.
fn answer(mut body: Map<String, Value>) -> Result<(Option<FormId>, Map<String, Value>), Failure> {
    let wraps = body.get("input").is_some_and(Value::is_object)
        && body.keys().all(|key| key == "input" || key == "form_id");
    let form = match body.get("form_id").and_then(Value::as_str) {
        // A field of a form may have this name too; only an id can be meant.
        Some(text) if text.starts_with(FormId::PREFIX) => {
            let form = text.parse().map_err(|error| Failure::invalid("form_id", error))?;
            body.remove("form_id");
            Some(form)
        }
        Some(_) | None => None,
    };
    let values = match body.remove("input") {
        Some(Value::Object(values)) if wraps => values,
        Some(other) => {
            body.insert("input".to_owned(), other);
            body
        }
        None => body,
    };
    Ok((form, values))
}
