use axum::Json as Answer;
use axum::extract::State;
use roost_core::{ConfigChange, PutWorkflow, WorkflowVersion};
use roost_domain::id::AgentId;
use roost_domain::page::Limit;
use roost_http::{Caller, Document, Failure, Query, Segment, iso};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::envelope::{Data, ErrorBody, Listed, Pagination};

/// A version of an agent's workflow.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Workflow {
    agent_id: String,
    /// 1, 2, 3, …
    version: u64,
    /// The configuration as it was given; `GET /v1/workflows/schema.json` describes it.
    #[schema(value_type = Object)]
    config: Value,
    /// Who wrote it: a key's name.
    author: String,
    created_at: String,
}

impl Workflow {
    fn new(agent: AgentId, version: WorkflowVersion) -> Self {
        Self {
            agent_id: agent.to_string(),
            version: version.version,
            config: version.config,
            author: version.author,
            created_at: iso(version.at),
        }
    }
}

/// Get a workflow
///
/// The latest version.
#[utoipa::path(
    get, path = "/v1/agents/{id}/workflow/config", tag = "workflows", operation_id = "get_workflow",
    security(("ApiKey" = ["agents:read"]), ("Bearer" = ["agents:read"])),
    params(("id" = String, Path, description = "The agent.")),
    responses((status = 200, description = "The workflow.", body = Data<Workflow>)),
)]
pub(crate) async fn get_config(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(AgentId,)>,
) -> Result<Answer<Data<Workflow>>, Failure> {
    let version = app.core.workflows().get(&ctx, id, None).await?;
    Ok(Answer(Data { data: Workflow::new(id, version) }))
}

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PutWorkflowQuery {
    /// The version that you have seen, 0 if there was none; 409 if it is not the latest any more.
    expected_version: Option<u64>,
}

/// Put a workflow
///
/// Runs that begin after the answer follow it; those under way keep to the version that they began with. The agent's
/// name, description, model and tags follow what the configuration says of them. A 400 says everything that is wrong,
/// each with its place, in a line of its own.
#[utoipa::path(
    put, path = "/v1/agents/{id}/workflow/config", tag = "workflows", operation_id = "put_workflow",
    security(("ApiKey" = ["agents:write"]), ("Bearer" = ["agents:write"])),
    params(("id" = String, Path, description = "The agent."), PutWorkflowQuery),
    request_body(description = "The configuration, as JSON or YAML.",
        content((Object = "application/json"), (Object = "application/yaml"))),
    responses(
        (status = 200, description = "The version that is the latest now.", body = Data<Workflow>),
        (status = 409, description = "Somebody else has changed it meanwhile.", body = ErrorBody),
    ),
)]
pub(crate) async fn put_config(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(AgentId,)>,
    Query(query): Query<PutWorkflowQuery>,
    Document(config): Document,
) -> Result<Answer<Data<Workflow>>, Failure> {
    let put = PutWorkflow {
        agent: id,
        config: ConfigChange::Replace(config),
        tags: None,
        expected: query.expected_version,
    };
    let view = app.core.workflows().put(&ctx, put).await?;
    let version = view.version.ok_or_else(|| roost_core::Error::internal("what was put is not there"))?;
    Ok(Answer(Data { data: Workflow::new(id, version) }))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct WorkflowVersionsQuery {
    /// 1 to 100; 20 by default.
    limit: Option<u32>,
    /// Only versions that are older than this.
    before: Option<u64>,
}

/// List a workflow's versions
///
/// Newest first.
#[utoipa::path(
    get, path = "/v1/agents/{id}/workflow/versions", tag = "workflows", operation_id = "list_workflow_versions",
    security(("ApiKey" = ["agents:read"]), ("Bearer" = ["agents:read"])),
    params(("id" = String, Path, description = "The agent."), WorkflowVersionsQuery),
    responses((status = 200, description = "The versions.", body = Listed<Workflow>)),
)]
pub(crate) async fn config_versions(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(AgentId,)>,
    Query(query): Query<WorkflowVersionsQuery>,
) -> Result<Answer<Listed<Workflow>>, Failure> {
    let limit = Limit::clamped(query.limit.unwrap_or(20), 100);
    let versions = app.core.workflows().versions(&ctx, id, query.before, limit).await?;
    // Versions have no gaps, so the newest tells how many there are.
    let total = versions.first().map_or(0, |newest| newest.version);
    Ok(Answer(Listed {
        data: versions.into_iter().map(|version| Workflow::new(id, version)).collect(),
        pagination: Pagination::new(total, limit, None),
    }))
}

/// Get a version of a workflow
#[utoipa::path(
    get, path = "/v1/agents/{id}/workflow/versions/{version}", tag = "workflows",
    operation_id = "get_workflow_version",
    security(("ApiKey" = ["agents:read"]), ("Bearer" = ["agents:read"])),
    params(
        ("id" = String, Path, description = "The agent."),
        ("version" = u64, Path, description = "The version."),
    ),
    responses((status = 200, description = "The version.", body = Data<Workflow>)),
)]
pub(crate) async fn config_version(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id, version)): Segment<(AgentId, u64)>,
) -> Result<Answer<Data<Workflow>>, Failure> {
    let version = app.core.workflows().get(&ctx, id, Some(version)).await?;
    Ok(Answer(Data { data: Workflow::new(id, version) }))
}
