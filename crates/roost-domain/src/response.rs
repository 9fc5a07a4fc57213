//! Responses: answers that their callers can name later, to read them again or to go on from them.

use jiff::Timestamp;
use serde_json::Value;

use crate::conversation::{Answer, Message};
use crate::event::Offset;
use crate::id::{AccountId, AgentId, ResponseId, SessionId, TurnId};
use crate::model::ModelName;

/// An answer that can be named.
#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    /// Its id.
    pub id: ResponseId,
    /// The account it belongs to.
    pub account: AccountId,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// What it was asked with, as its face wants to tell it again.
    pub asked: Value,
    /// Who answers.
    pub by: AnsweredBy,
}

/// Who answers.
#[derive(Debug, Clone, PartialEq)]
pub enum AnsweredBy {
    /// An agent, in a turn; the answer stands in the session's log.
    Agent {
        /// The agent.
        agent: AgentId,
        /// The session.
        session: SessionId,
        /// The turn.
        turn: TurnId,
        /// The answer is what follows this place in the log.
        after: Offset,
    },
    /// A model that was asked directly, with the whole conversation.
    Model {
        /// The model.
        model: ModelName,
        /// What it read, without the instructions.
        said: Vec<Message>,
        /// What it answered.
        answer: Answer,
    },
}
