use axum::Json as Answer;
use axum::extract::State;
use roost_core::ForgetMemories;
use roost_domain::id::{AgentId, KnowledgeId};
use roost_http::{Caller, Failure, Query, Segment};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::app::App;
use crate::envelope::Data;
use crate::knowledge::{DeletedKnowledge, is_true};

/// Forget a memory
#[utoipa::path(
    delete, path = "/v1/agents/{id}/memory/{memory}", tag = "knowledge", operation_id = "forget_memory",
    security(("ApiKey" = ["knowledge:write"]), ("Bearer" = ["knowledge:write"])),
    params(("id" = String, Path, description = "The agent."), ("memory" = String, Path, description = "The memory.")),
    responses((status = 200, description = "It is gone.", body = Data<DeletedKnowledge>)),
)]
pub(crate) async fn forget(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((agent, memory)): Segment<(AgentId, KnowledgeId)>,
) -> Result<Answer<Data<DeletedKnowledge>>, Failure> {
    app.core.memories().forget(&ctx, agent, memory).await?;
    Ok(Answer(Data { data: DeletedKnowledge { deleted: true, count: 1 } }))
}

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ForgetMemoriesQuery {
    /// Only what is remembered of this peer: the `peerId` of its messages, or the `peer` of the list. Without it, of
    /// all.
    peer_id: Option<String>,
    /// Must be `true`.
    all: Option<String>,
    /// Must be `true`.
    confirm: Option<String>,
}

/// Forget everything
///
/// Of one peer, or of all; needs `all=true&confirm=true`.
#[utoipa::path(
    delete, path = "/v1/agents/{id}/memory", tag = "knowledge", operation_id = "forget_memories",
    security(("ApiKey" = ["knowledge:write"]), ("Bearer" = ["knowledge:write"])),
    params(("id" = String, Path, description = "The agent."), ForgetMemoriesQuery),
    responses((status = 200, description = "They are gone.", body = Data<DeletedKnowledge>)),
)]
pub(crate) async fn forget_all(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((agent,)): Segment<(AgentId,)>,
    Query(query): Query<ForgetMemoriesQuery>,
) -> Result<Answer<Data<DeletedKnowledge>>, Failure> {
    let confirmed = is_true("all", query.all.as_deref())? && is_true("confirm", query.confirm.as_deref())?;
    let forget = ForgetMemories { agent, peer: query.peer_id, confirmed };
    let count = app.core.memories().forget_all(&ctx, forget).await?;
    Ok(Answer(Data { data: DeletedKnowledge { deleted: true, count } }))
}
