//! What comes over a chat's stream.

use serde_json::Value;

/// One event of a chat's stream.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum ChatEvent {
    /// The message was taken.
    Start { session: String },
    /// More of the answer.
    Text { content: String },
    /// The last so many characters of the answer are void; the model starts over.
    Retract { characters: u64 },
    /// The agent wants to use a tool.
    ToolCall { name: String, arguments: Value },
    /// More of what a tool tells while it works.
    ToolOutput { call: String, content: String },
    /// What came of a tool.
    ToolResult { call: String, status: String, content: String },
    /// A person has to decide.
    ApprovalRequired { approval: String, summary: String, reason: String },
    /// A person decided, or nobody did in time.
    ApprovalDecided { status: String, by: Option<String> },
    /// The turn failed. Nothing follows.
    Error { code: String, message: String },
    /// Nothing follows.
    Done(Outcome),
    /// Nothing to show: what also comes in another form, or is of a newer server.
    Other,
}

/// How an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// With the answer.
    Answered,
    /// The turn goes on later, for example when a person has approved something.
    Waiting,
    /// The agent asked back; the next message is the answer.
    Question,
    /// Somebody stopped the turn.
    Cancelled,
}

impl ChatEvent {
    /// Reads an event's data.
    pub(super) fn read(data: &str) -> Self {
        let value: Value = serde_json::from_str(data).unwrap_or_default(); // silent-ok: then it is `Other`
        let text = |field: &str| value[field].as_str().unwrap_or_default().to_owned();
        match value["type"].as_str().unwrap_or_default() {
            "start" => Self::Start { session: text("sessionId") },
            "text" => Self::Text { content: text("content") },
            "retract" => Self::Retract { characters: value["characters"].as_u64().unwrap_or_default() },
            "tool_call" => Self::ToolCall { name: text("name"), arguments: value["arguments"].clone() },
            "tool_output" => Self::ToolOutput { call: text("id"), content: text("content") },
            "tool_result" => {
                Self::ToolResult { call: text("id"), status: text("status"), content: text("content") }
            }
            "approval_required" => Self::ApprovalRequired {
                approval: text("approvalId"),
                summary: text("summary"),
                reason: text("reason"),
            },
            "approval_decided" => {
                Self::ApprovalDecided { status: text("status"), by: value["by"].as_str().map(str::to_owned) }
            }
            "error" => Self::Error { code: text("code"), message: text("message") },
            "done" => Self::Done(match value["status"].as_str() {
                None => Outcome::Answered,
                Some("question") => Outcome::Question,
                Some("cancelled") => Outcome::Cancelled,
                Some(_) => Outcome::Waiting,
            }),
            _ => Self::Other,
        }
    }
}
