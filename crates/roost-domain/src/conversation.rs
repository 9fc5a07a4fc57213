//! The one neutral form in which a model reads and answers. Every provider's wire format is translated to and
//! from this, never to one another.

use crate::model::Usage;
use crate::tool::{ToolCall, ToolCallId, ToolSpec};
use crate::unit::Tokens;

/// Everything a model reads for one call.
#[derive(Debug, Clone, PartialEq)]
pub struct Conversation {
    /// Instructions that come before the messages.
    pub system: String,
    /// The messages, oldest first. The first is the user's; every tool call is followed by its result before
    /// the assistant speaks again.
    pub messages: Vec<Message>,
    /// What the model may ask for.
    pub tools: Vec<ToolSpec>,
    /// The most it may write.
    pub max_output: Tokens,
}

/// One message.
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    /// The peer said something.
    User(String),
    /// The model said something, wanted tools, or both.
    Assistant {
        /// What it said; empty when it only wanted tools.
        text: String,
        /// What it wanted, in its order.
        calls: Vec<ToolCall>,
    },
    /// What came of a tool call.
    ToolResult {
        /// The call.
        call: ToolCallId,
        /// The tool's name; some wire formats need it again.
        tool: String,
        /// What came of it.
        text: String,
        /// Whether it failed.
        is_error: bool,
    },
}

/// How a caller wants a model to answer. The default wishes for nothing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Wishes {
    /// How freely it chooses its words, from 0 to 2.
    pub temperature: Option<f64>,
    /// How much of the likely words it chooses from, from 0 to 1.
    pub top_p: Option<f64>,
    /// Texts at which it stops, which it does not write.
    pub stop: Vec<String>,
    /// The most it may write, where that is less than the model's own limit.
    pub max_output: Option<Tokens>,
    /// Whether it uses tools.
    pub choice: ToolChoice,
    /// In which form it answers.
    pub format: Format,
}

/// Whether a model uses tools.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ToolChoice {
    /// As it sees fit.
    #[default]
    Auto,
    /// It uses none.
    None,
    /// It has to use one.
    Required,
    /// It has to use this one.
    Named(String),
}

/// In which form a model answers.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Format {
    /// As it likes.
    #[default]
    Text,
    /// As a JSON object.
    JsonObject,
    /// As JSON of a schema.
    JsonSchema {
        /// The schema's name.
        name: String,
        /// The JSON Schema.
        schema: serde_json::Value,
        /// Whether the answer has to keep to it.
        strict: bool,
    },
}

/// A model's whole answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// What it said; empty when it only wants tools.
    pub text: String,
    /// The tools it wants, in its order, possibly several at once. Ids are the provider's here; the runtime
    /// renames them.
    pub calls: Vec<ToolCall>,
    /// Why it stopped.
    pub stop: StopReason,
    /// What the call used.
    pub usage: Usage,
}

/// Why a model stopped writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StopReason {
    /// It had said everything.
    EndTurn,
    /// It wants tools.
    ToolUse,
    /// It reached the most it may write, or the model's own limit.
    MaxOutput,
    /// It, or its provider's filter, declined.
    Refused,
}

impl StopReason {
    /// Returns its name in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EndTurn => "end_turn",
            Self::ToolUse => "tool_use",
            Self::MaxOutput => "max_output",
            Self::Refused => "refused",
        }
    }
}
