//! OpenAI's Chat Completions, as a server.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use roost_domain::conversation::{Conversation, Message, StopReason};
use roost_domain::model::Usage;
use roost_domain::tool::{ToolCall, ToolCallId, ToolSpec};
use roost_domain::unit::Tokens;
use serde_json::{Value, json};

use super::reply::{self, Frame};
use super::{Fake, check};
use crate::openai::wire::{self, ChatMessage, ChatRequest, Content, Part};
use crate::script::{Performance, Play};

pub(super) async fn chat_completions(State(fake): State<Fake>, headers: HeaderMap, body: Bytes) -> Response {
    let key = headers.get("authorization").and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    if let Some(why) = fake.refuses(key) {
        return error(401, why);
    }
    let request: ChatRequest = match serde_json::from_slice(&body) {
        Ok(request) => request,
        Err(problem) => return error(400, &problem.to_string()),
    };
    let (model, stream) = (request.model.clone(), request.stream == Some(true));
    let include_usage = request.stream_options.as_ref().is_some_and(|options| options.include_usage);
    let conversation = match conversation(request) {
        Ok(conversation) => conversation,
        Err(problem) => return error(400, &problem),
    };
    match fake.script.play(&conversation) {
        Play::Fail(fault) => {
            reply::before(&fault).await;
            reply::error(fault.status, fault.retry_after, &error_body(fault.status, &fault.message))
        }
        Play::Perform(performance) if stream => {
            reply::stream(frames(&model, &performance, include_usage), &performance)
        }
        Play::Perform(performance) => reply::whole(&completion(&model, &performance), &performance).await,
    }
}

/// Reads a request into the neutral form.
fn conversation(request: ChatRequest) -> Result<Conversation, String> {
    let mut system = Vec::new();
    let mut messages = Vec::new();
    for message in request.messages {
        match message {
            ChatMessage::System { content } | ChatMessage::Developer { content } => {
                system.push(text_of(content))
            }
            ChatMessage::User { content } => messages.push(Message::User(text_of(content))),
            ChatMessage::Assistant { content, tool_calls } => messages.push(Message::Assistant {
                text: content.map(text_of).unwrap_or_default(),
                calls: tool_calls.unwrap_or_default().into_iter().map(call).collect::<Result<_, _>>()?,
            }),
            ChatMessage::Tool { tool_call_id, content } => messages.push(Message::ToolResult {
                tool: check::tool_of(&messages, &tool_call_id),
                call: ToolCallId::from_text(tool_call_id),
                text: text_of(content),
                is_error: false,
            }),
        }
    }
    let conversation = Conversation {
        system: system.join("\n"),
        messages,
        tools: request
            .tools
            .into_iter()
            .map(|tool| ToolSpec {
                name: tool.function.name,
                description: tool.function.description,
                parameters: tool.function.parameters,
                idempotent: false,
            })
            .collect(),
        max_output: Tokens(request.max_completion_tokens.or(request.max_tokens).unwrap_or(0)),
    };
    check::order(&conversation)?;
    Ok(conversation)
}

fn call(call: wire::ToolCall) -> Result<ToolCall, String> {
    let arguments = serde_json::from_str(&call.function.arguments)
        .map_err(|problem| format!("the arguments of tool call {} are not JSON: {problem}", call.id))?;
    Ok(ToolCall { id: ToolCallId::from_text(call.id), tool: call.function.name, arguments })
}

fn text_of(content: Content) -> String {
    match content {
        Content::Text(text) => text,
        Content::Parts(parts) => {
            let texts: Vec<String> = parts
                .into_iter()
                .filter_map(|part| match part {
                    Part::Text { text } => Some(text),
                    Part::Other => None,
                })
                .collect();
            texts.join("\n")
        }
    }
}

/// Returns the answer as one completion.
fn completion(model: &str, performance: &Performance) -> Value {
    let answer = &performance.answer;
    let content = if answer.text.is_empty() { Value::Null } else { json!(answer.text) };
    let mut message = json!({"role": "assistant", "content": content, "refusal": null});
    if !answer.calls.is_empty() {
        message["tool_calls"] = answer
            .calls
            .iter()
            .map(|call| {
                let function = json!({"name": call.tool, "arguments": call.arguments.to_string()});
                json!({"id": call.id.as_str(), "type": "function", "function": function})
            })
            .collect();
    }
    let mut completion = head(model, performance, "chat.completion");
    completion["choices"] = json!([{
        "index": 0,
        "message": message,
        "logprobs": null,
        "finish_reason": finish_reason(answer.stop),
    }]);
    completion["usage"] = usage(answer.usage);
    completion
}

/// Returns the answer as the events of a stream.
fn frames(model: &str, performance: &Performance, include_usage: bool) -> Vec<Frame> {
    let answer = &performance.answer;
    let chunk = |delta: Value, finish: Value| {
        let mut chunk = head(model, performance, "chat.completion.chunk");
        chunk["choices"] = json!([{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish}]);
        if include_usage {
            chunk["usage"] = Value::Null;
        }
        data(&chunk)
    };
    let start = json!({"role": "assistant", "content": "", "refusal": null});
    let mut frames = vec![Frame::around(chunk(start, Value::Null))];
    let mut piece = 0;
    for text in &performance.pieces {
        frames.push(Frame::of(piece, chunk(json!({"content": text}), Value::Null)));
        piece += 1;
    }
    for (index, call) in answer.calls.iter().enumerate() {
        let (first, second) = reply::halves(&call.arguments.to_string());
        let function = json!({"name": call.tool, "arguments": ""});
        let begun = json!({"index": index, "id": call.id.as_str(), "type": "function", "function": function});
        let arguments =
            |part: String| json!({"tool_calls": [{"index": index, "function": {"arguments": part}}]});
        frames.push(Frame::of(piece, chunk(json!({"tool_calls": [begun]}), Value::Null)));
        frames.push(Frame::of(piece, chunk(arguments(first), Value::Null)));
        frames.push(Frame::of(piece + 1, chunk(arguments(second), Value::Null)));
        piece += 2;
    }
    frames.push(Frame::around(chunk(json!({}), json!(finish_reason(answer.stop)))));
    if include_usage {
        let mut last = head(model, performance, "chat.completion.chunk");
        last["choices"] = json!([]);
        last["usage"] = usage(answer.usage);
        frames.push(Frame::around(data(&last)));
    }
    frames.push(Frame::around("data: [DONE]\n\n".to_owned()));
    frames
}

fn head(model: &str, performance: &Performance, object: &str) -> Value {
    json!({
        "id": format!("chatcmpl-{}-{}", performance.position.0, performance.position.1),
        "object": object,
        "created": 0,
        "model": model,
    })
}

fn data(chunk: &Value) -> String {
    format!("data: {chunk}\n\n")
}

fn usage(usage: Usage) -> Value {
    json!({
        "prompt_tokens": usage.input.0,
        "completion_tokens": usage.output.0,
        "total_tokens": usage.input.saturating_add(usage.output).0,
        "prompt_tokens_details": {
            "cached_tokens": usage.cached.0,
            "cache_write_tokens": usage.cache_written.0,
        },
    })
}

const fn finish_reason(stop: StopReason) -> &'static str {
    match stop {
        StopReason::EndTurn => "stop",
        StopReason::ToolUse => "tool_calls",
        StopReason::MaxOutput => "length",
        StopReason::Refused => "content_filter",
    }
}

pub(super) fn error(status: u16, message: &str) -> Response {
    reply::error(status, None, &error_body(status, message))
}

fn error_body(status: u16, message: &str) -> Value {
    let (kind, code) = match status {
        401 => ("invalid_request_error", json!("invalid_api_key")),
        429 => ("requests", json!("rate_limit_exceeded")),
        400..=499 => ("invalid_request_error", Value::Null),
        _ => ("server_error", Value::Null),
    };
    json!({"error": {"message": message, "type": kind, "param": null, "code": code}})
}
