//! Knowledge: texts that agents find again by meaning and by words, and what they remember of their peers.
//!
//! An [`Entry`] stands on a [`Shelf`]: the knowledge of an agent or a swarm, or what is remembered there of one peer.
//! Nothing is ever found from another shelf. [`Vector`] says what a text means, [`Index`] finds the nearest ones,
//! [`fuse`] puts two ways of finding together, [`cut_up`] makes entries out of documents.

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::id::{AgentId, KnowledgeId, SwarmId};

mod chunk;
mod fuse;
mod index;
mod lexical;
mod memory;
mod vector;
mod words;

pub use chunk::{Block, cut_up};
pub use fuse::{Fused, fuse};
pub use index::{Index, Near};
pub use lexical::lexical_vector;
pub use memory::{facts, is_memorable, looks_secret};
pub use vector::{Damaged, Vector};
pub use words::query_words;

/// The longest text of an entry, in characters.
pub const LONGEST_TEXT: usize = 4_000;

/// The longest name of a source, in characters.
pub const LONGEST_SOURCE: usize = 500;

/// The largest metadata of an entry, in bytes of JSON.
pub const LARGEST_METADATA: usize = 4_096;

/// The most entries that are taken in at once.
pub const MOST_CHUNKS: usize = 100;

/// From this cosine on, two texts say the same.
pub const SAME: f32 = 0.95;

/// Whose knowledge it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Owner {
    /// One agent's.
    Agent(AgentId),
    /// Every member's of a swarm.
    Swarm(SwarmId),
}

/// Where entries stand that are found together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Shelf {
    /// Whose it is.
    pub owner: Owner,
    /// Whom it is about, in the form of [`crate::session::Peer`]'s display; `None` is knowledge and nobody's memory.
    pub peer: Option<String>,
}

impl Shelf {
    /// Returns the shelf of somebody's knowledge.
    pub const fn knowledge(owner: Owner) -> Self {
        Self { owner, peer: None }
    }

    /// Returns the shelf of what is remembered of a peer.
    pub const fn memory(owner: Owner, peer: String) -> Self {
        Self { owner, peer: Some(peer) }
    }
}

/// One text that can be found.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its id. Entries that are taken in together have ids in their order.
    pub id: KnowledgeId,
    /// The text, 1 to [`LONGEST_TEXT`] characters.
    pub text: String,
    /// Where it comes from, 1 to [`LONGEST_SOURCE`] characters: a file's name, a URL.
    pub source: String,
    /// What its owner says of it.
    pub metadata: Map<String, Value>,
    /// When it was taken in.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

impl Entry {
    /// Returns what kind of entry its metadata says that it is.
    pub fn kind(&self) -> Option<&str> {
        self.metadata.get("type").and_then(Value::as_str)
    }
}
