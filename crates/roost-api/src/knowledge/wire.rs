use roost_core::{EmbedderView, Stored};
use roost_domain::knowledge::{Entry, Owner};
use roost_http::{Failure, iso};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// One text that can be found.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct KnowledgeEntry {
    /// A UUID.
    id: String,
    text: String,
    /// Where it comes from: a file's name, a URL.
    #[schema(example = "docs/intro.md")]
    source: String,
    /// The `type` of its metadata; null if that names none.
    r#type: Option<String>,
    /// What its owner says of it.
    #[schema(value_type = Object)]
    metadata: Map<String, Value>,
    created_at: String,
    updated_at: String,
}

/// What became of the texts that were sent.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StoredTexts {
    /// So many were stored.
    stored: u64,
    /// So many say the same as one that was there, or came before in the list.
    skipped: u64,
    /// Both together.
    total: u64,
}

/// Who says what texts mean.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Embedder {
    /// `local`, `openai`, `gemini`, or `lexical`: no model, texts are compared by their words.
    provider: &'static str,
    #[schema(example = "all-MiniLM-L6-v2")]
    model: String,
    /// How many numbers a vector has.
    dimensions: usize,
    /// What to know of it.
    about: &'static str,
}

impl KnowledgeEntry {
    pub(crate) fn new(entry: Entry) -> Self {
        Self {
            id: entry.id.to_string(),
            r#type: entry.kind().map(str::to_owned),
            text: entry.text,
            source: entry.source,
            metadata: entry.metadata,
            created_at: iso(entry.created_at),
            updated_at: iso(entry.updated_at),
        }
    }
}

impl From<Stored> for StoredTexts {
    fn from(stored: Stored) -> Self {
        Self { stored: stored.stored, skipped: stored.skipped, total: stored.total }
    }
}

impl From<EmbedderView> for Embedder {
    fn from(view: EmbedderView) -> Self {
        Self { provider: view.provider, model: view.model, dimensions: view.dimensions, about: view.about }
    }
}

/// Reads whose knowledge is meant: exactly one of the two is named.
pub(crate) fn owner(agent: Option<&str>, swarm: Option<&str>) -> Result<Owner, Failure> {
    match (agent, swarm) {
        (Some(agent), None) => agent
            .parse()
            .map(Owner::Agent)
            .map_err(|error| Failure::invalid("agentId", format!("is wrong: {error}"))),
        (None, Some(swarm)) => swarm
            .parse()
            .map(Owner::Swarm)
            .map_err(|error| Failure::invalid("swarmId", format!("is wrong: {error}"))),
        (Some(_), Some(_)) => {
            Err(Failure::invalid("swarmId", "and agentId are both given; give one of them"))
        }
        (None, None) => Err(Failure::invalid("agentId", "or swarmId is required")),
    }
}
