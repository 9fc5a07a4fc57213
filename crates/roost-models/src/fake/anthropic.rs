//! Anthropic's Messages API, as a server.

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
use crate::anthropic::wire::{Block, Content, MessageParam, MessagesRequest, Role};
use crate::script::{Performance, Play};

pub(super) async fn messages(State(fake): State<Fake>, headers: HeaderMap, body: Bytes) -> Response {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = header("authorization").and_then(|value| value.strip_prefix("Bearer "));
    if let Some(why) = fake.refuses(header("x-api-key").or(bearer)) {
        return error(401, why);
    }
    if header("anthropic-version").is_none() {
        return error(400, "anthropic-version: header is required");
    }
    let request: MessagesRequest = match serde_json::from_slice(&body) {
        Ok(request) => request,
        Err(problem) => return error(400, &problem.to_string()),
    };
    let (model, stream) = (request.model.clone(), request.stream);
    let conversation = match conversation(request) {
        Ok(conversation) => conversation,
        Err(problem) => return error(400, &problem),
    };
    match fake.script.play(&conversation) {
        Play::Fail(fault) => {
            reply::before(&fault).await;
            reply::error(fault.status, fault.retry_after, &error_body(fault.status, &fault.message))
        }
        Play::Perform(performance) if stream => reply::stream(frames(&model, &performance), &performance),
        Play::Perform(performance) => reply::whole(&message(&model, &performance), &performance).await,
    }
}

/// Reads a request into the neutral form.
fn conversation(request: MessagesRequest) -> Result<Conversation, String> {
    let mut messages = Vec::new();
    for message in request.messages {
        read(message, &mut messages)?;
    }
    let conversation = Conversation {
        system: request.system.map(text_of).unwrap_or_default(),
        messages,
        tools: request
            .tools
            .into_iter()
            .map(|tool| ToolSpec {
                name: tool.name,
                description: tool.description,
                parameters: tool.input_schema,
                idempotent: false,
            })
            .collect(),
        max_output: Tokens(request.max_tokens),
    };
    check::order(&conversation)?;
    Ok(conversation)
}

fn read(message: MessageParam, messages: &mut Vec<Message>) -> Result<(), String> {
    let blocks = match message.content {
        Content::Text(text) => vec![Block::Text { text, cache_control: None }],
        Content::Blocks(blocks) => blocks,
    };
    let (mut said, mut calls) = (Vec::new(), Vec::new());
    for block in blocks {
        match block {
            Block::Text { text, .. } if text.trim().is_empty() => {
                return Err("messages: text content blocks must contain non-whitespace text".into());
            }
            Block::Text { text, .. } => said.push(text),
            Block::ToolUse { id, name, input, .. } => {
                calls.push(ToolCall { id: ToolCallId::from_text(id), tool: name, arguments: input });
            }
            Block::ToolResult { tool_use_id, content, is_error, .. } => messages.push(Message::ToolResult {
                tool: check::tool_of(messages, &tool_use_id),
                call: ToolCallId::from_text(tool_use_id),
                text: content.map(text_of).unwrap_or_default(),
                is_error,
            }),
            Block::Other => {}
        }
    }
    match message.role {
        Role::User if said.is_empty() => {}
        Role::User => messages.push(Message::User(said.join("\n"))),
        Role::Assistant => messages.push(Message::Assistant { text: said.concat(), calls }),
    }
    Ok(())
}

fn text_of(content: Content) -> String {
    match content {
        Content::Text(text) => text,
        Content::Blocks(blocks) => blocks
            .into_iter()
            .filter_map(|block| match block {
                Block::Text { text, .. } => Some(text),
                Block::ToolUse { .. } | Block::ToolResult { .. } | Block::Other => None,
            })
            .collect(),
    }
}

/// Returns the answer as one message.
fn message(model: &str, performance: &Performance) -> Value {
    let answer = &performance.answer;
    let mut content = Vec::new();
    if !answer.text.is_empty() {
        content.push(json!({"type": "text", "text": answer.text}));
    }
    content.extend(
        answer.calls.iter().map(
            |call| json!({"type": "tool_use", "id": id(call), "name": call.tool, "input": call.arguments}),
        ),
    );
    json!({
        "id": format!("msg_{}_{}", performance.position.0, performance.position.1),
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": content,
        "stop_reason": stop_reason(answer.stop),
        "stop_sequence": null,
        "usage": usage(answer.usage),
    })
}

/// Returns the answer as the events of a stream.
fn frames(model: &str, performance: &Performance) -> Vec<Frame> {
    let answer = &performance.answer;
    let mut start = message(model, performance);
    start["content"] = json!([]);
    start["stop_reason"] = Value::Null;
    start["usage"]["output_tokens"] = json!(1);
    let mut frames = vec![
        Frame::around(event(&json!({"type": "message_start", "message": start}))),
        Frame::around(event(&json!({"type": "ping"}))),
    ];
    let mut index = 0;
    let mut piece = 0;
    if !performance.pieces.is_empty() {
        let block = json!({"type": "text", "text": ""});
        frames.push(Frame::of(
            0,
            event(&json!({"type": "content_block_start", "index": index, "content_block": block})),
        ));
        for text in &performance.pieces {
            let delta = json!({"type": "text_delta", "text": text});
            frames.push(Frame::of(piece, self::delta(index, &delta)));
            piece += 1;
        }
        frames.push(Frame::of(piece - 1, event(&json!({"type": "content_block_stop", "index": index}))));
        index += 1;
    }
    for call in &answer.calls {
        let block = json!({"type": "tool_use", "id": id(call), "name": call.tool, "input": {}});
        let start = json!({"type": "content_block_start", "index": index, "content_block": block});
        let (first, second) = reply::halves(&call.arguments.to_string());
        let json_delta =
            |part: String| delta(index, &json!({"type": "input_json_delta", "partial_json": part}));
        frames.push(Frame::of(piece, event(&start)));
        frames.push(Frame::of(piece, json_delta(first)));
        frames.push(Frame::of(piece + 1, json_delta(second)));
        frames.push(Frame::of(piece + 1, event(&json!({"type": "content_block_stop", "index": index}))));
        piece += 2;
        index += 1;
    }
    let stop = json!({"stop_reason": stop_reason(answer.stop), "stop_sequence": null});
    let end = json!({"type": "message_delta", "delta": stop, "usage": usage(answer.usage)});
    frames.push(Frame::around(event(&end)));
    frames.push(Frame::around(event(&json!({"type": "message_stop"}))));
    frames
}

fn delta(index: usize, delta: &Value) -> String {
    event(&json!({"type": "content_block_delta", "index": index, "delta": delta}))
}

fn event(data: &Value) -> String {
    format!("event: {}\ndata: {data}\n\n", data["type"].as_str().unwrap_or_default())
}

fn id(call: &ToolCall) -> String {
    format!("tou{}", call.id.as_str().replacen("call", "lu", 1)).replacen("toulu", "toolu", 1)
}

fn usage(usage: Usage) -> Value {
    json!({
        "input_tokens": usage.input.saturating_sub(usage.cached).saturating_sub(usage.cache_written).0,
        "cache_read_input_tokens": usage.cached.0,
        "cache_creation_input_tokens": usage.cache_written.0,
        "output_tokens": usage.output.0,
    })
}

const fn stop_reason(stop: StopReason) -> &'static str {
    match stop {
        StopReason::EndTurn => "end_turn",
        StopReason::ToolUse => "tool_use",
        StopReason::MaxOutput => "max_tokens",
        StopReason::Refused => "refusal",
    }
}

fn error(status: u16, message: &str) -> Response {
    reply::error(status, None, &error_body(status, message))
}

fn error_body(status: u16, message: &str) -> Value {
    let kind = match status {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        504 => "timeout_error",
        529 => "overloaded_error",
        400..=499 => "invalid_request_error",
        _ => "api_error",
    };
    json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_fake"})
}
