use roost_domain::tool::ToolCall;
use roost_http::Failure;
use serde_json::{Value, json};

use crate::answering::{End, Finish};

/// What is known of a response from its beginning.
pub(super) struct About {
    pub(super) id: String,
    pub(super) model: String,
    pub(super) created_at: i64,
    /// What it was asked with.
    pub(super) echo: Value,
}

/// How a response stands.
pub(super) enum Status {
    InProgress,
    Completed,
    Incomplete(&'static str),
    Failed { code: &'static str, message: String },
}

impl Status {
    pub(super) const fn of(end: &End) -> Self {
        match end.finish {
            Finish::Stop | Finish::ToolCalls => Self::Completed,
            Finish::Length => Self::Incomplete("max_output_tokens"),
            Finish::ContentFilter => Self::Incomplete("content_filter"),
        }
    }

    pub(super) fn failed(failure: &Failure) -> Self {
        Self::Failed { code: failure.code(), message: failure.message().to_owned() }
    }

    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Incomplete(_) => "incomplete",
            Self::Failed { .. } => "failed",
        }
    }
}

impl About {
    /// Returns the whole response as it stands.
    pub(super) fn object(&self, status: &Status, text: &str, end: Option<&End>) -> Value {
        let mut output = Vec::new();
        if !text.is_empty() || end.is_some_and(|end| end.calls.is_empty()) {
            let state = if end.is_some() { "completed" } else { "incomplete" };
            output.push(self.message(state, &[text_part(text)]));
        }
        output.extend(end.iter().flat_map(|end| &end.calls).map(|call| self.call(call, "completed")));
        let error = match status {
            Status::Failed { code, message } => json!({"code": code, "message": message}),
            Status::InProgress | Status::Completed | Status::Incomplete(_) => Value::Null,
        };
        let incomplete = match status {
            Status::Incomplete(reason) => json!({"reason": reason}),
            Status::InProgress | Status::Completed | Status::Failed { .. } => Value::Null,
        };
        let mut object = json!({
            "id": self.id,
            "object": "response",
            "created_at": self.created_at,
            "status": status.name(),
            "background": false,
            "error": error,
            "incomplete_details": incomplete,
            "model": self.model,
            "output": output,
            "parallel_tool_calls": true,
            "reasoning": {"effort": null, "summary": null},
            "service_tier": "default",
            "truncation": "disabled",
            "usage": end.map(usage),
        });
        if let (Some(object), Some(echo)) = (object.as_object_mut(), self.echo.as_object()) {
            object.extend(echo.clone());
        }
        object
    }

    fn short(&self) -> &str {
        self.id.strip_prefix("resp_").unwrap_or(&self.id)
    }

    /// Returns the item that holds the text.
    pub(super) fn message(&self, status: &str, content: &[Value]) -> Value {
        json!({
            "id": self.message_id(),
            "type": "message",
            "status": status,
            "role": "assistant",
            "content": content,
        })
    }

    pub(super) fn message_id(&self) -> String {
        format!("msg_{}", self.short())
    }

    /// Returns the item of a call.
    pub(super) fn call(&self, call: &ToolCall, status: &str) -> Value {
        let arguments = if status == "completed" { call.arguments.to_string() } else { String::new() };
        json!({
            "id": call_item_id(call),
            "type": "function_call",
            "status": status,
            "call_id": call.id.as_str(),
            "name": call.tool,
            "arguments": arguments,
        })
    }
}

/// Returns the name of the item that holds a call.
pub(super) fn call_item_id(call: &ToolCall) -> String {
    format!("fc_{}", call.id.as_str().trim_start_matches("call_"))
}

pub(super) fn text_part(text: &str) -> Value {
    json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []})
}

fn usage(end: &End) -> Value {
    let usage = end.usage;
    json!({
        "input_tokens": usage.input.0,
        "input_tokens_details": {"cached_tokens": usage.cached.0},
        "output_tokens": usage.output.0,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": usage.input.saturating_add(usage.output).0,
    })
}
