use roost_domain::model::Usage;
use roost_domain::tool::ToolCall;
use serde_json::{Value, json};

use crate::answering::{Finish, Whole};

/// What every piece of an answer says.
pub(crate) struct About {
    /// As it was asked for.
    pub(super) model: String,
    pub(super) created: i64,
}

impl Finish {
    const fn reason(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ToolCalls => "tool_calls",
            Self::ContentFilter => "content_filter",
        }
    }
}

/// Returns a whole answer.
pub(super) fn completion(about: &About, name: &str, whole: Whole) -> Value {
    let Whole { text, end } = whole;
    let content = if text.is_empty() && !end.calls.is_empty() { Value::Null } else { json!(text) };
    let mut message = json!({
        "role": "assistant",
        "content": content,
        "refusal": null,
        "annotations": [],
    });
    if !end.calls.is_empty() {
        message["tool_calls"] = end.calls.iter().map(call).collect();
    }
    let choice = json!({
        "index": 0,
        "message": message,
        "logprobs": null,
        "finish_reason": end.finish.reason(),
    });
    json!({
        "id": format!("chatcmpl-{name}"),
        "object": "chat.completion",
        "created": about.created,
        "model": about.model,
        "choices": [choice],
        "usage": usage(end.usage),
        "service_tier": "default",
        "system_fingerprint": null,
    })
}

/// Returns a piece of a streamed answer.
pub(super) fn chunk(
    about: &About,
    name: &str,
    delta: &Value,
    finish: Option<Finish>,
    include_usage: bool,
) -> Value {
    let choice = json!({
        "index": 0,
        "delta": delta,
        "logprobs": null,
        "finish_reason": finish.map(Finish::reason),
    });
    let mut chunk = around(about, name, &json!([choice]));
    if include_usage {
        chunk["usage"] = Value::Null;
    }
    chunk
}

/// Returns the last piece, which says what the answer used.
pub(super) fn usage_chunk(about: &About, name: &str, used: Usage) -> Value {
    let mut chunk = around(about, name, &json!([]));
    chunk["usage"] = usage(used);
    chunk
}

fn around(about: &About, name: &str, choices: &Value) -> Value {
    json!({
        "id": format!("chatcmpl-{name}"),
        "object": "chat.completion.chunk",
        "created": about.created,
        "model": about.model,
        "choices": choices,
        "service_tier": "default",
        "system_fingerprint": null,
    })
}

/// Returns the piece that has the calls of an answer, whole.
pub(super) fn calls(calls: &[ToolCall]) -> Value {
    let numbered = calls.iter().enumerate().map(|(index, wanted)| {
        let mut one = call(wanted);
        one["index"] = json!(index);
        one
    });
    json!({"tool_calls": numbered.collect::<Value>()})
}

fn call(call: &ToolCall) -> Value {
    json!({
        "id": call.id.as_str(),
        "type": "function",
        "function": {"name": call.tool, "arguments": call.arguments.to_string()},
    })
}

fn usage(usage: Usage) -> Value {
    json!({
        "prompt_tokens": usage.input.0,
        "completion_tokens": usage.output.0,
        "total_tokens": usage.input.saturating_add(usage.output).0,
        "prompt_tokens_details": {"cached_tokens": usage.cached.0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    })
}
