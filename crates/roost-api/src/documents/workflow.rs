use axum::Json as Answer;
use axum::extract::State;
use roost_core::PutDocument;
use roost_domain::document::DocumentName;
use roost_domain::id::AgentId;
use roost_http::{Caller, Failure, Json, Segment};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::hash;
use super::wire::Shown;
use crate::app::App;
use crate::envelope::{Data, ErrorBody};

/// What an agent's job is. A document that is not there is empty, and its time null.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Workflow {
    /// WORKFLOW.md
    workflow_md: String,
    /// The files of its rules.
    #[schema(example = json!(["refunds.md"]))]
    rules: Vec<String>,
    /// The SHA-256 of WORKFLOW.md, in hexadecimal digits; send it as `expectedHash`.
    workflow_md_hash: String,
    workflow_md_updated_at: Option<String>,
}

/// Get an agent's workflow
///
/// With the files of its rules. Whatever the agent is doing: it need not run.
#[utoipa::path(
    get, path = "/v1/agents/{id}/workflow", tag = "documents", operation_id = "get_workflow",
    security(("ApiKey" = ["agents:read"]), ("Bearer" = ["agents:read"])),
    params(("id" = String, Path, description = "The agent.")),
    responses((status = 200, description = "WORKFLOW.md and the rules.", body = Data<Workflow>)),
)]
pub(crate) async fn get_workflow(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(AgentId,)>,
) -> Result<Answer<Data<Workflow>>, Failure> {
    let found = app.core.documents().workflow(&ctx, id).await?;
    let workflow = Shown::new(found.workflow);
    Ok(Answer(Data {
        data: Workflow {
            workflow_md: workflow.text,
            rules: found.rules.iter().map(|rule| format!("{rule}.md")).collect(),
            workflow_md_hash: workflow.hash,
            workflow_md_updated_at: workflow.updated_at,
        },
    }))
}

/// A workflow to be written.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct PutWorkflowBody {
    /// WORKFLOW.md, at most 48,000 bytes.
    workflow_md: String,
    /// The SHA-256 of the WORKFLOW.md that this replaces; 409 if it has another by now.
    expected_hash: Option<String>,
}

/// The workflow as it is now.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WrittenWorkflow {
    workflow_md: String,
    workflow_md_hash: String,
    workflow_md_updated_at: Option<String>,
    /// Whether sessions under way see it only after a restart.
    needs_restart: bool,
}

/// Write an agent's workflow
///
/// What was there before is kept as a version. New sessions see it at once, sessions under way after a restart.
#[utoipa::path(
    put, path = "/v1/agents/{id}/workflow", tag = "documents", operation_id = "put_workflow",
    security(("ApiKey" = ["agents:write"]), ("Bearer" = ["agents:write"])),
    params(("id" = String, Path, description = "The agent.")),
    request_body = PutWorkflowBody,
    responses(
        (status = 200, description = "It is written.", body = Data<WrittenWorkflow>),
        (status = 409, description = "It was changed meanwhile.", body = ErrorBody),
    ),
)]
pub(crate) async fn put_workflow(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(AgentId,)>,
    Json(body): Json<PutWorkflowBody>,
) -> Result<Answer<Data<WrittenWorkflow>>, Failure> {
    let put = PutDocument {
        name: DocumentName::Workflow,
        content: body.workflow_md,
        expected: hash("expectedHash", body.expected_hash)?,
        field: "workflowMd",
    };
    let written = app.core.documents().put(&ctx, id, vec![put]).await?;
    let workflow = Shown::new(written.documents.into_iter().next());
    Ok(Answer(Data {
        data: WrittenWorkflow {
            workflow_md: workflow.text,
            workflow_md_hash: workflow.hash,
            workflow_md_updated_at: workflow.updated_at,
            needs_restart: written.needs_restart,
        },
    }))
}
