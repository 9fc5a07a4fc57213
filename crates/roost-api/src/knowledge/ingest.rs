use axum::Json as Answer;
use axum::extract::State;
use roost_core::{Ingest, KnowledgeChunk};
use roost_domain::key::Scope;
use roost_http::{Caller, Failure, Json};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::wire::{StoredTexts, owner};
use crate::app::App;
use crate::envelope::{Data, ErrorBody};

/// Texts to be taken in.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct IngestBody {
    /// The swarm whose knowledge they become. Give either this or `agentId`.
    swarm_id: Option<String>,
    /// The agent whose knowledge they become; its swarm's, if it is in one.
    agent_id: Option<String>,
    /// 1 to 100 texts.
    chunks: Vec<ChunkBody>,
}

/// One text.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChunkBody {
    /// 1 to 4,000 characters.
    text: String,
    /// Where it comes from, 1 to 500 characters.
    #[schema(example = "docs/intro.md")]
    source: String,
    /// At most 4,096 bytes; its `type` is shown in lists.
    #[schema(value_type = Option<Object>)]
    metadata: Option<Map<String, Value>>,
}

/// Take texts in
///
/// All or none. A text that says the same as one that is there already, or came before it in the list, is skipped:
/// when the cosine of their vectors is 0.95 or more. So asking twice does no harm.
#[utoipa::path(
    post, path = "/v1/knowledge/ingest", tag = "knowledge",
    security(("ApiKey" = ["knowledge:write"]), ("Bearer" = ["knowledge:write"])),
    request_body = IngestBody,
    responses(
        (status = 200, description = "What became of them.", body = Data<StoredTexts>),
        (status = 404, description = "There is no such agent or swarm.", body = ErrorBody),
        (status = 503, description = "The embedder is not there.", body = ErrorBody),
    ),
)]
pub(crate) async fn ingest(
    State(app): State<App>,
    Caller(ctx): Caller,
    Json(body): Json<IngestBody>,
) -> Result<Answer<Data<StoredTexts>>, Failure> {
    ctx.require(Scope::KnowledgeWrite)?;
    let owner = owner(body.agent_id.as_deref(), body.swarm_id.as_deref())?;
    let chunk = |chunk: ChunkBody| KnowledgeChunk {
        text: chunk.text,
        source: chunk.source,
        metadata: chunk.metadata.unwrap_or_default(),
    };
    let chunks = body.chunks.into_iter().map(chunk).collect();
    let stored = app.core.knowledge().ingest(&ctx, Ingest { owner, chunks }).await?;
    Ok(Answer(Data { data: stored.into() }))
}
