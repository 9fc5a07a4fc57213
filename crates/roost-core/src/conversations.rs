//! Conversations as callers hold them that tell everything with each request: who is meant by a model's name, where
//! the conversation stands, tools that the caller runs itself, answers that can be named later.

use roost_domain::conversation::{Message, Wishes};
use roost_domain::event::Offset;
use roost_domain::id::{AgentId, ResponseId, SessionId, TurnId};
use roost_domain::tool::ToolSpec;
use serde_json::Value;

use crate::models::Completion;
use crate::{Core, Subscription};

mod ask;
mod begin;
mod bounds;
mod follow;
mod kept;
mod outside_id;
mod place;
mod resume;
mod target;

pub(crate) use begin::speaking_first;
pub use follow::{Follow, Over, Told};
pub use kept::{Answered, Kept};
pub(crate) use target::{Target, find};

/// The use cases of conversations.
pub struct Conversations<'a>(pub(crate) &'a Core);

/// What a caller asks.
#[derive(Debug, Clone)]
pub struct Ask {
    /// Whom: `agent:<id or name>`, or a model, `provider/model`.
    pub model: String,
    /// Who speaks, 1 to 200 characters; without one, whoever holds the key.
    pub peer: Option<String>,
    /// What goes before the conversation, at most 32,000 characters for an agent.
    pub instructions: Option<String>,
    /// The conversation, oldest first. It ends with what the peer says, or with the results of tools.
    pub messages: Vec<Message>,
    /// Tools that the caller runs itself.
    pub tools: Vec<ToolSpec>,
    /// How the model is to answer.
    pub wishes: Wishes,
    /// The answer that the conversation goes on from; `messages` are then only what is new.
    pub after: Option<ResponseId>,
    /// What the request asked with, if the answer is to be kept under a name.
    pub keep: Option<Value>,
    /// Whether the client says that it asks again after a failure.
    pub is_retry: bool,
}

/// Who answers.
pub enum Asked {
    /// An agent.
    Agent(Talk),
    /// A model that is asked directly.
    Model(Completion),
}

/// An agent's answer that is to be followed.
pub struct Talk {
    /// The agent.
    pub agent: AgentId,
    /// The session.
    pub session: SessionId,
    /// The turn.
    pub turn: TurnId,
    /// The answer is what follows this place.
    pub after: Offset,
    /// The name it is kept under.
    pub response: Option<ResponseId>,
    /// The session from there on; [`Follow`] makes the answer of it.
    pub events: Subscription,
}
