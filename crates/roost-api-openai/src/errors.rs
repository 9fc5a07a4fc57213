//! Errors in OpenAI's shape.
//!
//! **Source:** <https://developers.openai.com/api/docs/guides/error-codes>

use axum::http::StatusCode;
use roost_http::Failure;
use serde_json::{Value, json};

/// Parameters whose names begin the messages about them.
const PARAMETERS: [&str; 44] = [
    "audio",
    "background",
    "conversation",
    "dimensions",
    "encoding_format",
    "frequency_penalty",
    "function_call",
    "functions",
    "include",
    "input",
    "instructions",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_output_tokens",
    "max_tokens",
    "max_tool_calls",
    "messages",
    "metadata",
    "modalities",
    "model",
    "moderation",
    "n",
    "parallel_tool_calls",
    "prediction",
    "presence_penalty",
    "previous_response_id",
    "prompt",
    "reasoning",
    "response_format",
    "seed",
    "stop",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
    "user",
    "web_search_options",
];

/// Shapes an error as OpenAI does.
pub(crate) fn body(failure: &Failure) -> Value {
    json!({"error": error(failure)})
}

/// Returns what stands in an error's body and in a stream that fails.
pub(crate) fn error(failure: &Failure) -> Value {
    json!({
        "message": failure.message(),
        "type": kind(failure.status()),
        "param": param(failure),
        "code": code(failure.code()),
    })
}

fn kind(status: StatusCode) -> &'static str {
    match status {
        StatusCode::FORBIDDEN => "permission_error",
        StatusCode::CONFLICT => "conflict_error",
        StatusCode::TOO_MANY_REQUESTS => "rate_limit_error",
        status if status.is_server_error() => "server_error",
        _ => "invalid_request_error",
    }
}

/// Codes that OpenAI has names of its own for keep those, since clients look for them.
fn code(code: &'static str) -> &'static str {
    match code {
        "unauthorized" => "invalid_api_key",
        "rate_limited" => "rate_limit_exceeded",
        other => other,
    }
}

/// Returns the parameter that a message begins with.
fn param(failure: &Failure) -> Option<&str> {
    if failure.code() == "model_not_found" {
        return Some("model");
    }
    if failure.status() != StatusCode::BAD_REQUEST {
        return None;
    }
    let first = failure.message().split(' ').next()?;
    let head = first.split(['.', '[']).next()?;
    PARAMETERS.contains(&head).then_some(first)
}
