//! Knowledge: texts that agents find again, and the ways to put them there, look through them and take them away.
//!
//! An agent that is in a swarm has its swarm's knowledge, whichever of the two is named.

use roost_domain::id::AccountId;
use roost_domain::knowledge::{Entry, Owner, Vector};
use roost_ports::embedder::{self, Purpose};
use roost_ports::store::Reader;

use crate::{Core, Ctx, Error, Kind};

mod copy;
mod delete;
mod ingest;
mod library;
mod list;
mod put;
mod reembed;
mod search;
mod upload;

pub use delete::DeleteKnowledge;
pub use ingest::{Ingest, KnowledgeChunk};
pub(crate) use library::Library;
pub use list::ListKnowledge;
pub use put::Stored;
pub(crate) use put::{Draft, Put};
pub use reembed::{EmbedderView, KnowledgeStatus};
pub use search::{Found, Hit, SearchKnowledge};
pub use upload::{Upload, Uploaded};

/// The use cases of knowledge.
pub struct Knowledge<'a>(pub(crate) &'a Core);

/// Returns whose knowledge is meant: an agent's is its swarm's, if it is in one.
pub(crate) fn resolve(reader: &dyn Reader, account: AccountId, owner: Owner) -> Result<Owner, Error> {
    match owner {
        Owner::Agent(id) => {
            let agent = reader.agent(account, id)?.ok_or_else(|| Error::not_found("agent", id))?;
            Ok(agent.swarm.map_or(owner, Owner::Swarm))
        }
        Owner::Swarm(id) => {
            reader.swarm(account, id)?.ok_or_else(|| Error::not_found("swarm", id))?;
            Ok(owner)
        }
    }
}

impl Core {
    /// Returns how many bytes the copies of vectors in memory take, and how many copies there are.
    pub fn knowledge_in_memory(&self) -> (usize, usize) {
        self.library.size()
    }

    /// Returns whose knowledge is meant.
    async fn owner(&self, ctx: &Ctx, owner: Owner) -> Result<Owner, Error> {
        let account = ctx.account();
        self.ports.store.read(move |reader: &dyn Reader| resolve(reader, account, owner)).await
    }

    /// Embeds texts, however many.
    pub(crate) async fn embed(&self, texts: &[String], purpose: Purpose) -> Result<Vec<Vector>, Error> {
        let embedder = &self.ports.embedder;
        let description = embedder.description();
        let mut vectors = Vec::with_capacity(texts.len());
        for batch in texts.chunks(description.batch.max(1)) {
            let made = embedder.embed(batch, purpose).await.map_err(unavailable)?;
            let fits = made.len() == batch.len()
                && made.iter().all(|vector| vector.dimensions() == description.dimensions);
            if !fits {
                let reason = "it gave other vectors than it said it would".to_owned();
                return Err(unavailable(embedder::Error::Unusable { embedder: description.key(), reason }));
            }
            vectors.extend(made);
        }
        Ok(vectors)
    }
}

fn unavailable(error: embedder::Error) -> Error {
    Error::new(Kind::Unavailable, "embedder_unavailable", error.to_string()).caused_by(error)
}

/// Returns the SHA-256 of a text.
fn digest(text: &str) -> [u8; 32] {
    use sha2::{Digest, Sha256};
    Sha256::digest(text.as_bytes()).into()
}

/// Tells whether an entry's text can be one.
fn check_text(field: &str, text: &str) -> Result<(), Error> {
    let most = roost_domain::knowledge::LONGEST_TEXT;
    match text.chars().count() {
        _ if text.trim().is_empty() => Err(Error::invalid(field, "is required and must not be empty")),
        length if length > most => {
            Err(Error::invalid(field, format!("has {length} characters; at most 4,000 are allowed")))
        }
        _ => Ok(()),
    }
}

/// Tells whether a source's name can be one.
fn check_source(field: &str, source: &str) -> Result<(), Error> {
    let most = roost_domain::knowledge::LONGEST_SOURCE;
    match source.chars().count() {
        _ if source.trim().is_empty() => Err(Error::invalid(field, "is required and must not be empty")),
        length if length > most => {
            Err(Error::invalid(field, format!("has {length} characters; at most 500 are allowed")))
        }
        _ => Ok(()),
    }
}

/// An entry as it is made.
fn entry(draft: &put::Draft, id: roost_domain::id::KnowledgeId, now: jiff::Timestamp) -> Entry {
    Entry {
        id,
        text: draft.text.clone(),
        source: draft.source.clone(),
        metadata: draft.metadata.clone(),
        created_at: now,
        updated_at: now,
    }
}
