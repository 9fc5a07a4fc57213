use roost_domain::conversation::{Message, Wishes};
use roost_domain::event::{Ending, Problem, Recollection, TurnEvent};
use roost_domain::model::Usage;
use roost_domain::tool::{ToolCall, ToolCallId, ToolOutcome, ToolSpec};
use roost_domain::unit::{MicroUsd, Tokens};
use serde::{Deserialize, Serialize};

use super::asked::{MessageV1, ToolV1, WishesV1};
use super::name::{QuestionV1, StatusV1, StopV1, VerdictV1};
use super::{Unreadable, parsed};

/// What happens in a turn. Money is in millionths of a dollar, times are RFC 3339.
#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum TurnV1 {
    MessageReceived {
        text: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        context: Option<String>,
    },
    Recalled {
        entries: Vec<RecollectionV1>,
    },
    HistoryGiven {
        messages: Vec<MessageV1>,
    },
    CallerAsked {
        tools: Vec<ToolV1>,
        #[serde(default, skip_serializing_if = "WishesV1::is_empty")]
        wishes: WishesV1,
    },
    Confined {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        model: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tools: Option<Vec<String>>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        title: Option<String>,
    },
    CallsGiven {
        calls: Vec<CallV1>,
    },
    ModelCalled {
        model: String,
        reserved: i64,
    },
    ModelAnswered {
        text: String,
        calls: Vec<CallV1>,
        stop: StopV1,
        usage: UsageV1,
        cost: i64,
    },
    ModelFailed {
        problem: ProblemV1,
        retryable: bool,
    },
    ModelLost,
    ApprovalRequested {
        approval: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        call: Option<String>,
        question: QuestionV1,
        summary: String,
        reason: String,
        expires_at: String,
    },
    ApprovalDecided {
        approval: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        call: Option<String>,
        verdict: VerdictV1,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    },
    ToolBlocked {
        call: String,
        reason: String,
    },
    ToolStarted {
        call: String,
        summary: String,
        idempotent: bool,
    },
    ToolFinished {
        call: String,
        text: String,
        status: StatusV1,
    },
    ToolLost {
        call: String,
    },
    QuestionAsked {
        call: String,
        question: String,
    },
    QuestionAnswered {
        call: String,
        answer: String,
    },
    CallHandedOut {
        call: String,
    },
    CallReturned {
        call: String,
        text: String,
        status: StatusV1,
    },
    AgentAsked {
        call: String,
        agent: String,
        name: String,
        session: String,
        of: String,
    },
    CancelRequested,
    TurnEnded {
        ending: EndingV1,
    },
}

#[derive(Serialize, Deserialize)]
pub(super) struct RecollectionV1 {
    id: String,
    memory: bool,
    source: String,
    text: String,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct CallV1 {
    id: String,
    tool: String,
    arguments: serde_json::Value,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct UsageV1 {
    input: u64,
    cached: u64,
    cache_written: u64,
    output: u64,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct ProblemV1 {
    code: String,
    message: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum EndingV1 {
    Answered,
    Failed(ProblemV1),
    Cancelled,
}

impl From<&TurnEvent> for TurnV1 {
    fn from(event: &TurnEvent) -> Self {
        match event.clone() {
            TurnEvent::MessageReceived { text, context } => Self::MessageReceived { text, context },
            TurnEvent::Recalled { entries } => {
                Self::Recalled { entries: entries.into_iter().map(RecollectionV1::from).collect() }
            }
            TurnEvent::HistoryGiven { messages } => {
                Self::HistoryGiven { messages: messages.into_iter().map(MessageV1::from).collect() }
            }
            TurnEvent::CallerAsked { tools, wishes } => Self::CallerAsked {
                tools: tools.into_iter().map(ToolV1::from).collect(),
                wishes: WishesV1::from(*wishes),
            },
            TurnEvent::Confined { model, tools, title } => {
                Self::Confined { model: model.map(|model| model.to_string()), tools, title }
            }
            TurnEvent::CallsGiven { calls } => {
                Self::CallsGiven { calls: calls.into_iter().map(CallV1::from).collect() }
            }
            TurnEvent::ModelCalled { model, reserved } => {
                Self::ModelCalled { model: model.to_string(), reserved: reserved.0 }
            }
            TurnEvent::ModelAnswered { text, calls, stop, usage, cost } => Self::ModelAnswered {
                text,
                calls: calls.into_iter().map(CallV1::from).collect(),
                stop: stop.into(),
                usage: UsageV1::from(usage),
                cost: cost.0,
            },
            TurnEvent::ModelFailed { problem, retryable } => {
                Self::ModelFailed { problem: ProblemV1::from(problem), retryable }
            }
            TurnEvent::ModelLost => Self::ModelLost,
            TurnEvent::ApprovalRequested { approval, call, question, summary, reason, expires_at } => {
                Self::ApprovalRequested {
                    approval: approval.to_string(),
                    call: call.map(|call| call.to_string()),
                    question: question.into(),
                    summary,
                    reason,
                    expires_at: expires_at.to_string(),
                }
            }
            TurnEvent::ApprovalDecided { approval, call, verdict, by, note } => Self::ApprovalDecided {
                approval: approval.to_string(),
                call: call.map(|call| call.to_string()),
                verdict: verdict.into(),
                by,
                note,
            },
            TurnEvent::ToolBlocked { call, reason } => Self::ToolBlocked { call: call.to_string(), reason },
            TurnEvent::ToolStarted { call, summary, idempotent } => {
                Self::ToolStarted { call: call.to_string(), summary, idempotent }
            }
            TurnEvent::ToolFinished { call, outcome } => Self::ToolFinished {
                call: call.to_string(),
                text: outcome.text,
                status: outcome.status.into(),
            },
            TurnEvent::ToolLost { call } => Self::ToolLost { call: call.to_string() },
            TurnEvent::QuestionAsked { call, question } => {
                Self::QuestionAsked { call: call.to_string(), question }
            }
            TurnEvent::QuestionAnswered { call, answer } => {
                Self::QuestionAnswered { call: call.to_string(), answer }
            }
            TurnEvent::CallHandedOut { call } => Self::CallHandedOut { call: call.to_string() },
            TurnEvent::CallReturned { call, outcome } => Self::CallReturned {
                call: call.to_string(),
                text: outcome.text,
                status: outcome.status.into(),
            },
            TurnEvent::AgentAsked { call, agent, name, session, turn } => Self::AgentAsked {
                call: call.to_string(),
                agent: agent.to_string(),
                name,
                session: session.to_string(),
                of: turn.to_string(),
            },
            TurnEvent::CancelRequested => Self::CancelRequested,
            TurnEvent::Ended { ending } => Self::TurnEnded { ending: EndingV1::from(ending) },
        }
    }
}

impl TryFrom<TurnV1> for TurnEvent {
    type Error = Unreadable;

    fn try_from(record: TurnV1) -> Result<Self, Unreadable> {
        let call_id = |id: String| ToolCallId::from_text(id);
        Ok(match record {
            TurnV1::MessageReceived { text, context } => Self::MessageReceived { text, context },
            TurnV1::Recalled { entries } => {
                let entries = entries.into_iter().map(Recollection::try_from).collect::<Result<_, _>>()?;
                Self::Recalled { entries }
            }
            TurnV1::HistoryGiven { messages } => {
                Self::HistoryGiven { messages: messages.into_iter().map(Message::from).collect() }
            }
            TurnV1::CallerAsked { tools, wishes } => Self::CallerAsked {
                tools: tools.into_iter().map(ToolSpec::from).collect(),
                wishes: Box::new(Wishes::from(wishes)),
            },
            TurnV1::Confined { model, tools, title } => {
                let model = model.map(|model| parsed("model", &model)).transpose()?;
                Self::Confined { model, tools, title }
            }
            TurnV1::CallsGiven { calls } => {
                Self::CallsGiven { calls: calls.into_iter().map(ToolCall::from).collect() }
            }
            TurnV1::ModelCalled { model, reserved } => {
                Self::ModelCalled { model: parsed("model", &model)?, reserved: MicroUsd(reserved) }
            }
            TurnV1::ModelAnswered { text, calls, stop, usage, cost } => Self::ModelAnswered {
                text,
                calls: calls.into_iter().map(ToolCall::from).collect(),
                stop: stop.into(),
                usage: Usage::from(usage),
                cost: MicroUsd(cost),
            },
            TurnV1::ModelFailed { problem, retryable } => {
                Self::ModelFailed { problem: Problem::from(problem), retryable }
            }
            TurnV1::ModelLost => Self::ModelLost,
            TurnV1::ApprovalRequested { approval, call, question, summary, reason, expires_at } => {
                Self::ApprovalRequested {
                    approval: parsed("approval", &approval)?,
                    call: call.map(call_id),
                    question: question.into(),
                    summary,
                    reason,
                    expires_at: parsed("expires_at", &expires_at)?,
                }
            }
            TurnV1::ApprovalDecided { approval, call, verdict, by, note } => Self::ApprovalDecided {
                approval: parsed("approval", &approval)?,
                call: call.map(call_id),
                verdict: verdict.into(),
                by,
                note,
            },
            TurnV1::ToolBlocked { call, reason } => Self::ToolBlocked { call: call_id(call), reason },
            TurnV1::ToolStarted { call, summary, idempotent } => {
                Self::ToolStarted { call: call_id(call), summary, idempotent }
            }
            TurnV1::ToolFinished { call, text, status } => Self::ToolFinished {
                call: call_id(call),
                outcome: ToolOutcome { text, status: status.into() },
            },
            TurnV1::ToolLost { call } => Self::ToolLost { call: call_id(call) },
            TurnV1::QuestionAsked { call, question } => Self::QuestionAsked { call: call_id(call), question },
            TurnV1::QuestionAnswered { call, answer } => {
                Self::QuestionAnswered { call: call_id(call), answer }
            }
            TurnV1::CallHandedOut { call } => Self::CallHandedOut { call: call_id(call) },
            TurnV1::CallReturned { call, text, status } => Self::CallReturned {
                call: call_id(call),
                outcome: ToolOutcome { text, status: status.into() },
            },
            TurnV1::AgentAsked { call, agent, name, session, of } => Self::AgentAsked {
                call: call_id(call),
                agent: parsed("agent", &agent)?,
                name,
                session: parsed("session", &session)?,
                turn: parsed("of", &of)?,
            },
            TurnV1::CancelRequested => Self::CancelRequested,
            TurnV1::TurnEnded { ending } => Self::Ended { ending: Ending::from(ending) },
        })
    }
}

impl From<Recollection> for RecollectionV1 {
    fn from(one: Recollection) -> Self {
        Self { id: one.id.to_string(), memory: one.memory, source: one.source, text: one.text }
    }
}

impl TryFrom<RecollectionV1> for Recollection {
    type Error = Unreadable;

    fn try_from(record: RecollectionV1) -> Result<Self, Unreadable> {
        let RecollectionV1 { id, memory, source, text } = record;
        Ok(Self { id: parsed("id", &id)?, memory, source, text })
    }
}

impl From<ToolCall> for CallV1 {
    fn from(call: ToolCall) -> Self {
        Self { id: call.id.to_string(), tool: call.tool, arguments: call.arguments }
    }
}

impl From<CallV1> for ToolCall {
    fn from(record: CallV1) -> Self {
        Self { id: ToolCallId::from_text(record.id), tool: record.tool, arguments: record.arguments }
    }
}

impl From<Usage> for UsageV1 {
    fn from(usage: Usage) -> Self {
        Self {
            input: usage.input.0,
            cached: usage.cached.0,
            cache_written: usage.cache_written.0,
            output: usage.output.0,
        }
    }
}

impl From<UsageV1> for Usage {
    fn from(record: UsageV1) -> Self {
        Self {
            input: Tokens(record.input),
            cached: Tokens(record.cached),
            cache_written: Tokens(record.cache_written),
            output: Tokens(record.output),
        }
    }
}

impl From<Problem> for ProblemV1 {
    fn from(problem: Problem) -> Self {
        Self { code: problem.code, message: problem.message }
    }
}

impl From<ProblemV1> for Problem {
    fn from(record: ProblemV1) -> Self {
        Self { code: record.code, message: record.message }
    }
}

impl From<Ending> for EndingV1 {
    fn from(ending: Ending) -> Self {
        match ending {
            Ending::Answered => Self::Answered,
            Ending::Failed(problem) => Self::Failed(problem.into()),
            Ending::Cancelled => Self::Cancelled,
        }
    }
}

impl From<EndingV1> for Ending {
    fn from(record: EndingV1) -> Self {
        match record {
            EndingV1::Answered => Self::Answered,
            EndingV1::Failed(problem) => Self::Failed(problem.into()),
            EndingV1::Cancelled => Self::Cancelled,
        }
    }
}
