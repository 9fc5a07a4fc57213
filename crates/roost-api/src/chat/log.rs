//! A session's events as programs read them.

use roost_core::ProgressOf;
use roost_domain::event::{Body, Ending, Event, Journal, Recollection, TurnEvent};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use roost_http::iso;

/// One entry of a session's log.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LogEvent {
    /// Where it stands: 1, 2, 3, … without gaps. Also the event's `id`.
    offset: u64,
    at: String,
    /// The turn it happened in; null for what belongs to none.
    turn_id: Option<String>,
    /// What happened: `session_started`, `message_received`, `model_called`, `model_answered`, `model_failed`,
    /// `model_lost`, `approval_requested`, `approval_decided`, `tool_started`, `tool_blocked`, `tool_finished`,
    /// `tool_lost`, `question_asked`, `question_answered`, `cancel_requested`, `turn_ended`; in an agent's journal
    /// `agent_…`. New ones may come.
    r#type: &'static str,
    /// What belongs to the type.
    #[schema(value_type = Object)]
    details: Value,
}

/// More of a text that is not finished, as `event: delta`, without an id. The event that ends the text has the
/// whole of it, unless the model call failed; then what came is void.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Delta {
    /// The offset of the `model_called` event whose answer it is; null for a tool's output.
    model_call: Option<u64>,
    /// The tool call whose output it is; null for a model's answer.
    tool_call: Option<String>,
    text: String,
}

impl Delta {
    pub(super) fn new(of: ProgressOf, text: String) -> Self {
        match of {
            ProgressOf::Model(at) => Self { model_call: Some(at.0), tool_call: None, text },
            ProgressOf::Tool(call) => Self { model_call: None, tool_call: Some(call.to_string()), text },
        }
    }
}

impl LogEvent {
    pub(super) fn new(event: Event) -> Self {
        let (turn_id, (r#type, details)) = match event.body {
            Body::SessionStarted { channel } => {
                (None, ("session_started", json!({"channel": channel.name()})))
            }
            Body::Journal(entry) => (None, journal(entry)),
            Body::Turn { turn, event } => (Some(turn.to_string()), in_turn(event)),
        };
        Self { offset: event.offset.0, at: iso(event.at), turn_id, r#type, details }
    }
}

fn in_turn(event: TurnEvent) -> (&'static str, Value) {
    match event {
        TurnEvent::MessageReceived { text, context } => {
            ("message_received", json!({"text": text, "context": context}))
        }
        TurnEvent::Recalled { entries } => {
            let entry = |entry: Recollection| json!({"id": entry.id.to_string(), "memory": entry.memory, "source": entry.source, "text": entry.text});
            ("recalled", json!({"entries": entries.into_iter().map(entry).collect::<Vec<_>>()}))
        }
        TurnEvent::ModelCalled { model, reserved } => {
            ("model_called", json!({"model": model.as_str(), "reservedMicroUsd": reserved.0}))
        }
        TurnEvent::ModelAnswered { text, calls, stop, usage, cost } => {
            let call = |call: roost_domain::tool::ToolCall| json!({"id": call.id.as_str(), "name": call.tool, "arguments": call.arguments});
            let details = json!({
                "text": text,
                "toolCalls": calls.into_iter().map(call).collect::<Vec<_>>(),
                "stopReason": stop.name(),
                "usage": {
                    "inputTokens": usage.input.0,
                    "cachedTokens": usage.cached.0,
                    "cacheWrittenTokens": usage.cache_written.0,
                    "outputTokens": usage.output.0,
                },
                "costMicroUsd": cost.0,
            });
            ("model_answered", details)
        }
        TurnEvent::ModelFailed { problem, retryable } => (
            "model_failed",
            json!({"code": problem.code, "message": problem.message, "retryable": retryable}),
        ),
        TurnEvent::ModelLost => ("model_lost", json!({})),
        TurnEvent::ApprovalRequested { approval, call, question, summary, reason, expires_at } => {
            let details = json!({
                "approvalId": approval.to_string(),
                "callId": call.map(|call| call.to_string()),
                "question": question.name(),
                "summary": summary,
                "reason": reason,
                "expiresAt": iso(expires_at),
            });
            ("approval_requested", details)
        }
        TurnEvent::ApprovalDecided { approval, call, verdict, by, note } => {
            let details = json!({
                "approvalId": approval.to_string(),
                "callId": call.map(|call| call.to_string()),
                "status": verdict.status().name(),
                "by": by,
                "note": note,
            });
            ("approval_decided", details)
        }
        TurnEvent::ToolBlocked { call, reason } => {
            ("tool_blocked", json!({"callId": call.as_str(), "reason": reason}))
        }
        TurnEvent::ToolStarted { call, summary, idempotent } => {
            ("tool_started", json!({"callId": call.as_str(), "summary": summary, "idempotent": idempotent}))
        }
        TurnEvent::ToolFinished { call, outcome } => (
            "tool_finished",
            json!({"callId": call.as_str(), "status": outcome.status.name(), "text": outcome.text}),
        ),
        TurnEvent::ToolLost { call } => ("tool_lost", json!({"callId": call.as_str()})),
        TurnEvent::QuestionAsked { call, question } => {
            ("question_asked", json!({"callId": call.as_str(), "question": question}))
        }
        TurnEvent::QuestionAnswered { call, answer } => {
            ("question_answered", json!({"callId": call.as_str(), "answer": answer}))
        }
        TurnEvent::HistoryGiven { messages } => ("history_given", json!({"messages": messages.len()})),
        TurnEvent::CallerAsked { tools, .. } => {
            let names: Vec<String> = tools.into_iter().map(|tool| tool.name).collect();
            ("caller_asked", json!({"tools": names}))
        }
        TurnEvent::Confined { model, tools, title } => (
            "confined",
            json!({"model": model.map(|model| model.to_string()), "tools": tools, "title": title}),
        ),
        TurnEvent::CallsGiven { calls } => {
            let calls: Vec<_> =
                calls.iter().map(|call| json!({"id": call.id.as_str(), "tool": call.tool})).collect();
            ("calls_given", json!({"calls": calls}))
        }
        TurnEvent::CallHandedOut { call } => ("call_handed_out", json!({"callId": call.as_str()})),
        TurnEvent::CallReturned { call, outcome } => (
            "call_returned",
            json!({"callId": call.as_str(), "status": outcome.status.name(), "text": outcome.text}),
        ),
        TurnEvent::AgentAsked { call, agent, name, session, turn } => {
            let details = json!({
                "callId": call.as_str(),
                "agentId": agent.to_string(),
                "name": name,
                "sessionId": session.to_string(),
                "turnId": turn.to_string(),
            });
            ("agent_asked", details)
        }
        TurnEvent::CancelRequested => ("cancel_requested", json!({})),
        TurnEvent::Ended { ending } => ("turn_ended", ended(ending)),
    }
}

fn ended(ending: Ending) -> Value {
    match ending {
        Ending::Answered => json!({"status": "answered"}),
        Ending::Cancelled => json!({"status": "cancelled"}),
        Ending::Failed(problem) => {
            json!({"status": "failed", "code": problem.code, "message": problem.message})
        }
    }
}

fn journal(entry: Journal) -> (&'static str, Value) {
    match entry {
        Journal::Created => ("agent_created", json!({})),
        Journal::Started => ("agent_started", json!({})),
        Journal::Stopped => ("agent_stopped", json!({})),
        Journal::Restarted => ("agent_restarted", json!({})),
        Journal::Paused => ("agent_paused", json!({})),
        Journal::Resumed => ("agent_resumed", json!({})),
        Journal::Froze => ("agent_froze", json!({})),
        Journal::Woke => ("agent_woke", json!({})),
        Journal::Changed { what } => ("agent_changed", json!({"what": what})),
        Journal::Saved { snapshot, name } => {
            ("agent_saved", json!({"snapshotId": snapshot.to_string(), "name": name}))
        }
        Journal::Restored { snapshot, name } => {
            ("agent_restored", json!({"snapshotId": snapshot.to_string(), "name": name}))
        }
        Journal::Forked { parent, name } => {
            ("agent_forked", json!({"parentId": parent.to_string(), "name": name}))
        }
        Journal::Failed { category, message } => {
            ("agent_failed", json!({"category": category.name(), "message": message}))
        }
        Journal::Connected { target, refused } => {
            ("agent_connected", json!({"target": target, "refused": refused}))
        }
    }
}
