use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use roost_core::KnowledgeStatus;
use roost_http::{Caller, Failure};
use serde::Serialize;
use utoipa::ToSchema;

use super::wire::Embedder;
use crate::app::App;
use crate::envelope::Data;

/// How far the account's knowledge is embedded.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EmbeddingStatus {
    embedder: Embedder,
    /// All entries of the account, memories included.
    entries: u64,
    /// Those with a vector of this embedder.
    embedded: u64,
    /// Those that wait for one; until then they are found by their words.
    pending: u64,
}

impl From<KnowledgeStatus> for EmbeddingStatus {
    fn from(status: KnowledgeStatus) -> Self {
        let (entries, embedded) = (status.embedded.entries, status.embedded.embedded);
        Self {
            embedder: status.embedder.into(),
            entries,
            embedded,
            pending: entries.saturating_sub(embedded),
        }
    }
}

/// Show who embeds
///
/// And how far the account's knowledge is embedded. When the server's embedder changes, all entries are embedded anew
/// in the background.
#[utoipa::path(
    get, path = "/v1/knowledge/status", tag = "knowledge", operation_id = "embedding_status",
    security(("ApiKey" = ["knowledge:read"]), ("Bearer" = ["knowledge:read"])),
    responses((status = 200, description = "How it stands.", body = Data<EmbeddingStatus>)),
)]
pub(crate) async fn status(
    State(app): State<App>,
    Caller(ctx): Caller,
) -> Result<Answer<Data<EmbeddingStatus>>, Failure> {
    Ok(Answer(Data { data: app.core.knowledge().status(&ctx).await?.into() }))
}

/// Embed everything anew
///
/// In the background, for all entries of the account. Until that is done they are found by their words, and by their
/// meaning as far as it is done.
#[utoipa::path(
    post, path = "/v1/knowledge/reembed", tag = "knowledge",
    security(("ApiKey" = ["knowledge:write"]), ("Bearer" = ["knowledge:write"])),
    responses((status = 202, description = "It has begun.", body = Data<EmbeddingStatus>)),
)]
pub(crate) async fn reembed(
    State(app): State<App>,
    Caller(ctx): Caller,
) -> Result<(StatusCode, Answer<Data<EmbeddingStatus>>), Failure> {
    let status = app.core.knowledge().reembed(&ctx).await?;
    Ok((StatusCode::ACCEPTED, Answer(Data { data: status.into() })))
}
