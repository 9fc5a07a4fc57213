use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use roost_core::{Core, CreateWorkflowAgent, Ctx, Error, ListWorkflowAgents, PutWorkflow, WorkflowView};
use roost_domain::id::AgentId;
use roost_http::{Caller, Document, Failure, Query, Segment};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::body::Configured;
use crate::envelope::{Page, Success, Wanted};
use crate::wire::{ApiAgent, ApiConnection};

type Shown = Result<Answer<Success<ApiAgent>>, Failure>;

async fn shown(core: &Core, ctx: &Ctx, view: Result<WorkflowView, Error>) -> Shown {
    let view = view?;
    let connect = core.workflows().connect(ctx, &view);
    let hooks = core.triggers().urls(ctx, &[view.agent.id]).await?;
    Ok(Answer(Success::new(ApiAgent::new(view, connect, &hooks))))
}

/// `POST /api/v1/agents`
pub(crate) async fn create(
    State(core): State<Core>,
    Caller(ctx): Caller,
    Document(body): Document,
) -> Result<(StatusCode, Answer<Success<ApiAgent>>), Failure> {
    let Configured { config, tags, .. } = Configured::read(body)?;
    let config = Value::Object(config.unwrap_or_default());
    let view = core.workflows().create(&ctx, CreateWorkflowAgent { config, tags }).await;
    Ok((StatusCode::CREATED, shown(&core, &ctx, view).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    page: Option<u64>,
    limit: Option<u32>,
    status: Option<String>,
}

/// `GET /api/v1/agents`
pub(crate) async fn list(
    State(core): State<Core>,
    Caller(ctx): Caller,
    Query(query): Query<ListQuery>,
) -> Result<Answer<Page<ApiAgent>>, Failure> {
    let wanted = Wanted::read(query.page, query.limit)?;
    let ready = match query.status.as_deref() {
        None => None,
        Some("ready") => Some(true),
        Some("auth_required") => Some(false),
        Some(_) => return Err(Failure::invalid("status", "must be ready or auth_required")),
    };
    let list = ListWorkflowAgents { ready, skip: wanted.skip(), limit: wanted.limit };
    let (views, total) = core.workflows().list(&ctx, list).await?;
    let ids: Vec<_> = views.iter().map(|view| view.agent.id).collect();
    let hooks = core.triggers().urls(&ctx, &ids).await?;
    let agents = views.into_iter().map(|view| {
        let connect = core.workflows().connect(&ctx, &view);
        ApiAgent::new(view, connect, &hooks)
    });
    Ok(Answer(Page::new(wanted, total, agents.collect())))
}

/// `GET /api/v1/agents/{agentId}`
pub(crate) async fn show(
    State(core): State<Core>,
    Caller(ctx): Caller,
    Segment((agent,)): Segment<(AgentId,)>,
) -> Shown {
    shown(&core, &ctx, core.workflows().find(&ctx, agent).await).await
}

/// `PATCH` and `PUT /api/v1/agents/{agentId}`
pub(crate) async fn update(
    State(core): State<Core>,
    Caller(ctx): Caller,
    Segment((agent,)): Segment<(AgentId,)>,
    Document(body): Document,
) -> Shown {
    let (config, tags) = Configured::read(body)?.change();
    let put = PutWorkflow { agent, config, tags, expected: None };
    shown(&core, &ctx, core.workflows().put(&ctx, put).await).await
}

/// Something that is gone.
#[derive(Serialize)]
pub(crate) struct Deleted {
    pub(crate) id: String,
    pub(crate) deleted: bool,
    pub(crate) message: &'static str,
}

/// `DELETE /api/v1/agents/{agentId}`
pub(crate) async fn delete(
    State(core): State<Core>,
    Caller(ctx): Caller,
    Segment((agent,)): Segment<(AgentId,)>,
) -> Result<Answer<Success<Deleted>>, Failure> {
    core.agents().delete(&ctx, agent).await?;
    let message = "The agent and all its runs are gone.";
    Ok(Answer(Success::new(Deleted { id: agent.to_string(), deleted: true, message })))
}

/// `GET` and `POST /api/v1/agents/{agentId}/connections`
pub(crate) async fn connections(
    State(core): State<Core>,
    Caller(ctx): Caller,
    Segment((agent,)): Segment<(AgentId,)>,
) -> Result<Answer<Success<Vec<ApiConnection>>>, Failure> {
    let view = core.workflows().find(&ctx, agent).await?;
    let connect = core.workflows().connect(&ctx, &view);
    Ok(Answer(Success::new(connect.into_iter().map(ApiConnection::new).collect())))
}

/// `POST /api/v1/agents/{agentId}/start`
pub(crate) async fn start(
    State(core): State<Core>,
    Caller(ctx): Caller,
    Segment((agent,)): Segment<(AgentId,)>,
) -> Shown {
    shown(&core, &ctx, core.workflows().start(&ctx, agent).await).await
}

/// `POST /api/v1/agents/{agentId}/stop`
pub(crate) async fn stop(
    State(core): State<Core>,
    Caller(ctx): Caller,
    Segment((agent,)): Segment<(AgentId,)>,
) -> Shown {
    shown(&core, &ctx, core.workflows().disarm(&ctx, agent).await).await
}

/// `POST /api/v1/agents/{agentId}/pause`
pub(crate) async fn pause(
    State(core): State<Core>,
    Caller(ctx): Caller,
    Segment((agent,)): Segment<(AgentId,)>,
) -> Shown {
    shown(&core, &ctx, core.workflows().pause_triggers(&ctx, agent).await).await
}
