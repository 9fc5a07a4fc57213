use axum::Json as Answer;
use axum::extract::State;
use roost_core::{Found, Hit, SearchKnowledge};
use roost_domain::key::Scope;
use roost_domain::page::Limit;
use roost_http::{Caller, Failure, Json};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::wire::{Embedder, KnowledgeEntry, owner};
use crate::app::App;
use crate::envelope::{Data, ErrorBody};

/// What is looked for.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SearchBody {
    /// The swarm. Give either this or `agentId`.
    swarm_id: Option<String>,
    /// The agent; its swarm's knowledge is searched, if it is in one.
    agent_id: Option<String>,
    /// 1 to 4,000 characters, in whatever words. Nothing in it is syntax.
    query: String,
    /// 1 to 50; 10 by default.
    limit: Option<u32>,
}

/// What was found.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SearchResult {
    /// Best first.
    results: Vec<SearchHit>,
    embedder: Embedder,
    /// Whether the meaning was looked for too. False when the embedder was not there: then only words were.
    by_meaning: bool,
}

/// One entry that was found.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SearchHit {
    #[serde(flatten)]
    entry: KnowledgeEntry,
    /// From 0 to 1: 1 is the best by meaning and by words.
    score: f32,
    /// The cosine to the query; null where only words led to it.
    similarity: Option<f32>,
    /// Whether it has words of the query.
    by_words: bool,
}

/// Search
///
/// By what texts mean and by their words, put together by reciprocal ranks.
#[utoipa::path(
    post, path = "/v1/knowledge/search", tag = "knowledge",
    security(("ApiKey" = ["knowledge:read"]), ("Bearer" = ["knowledge:read"])),
    request_body = SearchBody,
    responses(
        (status = 200, description = "What was found.", body = Data<SearchResult>),
        (status = 404, description = "There is no such agent or swarm.", body = ErrorBody),
    ),
)]
pub(crate) async fn search(
    State(app): State<App>,
    Caller(ctx): Caller,
    Json(body): Json<SearchBody>,
) -> Result<Answer<Data<SearchResult>>, Failure> {
    ctx.require(Scope::KnowledgeRead)?;
    let search = SearchKnowledge {
        owner: owner(body.agent_id.as_deref(), body.swarm_id.as_deref())?,
        query: body.query,
        limit: Limit::clamped(body.limit.unwrap_or(10), 50),
    };
    let Found { hits, embedder, by_meaning } = app.core.knowledge().search(&ctx, search).await?;
    let hit = |hit: Hit| SearchHit {
        entry: KnowledgeEntry::new(hit.entry),
        score: hit.score,
        similarity: hit.similarity,
        by_words: hit.by_words,
    };
    let results = hits.into_iter().map(hit).collect();
    Ok(Answer(Data { data: SearchResult { results, embedder: embedder.into(), by_meaning } }))
}
