use roost_domain::key::Scope;
use roost_domain::knowledge::{LARGEST_METADATA, MOST_CHUNKS, Owner, Shelf};
use serde_json::{Map, Value};

use super::put::{Draft, Put, Stored};
use super::{Knowledge, check_source, check_text};
use crate::{Ctx, Error};

/// Texts to be taken in.
#[derive(Debug, Clone)]
pub struct Ingest {
    /// Whose knowledge they become; an agent's swarm's, if it is in one.
    pub owner: Owner,
    /// 1 to 100 of them.
    pub chunks: Vec<KnowledgeChunk>,
}

/// One text to be taken in.
#[derive(Debug, Clone)]
pub struct KnowledgeChunk {
    /// 1 to 4,000 characters.
    pub text: String,
    /// 1 to 500 characters.
    pub source: String,
    /// At most 4,096 bytes as JSON.
    pub metadata: Map<String, Value>,
}

impl Knowledge<'_> {
    /// Takes texts in, all or none. A text that says the same as one that is there, or came before it in the list, is
    /// skipped, so that asking twice does no harm.
    ///
    /// # Errors
    ///
    /// `InvalidInput` names the field; `NotFound` for the agent or the swarm; `Unavailable` with the code
    /// `embedder_unavailable`; `QuotaExceeded` with the code `too_many_knowledge_entries`.
    pub async fn ingest(&self, ctx: &Ctx, ingest: Ingest) -> Result<Stored, Error> {
        ctx.require(Scope::KnowledgeWrite)?;
        check(&ingest.chunks)?;
        let owner = self.0.owner(ctx, ingest.owner).await?;
        let draft = |chunk: KnowledgeChunk| Draft {
            text: chunk.text,
            source: chunk.source,
            metadata: chunk.metadata,
        };
        self.0
            .put(Put {
                account: ctx.account(),
                shelf: Shelf::knowledge(owner),
                drafts: ingest.chunks.into_iter().map(draft).collect(),
                replaces: None,
                forgets_beyond: None,
                now: ctx.now,
            })
            .await
    }
}

fn check(chunks: &[KnowledgeChunk]) -> Result<(), Error> {
    if chunks.is_empty() {
        return Err(Error::invalid("chunks", "must have at least one"));
    }
    if chunks.len() > MOST_CHUNKS {
        return Err(Error::invalid("chunks", format!("has {}; at most 100 are allowed", chunks.len())));
    }
    for (index, chunk) in chunks.iter().enumerate() {
        check_text(&format!("chunks[{index}].text"), &chunk.text)?;
        check_source(&format!("chunks[{index}].source"), &chunk.source)?;
        let size = Value::Object(chunk.metadata.clone()).to_string().len();
        if size > LARGEST_METADATA {
            let problem = format!("has {size} bytes as JSON; at most 4,096 are allowed");
            return Err(Error::invalid(&format!("chunks[{index}].metadata"), problem));
        }
    }
    Ok(())
}
