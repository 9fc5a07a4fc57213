use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use roost_core::ForkAgent;
use roost_domain::id::{AgentId, SnapshotId};
use roost_http::{Caller, Failure, OptionalJson, Segment};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::wire::Copied;
use crate::agents::AgentDetails;
use crate::app::App;
use crate::envelope::{Data, ErrorBody};

/// An agent to be made from another.
#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ForkAgentBody {
    /// One of the agent's snapshots; without one, its state as it is now.
    #[serde(alias = "snapshot_id")]
    snapshot_id: Option<String>,
    /// 1 to 100 characters; without one, the agent's name and `fork`.
    name: Option<String>,
}

/// An agent that was made from another.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ForkedAgent {
    #[serde(flatten)]
    agent: AgentDetails,
    /// The agent it was made from.
    forked_from: String,
    /// How its files were copied.
    files: Copied,
}

/// Fork an agent
///
/// Makes another agent with its files, documents and conversations, as they are now or were at a snapshot. Turns that
/// are open are cancelled in the copy; approvals are not copied. Configuration, policy and permissions are copied as
/// they are now. Secrets are used from the agent, and follow it, until the fork has its own; if the agent is deleted,
/// the fork keeps them.
#[utoipa::path(
    post, path = "/v1/agents/{id}/fork", tag = "snapshots", operation_id = "fork_agent",
    security(("ApiKey" = ["agents:write"]), ("Bearer" = ["agents:write"])),
    params(("id" = String, Path, description = "The agent.")),
    request_body = Option<ForkAgentBody>,
    responses(
        (status = 201, description = "The new agent, running.", body = Data<ForkedAgent>),
        (status = 503, description = "It does not fit on the disk.", body = ErrorBody),
    ),
)]
pub(crate) async fn fork(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(AgentId,)>,
    OptionalJson(body): OptionalJson<ForkAgentBody>,
) -> Result<(StatusCode, Answer<Data<ForkedAgent>>), Failure> {
    let snapshot = body.snapshot_id.map(|text| text.parse::<SnapshotId>()).transpose();
    let snapshot = snapshot.map_err(|error| Failure::invalid("snapshotId", error))?;
    let fork = ForkAgent { parent: id, snapshot, name: body.name };
    let forked = app.core.snapshots().fork(&ctx, fork).await?;
    let data = ForkedAgent {
        files: Copied::new(&forked.transfer),
        forked_from: id.to_string(),
        agent: AgentDetails::new(&ctx, forked.view),
    };
    Ok((StatusCode::CREATED, Answer(Data { data })))
}
