use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// One event of the answer to a message. Old clients need `text`, `error` and `done` and may ignore the rest.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub(crate) enum ChatEvent {
    /// First of all: where the message went. It is kept, whatever happens to this stream.
    Start {
        session_id: String,
        turn_id: String,
        /// Where the message stands in the session's events.
        offset: u64,
    },
    /// More of what the agent says.
    Text { content: String },
    /// What the agent said last is void: its model broke off and is asked again, or the turn was stopped.
    Retract {
        /// How many characters (Unicode code points) of `text` to take back from the end.
        characters: usize,
    },
    /// The agent wants to use a tool.
    ToolCall {
        /// Names the call within the session.
        id: String,
        name: String,
        #[schema(value_type = Object)]
        arguments: Value,
    },
    /// More of what a running tool prints.
    ToolOutput { id: String, content: String },
    /// What came of a tool call.
    ToolResult {
        id: String,
        /// `done`, `failed`, `cancelled` or `blocked`
        status: &'static str,
        content: String,
    },
    /// A person has to decide before the turn goes on: `POST /v1/approvals/{approvalId}/approve` or `…/deny`.
    ApprovalRequired {
        approval_id: String,
        /// The tool call that waits; null where the next model call does.
        call_id: Option<String>,
        /// `may_act`, or `outcome_unknown`: the server died while it ran; may it run again?
        question: &'static str,
        /// What would be done.
        summary: String,
        /// Why a person is asked.
        reason: String,
        expires_at: String,
    },
    /// A person decided, or nobody did in time.
    ApprovalDecided {
        approval_id: String,
        /// `approved`, `denied`, `expired` or `withdrawn`
        status: &'static str,
        by: Option<String>,
    },
    /// The agent asks back; the next message to the session is the answer. The question also comes as `text`.
    Question {
        /// The tool call that waits.
        id: String,
        content: String,
    },
    /// The turn failed. Nothing follows.
    Error { code: String, message: String },
    /// Nothing follows.
    Done {
        /// Absent when the agent has given its answer.
        #[serde(skip_serializing_if = "Option::is_none")]
        status: Option<Unfinished>,
    },
}

/// Why an answer ends without the agent having given it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Unfinished {
    /// The turn goes on later, for example when a person has approved something; the session's events tell.
    Waiting,
    /// The agent waits for the answer to its question.
    Question,
    /// Somebody cancelled the turn.
    Cancelled,
}

/// What a message led to, for whoever does not want a stream.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Answer {
    session_id: String,
    turn_id: String,
    /// All that the agent said in the turn.
    text: String,
    /// `answered`, `waiting`, `question`, `cancelled` or `failed`
    status: &'static str,
    /// What went wrong, if the turn failed; null otherwise.
    error: Option<Problem>,
    /// The approvals that the turn waits for.
    approvals: Vec<String>,
}

/// What went wrong in a turn.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    code: String,
    message: String,
}

impl Answer {
    /// Adds what an event of the stream says.
    pub(super) fn take(&mut self, event: ChatEvent) {
        match event {
            ChatEvent::Start { session_id, turn_id, .. } => {
                (self.session_id, self.turn_id) = (session_id, turn_id);
            }
            ChatEvent::Text { content } => self.text.push_str(&content),
            ChatEvent::Retract { characters } => {
                let keep = self.text.chars().count().saturating_sub(characters);
                self.text = self.text.chars().take(keep).collect();
            }
            ChatEvent::ApprovalRequired { approval_id, .. } => self.approvals.push(approval_id),
            ChatEvent::ApprovalDecided { approval_id, .. } => self.approvals.retain(|id| *id != approval_id),
            ChatEvent::Error { code, message } => {
                self.status = "failed";
                self.error = Some(Problem { code, message });
            }
            ChatEvent::Done { status } => {
                self.status = match status {
                    None => "answered",
                    Some(Unfinished::Waiting) => "waiting",
                    Some(Unfinished::Question) => "question",
                    Some(Unfinished::Cancelled) => "cancelled",
                }
            }
            ChatEvent::ToolCall { .. }
            | ChatEvent::ToolOutput { .. }
            | ChatEvent::ToolResult { .. }
            | ChatEvent::Question { .. } => {}
        }
    }
}
