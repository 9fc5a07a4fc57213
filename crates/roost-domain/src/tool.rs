//! Tools: what a model can ask for and what came of it.

use std::fmt;

use serde_json::Value;

/// A tool as a model sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolSpec {
    /// Its name: `[a-z0-9_]{1,64}`.
    pub name: String,
    /// What it does and when to use it.
    pub description: String,
    /// JSON Schema of its arguments; always of type `object`.
    pub parameters: Value,
    /// Whether doing it twice is the same as doing it once, so that a lost outcome can be retried.
    pub idempotent: bool,
}

/// Names one tool call within its session.
///
/// Roost gives calls names of its own, made from where they stand in the log, so that the same story told by
/// different providers leaves the same log and no provider can name two calls alike.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ToolCallId(String);

impl ToolCallId {
    /// Names the call number `index` of the answer to the model call intended at `offset` in the session.
    pub fn at(offset: crate::event::Offset, index: usize) -> Self {
        Self(format!("call_{}_{index}", offset.0))
    }

    /// Takes back a name from a record or a wire.
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ToolCallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A model's wish to use a tool.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolCall {
    /// Its name within the session.
    pub id: ToolCallId,
    /// The tool's name, as the model wrote it.
    pub tool: String,
    /// The arguments, as the model wrote them; checked against the tool before anything happens.
    pub arguments: Value,
}

/// What came of a tool call, as the model is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolOutcome {
    /// The result, already cut to the tool's cap.
    pub text: String,
    /// Whether the tool did what was asked.
    pub status: ToolStatus,
}

/// Whether a tool did what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ToolStatus {
    /// It did. A command that exited with a code other than 0 also counts: it ran.
    Done,
    /// It could not; the text says why.
    Failed,
    /// It was cut short by a cancel.
    Cancelled,
}

impl ToolStatus {
    /// Returns its name on the wire and in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}
