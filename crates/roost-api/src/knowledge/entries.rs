use axum::Json as Answer;
use axum::extract::State;
use roost_core::{DeleteKnowledge, ListKnowledge, Removed};
use roost_domain::id::KnowledgeId;
use roost_domain::key::Scope;
use roost_domain::page::Limit;
use roost_http::{Caller, Failure, Query};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::wire::{KnowledgeEntry, owner};
use crate::app::App;
use crate::envelope::{Data, ErrorBody};

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListKnowledgeQuery {
    /// The swarm. Give either this or `agentId`.
    swarm_id: Option<String>,
    /// The agent; its swarm's knowledge is listed, if it is in one.
    agent_id: Option<String>,
    /// Only entries of this source.
    source: Option<String>,
    /// 1 to 100; 50 by default.
    limit: Option<u32>,
    /// The `nextOffset` of the part before.
    offset: Option<String>,
}

/// A part of a list of entries.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ListedKnowledge {
    data: Vec<KnowledgeEntry>,
    pagination: KnowledgePagination,
}

/// Where a list of entries goes on.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct KnowledgePagination {
    /// Send this as `offset` for the next part; null at the end.
    pub(crate) next_offset: Option<String>,
    /// Whether there is a next part.
    pub(crate) has_more: bool,
}

impl KnowledgePagination {
    pub(crate) fn new(next: Option<KnowledgeId>) -> Self {
        Self { next_offset: next.map(|id| id.to_string()), has_more: next.is_some() }
    }
}

/// List entries
///
/// Oldest first.
#[utoipa::path(
    get, path = "/v1/knowledge", tag = "knowledge", operation_id = "list_entries",
    security(("ApiKey" = ["knowledge:read"]), ("Bearer" = ["knowledge:read"])),
    params(ListKnowledgeQuery),
    responses(
        (status = 200, description = "A part of the list.", body = ListedKnowledge),
        (status = 404, description = "There is no such agent or swarm.", body = ErrorBody),
    ),
)]
pub(crate) async fn list(
    State(app): State<App>,
    Caller(ctx): Caller,
    Query(query): Query<ListKnowledgeQuery>,
) -> Result<Answer<ListedKnowledge>, Failure> {
    ctx.require(Scope::KnowledgeRead)?;
    let list = ListKnowledge {
        owner: owner(query.agent_id.as_deref(), query.swarm_id.as_deref())?,
        source: query.source,
        from: from(query.offset.as_deref())?,
        limit: Limit::clamped(query.limit.unwrap_or(50), 100),
    };
    let part = app.core.knowledge().list(&ctx, list).await?;
    Ok(Answer(ListedKnowledge {
        data: part.rows.into_iter().map(KnowledgeEntry::new).collect(),
        pagination: KnowledgePagination::new(part.next),
    }))
}

/// Reads where a list goes on.
pub(crate) fn from(offset: Option<&str>) -> Result<Option<KnowledgeId>, Failure> {
    let wrong = |_| Failure::invalid("offset", "is not one that this list gave; begin without one");
    offset.map(|offset| offset.parse().map_err(wrong)).transpose()
}

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeleteKnowledgeQuery {
    /// The swarm. Give either this or `agentId`.
    swarm_id: Option<String>,
    /// The agent; its swarm's entries are deleted, if it is in one.
    agent_id: Option<String>,
    /// All entries of this source.
    source: Option<String>,
    /// One entry.
    id: Option<String>,
    /// `true` for all entries; needs `confirm=true` too.
    all: Option<String>,
    /// `true` confirms that all entries are to be deleted.
    confirm: Option<String>,
}

/// Entries that are no more.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeletedKnowledge {
    /// Always true: what was not there is gone too.
    pub(crate) deleted: bool,
    /// How many there were.
    pub(crate) count: u64,
}

/// Delete entries
///
/// By exactly one of `source`, `id` and `all=true&confirm=true`; all or none.
#[utoipa::path(
    delete, path = "/v1/knowledge", tag = "knowledge", operation_id = "delete_entries",
    security(("ApiKey" = ["knowledge:write"]), ("Bearer" = ["knowledge:write"])),
    params(DeleteKnowledgeQuery),
    responses(
        (status = 200, description = "They are gone.", body = Data<DeletedKnowledge>),
        (status = 404, description = "There is no such agent or swarm.", body = ErrorBody),
    ),
)]
pub(crate) async fn delete(
    State(app): State<App>,
    Caller(ctx): Caller,
    Query(query): Query<DeleteKnowledgeQuery>,
) -> Result<Answer<Data<DeletedKnowledge>>, Failure> {
    ctx.require(Scope::KnowledgeWrite)?;
    let owner = owner(query.agent_id.as_deref(), query.swarm_id.as_deref())?;
    let count = app.core.knowledge().delete(&ctx, DeleteKnowledge { owner, which: query.which()? }).await?;
    Ok(Answer(Data { data: DeletedKnowledge { deleted: true, count } }))
}

impl DeleteKnowledgeQuery {
    fn which(self) -> Result<Removed, Failure> {
        match (self.source, self.id, is_true("all", self.all.as_deref())?) {
            (Some(source), None, false) => Ok(Removed::Source(source)),
            (None, Some(id), false) => {
                let id = id.parse().map_err(|error| Failure::invalid("id", format!("is wrong: {error}")))?;
                Ok(Removed::One(id))
            }
            (None, None, true) => confirmed(self.confirm.as_deref()).map(|()| Removed::All),
            (None, None, false) => {
                Err(Failure::invalid("source", "is required, or id, or all=true&confirm=true"))
            }
            (_, _, _) => Err(Failure::invalid("source", "id and all exclude each other; give one of them")),
        }
    }
}

/// Reads a parameter that is `true` or `false`.
pub(crate) fn is_true(name: &str, value: Option<&str>) -> Result<bool, Failure> {
    match value {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(Failure::invalid(name, "must be true or false")),
    }
}

/// Checks that everything is meant to go.
pub(crate) fn confirmed(confirm: Option<&str>) -> Result<(), Failure> {
    if is_true("confirm", confirm)? {
        Ok(())
    } else {
        Err(Failure::invalid("confirm", "must be true to delete everything: all=true&confirm=true"))
    }
}
