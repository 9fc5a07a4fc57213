use axum::Json as Answer;
use axum::extract::State;
use roost_core::{ListMemories, MemoryView};
use roost_domain::id::AgentId;
use roost_domain::page::Limit;
use roost_http::{Caller, Failure, Query, Segment, iso};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::knowledge::{KnowledgePagination, from};

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListMemoriesQuery {
    /// Only what is remembered of this peer: the `peerId` of its messages, or the `peer` of this list.
    peer_id: Option<String>,
    /// 1 to 100; 50 by default.
    limit: Option<u32>,
    /// The `nextOffset` of the part before.
    offset: Option<String>,
}

/// Something that an agent remembers.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MemoryEntry {
    /// A UUID.
    id: String,
    /// Of whom: `peer:` and the `peerId`, `key:` and an API key's id, or `key:*` for all who hold one.
    #[schema(example = "peer:ada")]
    peer: String,
    /// What, in the peer's words.
    text: String,
    /// The session it was said in.
    session_id: String,
    created_at: String,
}

/// A part of a list of memories.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ListedMemories {
    data: Vec<MemoryEntry>,
    pagination: KnowledgePagination,
}

/// List memories
///
/// What the agent remembers of its peers, oldest first. Agents of a swarm remember together.
#[utoipa::path(
    get, path = "/v1/agents/{id}/memory", tag = "knowledge", operation_id = "list_memories",
    security(("ApiKey" = ["knowledge:read"]), ("Bearer" = ["knowledge:read"])),
    params(("id" = String, Path, description = "The agent."), ListMemoriesQuery),
    responses((status = 200, description = "A part of the list.", body = ListedMemories)),
)]
pub(crate) async fn memories(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((agent,)): Segment<(AgentId,)>,
    Query(query): Query<ListMemoriesQuery>,
) -> Result<Answer<ListedMemories>, Failure> {
    let list = ListMemories {
        agent,
        peer: query.peer_id,
        from: from(query.offset.as_deref())?,
        limit: Limit::clamped(query.limit.unwrap_or(50), 100),
    };
    let part = app.core.memories().list(&ctx, list).await?;
    let entry = |MemoryView { peer, entry }| MemoryEntry {
        id: entry.id.to_string(),
        peer,
        text: entry.text,
        session_id: entry.source,
        created_at: iso(entry.created_at),
    };
    Ok(Answer(ListedMemories {
        data: part.rows.into_iter().map(entry).collect(),
        pagination: KnowledgePagination::new(part.next),
    }))
}
