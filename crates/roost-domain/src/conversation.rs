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
