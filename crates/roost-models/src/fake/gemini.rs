//! The Gemini API, as a server.

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use roost_domain::conversation::{Conversation, Message, StopReason};
use roost_domain::model::Usage;
use roost_domain::tool::{ToolCall, ToolCallId, ToolSpec};
use roost_domain::unit::Tokens;
use serde::Deserialize;
use serde_json::{Value, json};

use super::reply::{self, Frame};
use super::{Fake, check};
use crate::gemini::wire::{Content, GenerateContentRequest, Part};
use crate::script::{Performance, Play};

#[derive(Deserialize)]
pub(super) struct Parameters {
    /// `sse`, or nothing for a stream that is one JSON list.
    alt: Option<String>,
    key: Option<String>,
}

/// How the answer is wanted.
#[derive(Clone, Copy)]
enum Form {
    Whole,
    Events,
    List,
}

pub(super) async fn generate_content(
    State(fake): State<Fake>,
    Path(call): Path<String>,
    Query(parameters): Query<Parameters>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let key = headers.get("x-goog-api-key").and_then(|value| value.to_str().ok());
    if let Some(why) = fake.refuses(key.or(parameters.key.as_deref())) {
        return error(401, why);
    }
    if let Some((_, "batchEmbedContents")) = call.rsplit_once(':') {
        return super::embeddings::gemini(&body);
    }
    let (model, form) = match (call.rsplit_once(':'), parameters.alt.as_deref()) {
        (Some((model, "generateContent")), _) => (model, Form::Whole),
        (Some((model, "streamGenerateContent")), Some("sse")) => (model, Form::Events),
        (Some((model, "streamGenerateContent")), _) => (model, Form::List),
        (Some(_) | None, _) => {
            return error(404, "no such method; use generateContent or streamGenerateContent");
        }
    };
    let request: GenerateContentRequest = match serde_json::from_slice(&body) {
        Ok(request) => request,
        Err(problem) => return error(400, &problem.to_string()),
    };
    let conversation = match conversation(request) {
        Ok(conversation) => conversation,
        Err(problem) => return error(400, &problem),
    };
    match (fake.script.play(&conversation), form) {
        (Play::Fail(fault), _) => {
            reply::before(&fault).await;
            reply::error(fault.status, fault.retry_after, &error_body(fault.status, &fault.message))
        }
        (Play::Perform(performance), Form::Whole) => {
            reply::whole(&response(model, &performance), &performance).await
        }
        (Play::Perform(performance), Form::Events) => {
            reply::stream(frames(model, &performance), &performance)
        }
        (Play::Perform(performance), Form::List) => {
            reply::whole(&json!([response(model, &performance)]), &performance).await.into_response()
        }
    }
}

/// Reads a request into the neutral form.
fn conversation(request: GenerateContentRequest) -> Result<Conversation, String> {
    let mut messages = Vec::new();
    // The ids of the last answer's calls, for results that carry none: they stand in the calls' order.
    let mut open: Vec<ToolCallId> = Vec::new();
    for (number, content) in request.contents.into_iter().enumerate() {
        match content.role.as_deref() {
            Some("user") | None => user(content.parts, &mut open, &mut messages)?,
            Some("model") => {
                let message = model(number, content.parts);
                if let Message::Assistant { calls, .. } = &message {
                    open = calls.iter().map(|call| call.id.clone()).collect();
                }
                messages.push(message);
            }
            Some(other) => return Err(format!("role {other:?} is not valid; use user or model")),
        }
    }
    let declarations = request.tools.into_iter().flat_map(|tool| tool.function_declarations);
    let conversation = Conversation {
        system: request.system_instruction.map(|system| text_of(&system)).unwrap_or_default(),
        messages,
        tools: declarations
            .map(|tool| ToolSpec {
                name: tool.name,
                description: tool.description,
                parameters: tool.parameters_json_schema,
                idempotent: false,
            })
            .collect(),
        max_output: Tokens(
            request.generation_config.and_then(|config| config.max_output_tokens).unwrap_or(0),
        ),
    };
    check::order(&conversation)?;
    Ok(conversation)
}

fn user(parts: Vec<Part>, open: &mut Vec<ToolCallId>, messages: &mut Vec<Message>) -> Result<(), String> {
    let mut said = Vec::new();
    for part in parts {
        said.extend(part.text);
        let Some(result) = part.function_response else { continue };
        let place = match &result.id {
            Some(id) => open.iter().position(|call| call.as_str() == id),
            None => open.iter().position(|call| check::tool_of(messages, call.as_str()) == result.name),
        };
        let Some(place) = place else {
            return Err(format!("a function response of {}, which was not called just before", result.name));
        };
        let failed = result.response.get("error");
        let told = failed.or_else(|| result.response.get("output")).or_else(|| result.response.get("result"));
        let told = told.unwrap_or(&result.response);
        messages.push(Message::ToolResult {
            call: open.remove(place),
            tool: result.name,
            text: told.as_str().map_or_else(|| told.to_string(), str::to_owned),
            is_error: failed.is_some(),
        });
    }
    if !said.is_empty() {
        messages.push(Message::User(said.join("\n")));
    }
    Ok(())
}

fn model(number: usize, parts: Vec<Part>) -> Message {
    let (mut text, mut calls) = (String::new(), Vec::new());
    for part in parts.into_iter().filter(|part| !part.thought) {
        text.push_str(&part.text.unwrap_or_default());
        if let Some(call) = part.function_call {
            let id = call.id.unwrap_or_else(|| format!("unnamed_{number}_{}", calls.len()));
            calls.push(ToolCall { id: ToolCallId::from_text(id), tool: call.name, arguments: call.args });
        }
    }
    Message::Assistant { text, calls }
}

fn text_of(content: &Content) -> String {
    content.parts.iter().filter_map(|part| part.text.as_deref()).collect()
}

/// Returns the answer as one response.
fn response(model: &str, performance: &Performance) -> Value {
    let answer = &performance.answer;
    let mut parts = Vec::new();
    if !answer.text.is_empty() {
        parts.push(json!({"text": answer.text}));
    }
    parts.extend(answer.calls.iter().map(call_part));
    chunk(model, performance, &parts, true)
}

/// Returns the answer as the events of a stream. Calls come whole, as Gemini sends them: the first of a call's two
/// pieces holds nothing but a thought.
fn frames(model: &str, performance: &Performance) -> Vec<Frame> {
    let answer = &performance.answer;
    let data = |parts: &[Value], last| format!("data: {}\r\n\r\n", chunk(model, performance, parts, last));
    let mut frames = Vec::new();
    let mut piece = 0;
    for text in &performance.pieces {
        frames.push(Frame::of(piece, data(&[json!({"text": text})], false)));
        piece += 1;
    }
    for call in &answer.calls {
        let thought = json!({"text": format!("I need {}.", call.tool), "thought": true});
        frames.push(Frame::of(piece, data(&[thought], false)));
        frames.push(Frame::of(piece + 1, data(&[call_part(call)], false)));
        piece += 2;
    }
    frames.push(Frame::around(data(&[json!({"text": ""})], true)));
    frames
}

fn call_part(call: &ToolCall) -> Value {
    json!({"functionCall": {"name": call.tool, "args": call.arguments}})
}

fn chunk(model: &str, performance: &Performance, parts: &[Value], last: bool) -> Value {
    let answer = &performance.answer;
    let mut candidate = json!({"content": {"role": "model", "parts": parts}, "index": 0});
    if last {
        candidate["finishReason"] = json!(finish_reason(answer.stop));
    }
    json!({
        "candidates": [candidate],
        "usageMetadata": usage(answer.usage),
        "modelVersion": model,
        "responseId": format!("fake-{}-{}", performance.position.0, performance.position.1),
    })
}

fn usage(usage: Usage) -> Value {
    json!({
        "promptTokenCount": usage.input.0,
        "cachedContentTokenCount": usage.cached.0,
        "candidatesTokenCount": usage.output.0,
        "totalTokenCount": usage.input.saturating_add(usage.output).0,
    })
}

const fn finish_reason(stop: StopReason) -> &'static str {
    match stop {
        StopReason::EndTurn | StopReason::ToolUse => "STOP",
        StopReason::MaxOutput => "MAX_TOKENS",
        StopReason::Refused => "SAFETY",
    }
}

pub(super) fn error(status: u16, message: &str) -> Response {
    reply::error(status, None, &error_body(status, message))
}

fn error_body(status: u16, message: &str) -> Value {
    let name = match status {
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        429 => "RESOURCE_EXHAUSTED",
        503 => "UNAVAILABLE",
        504 => "DEADLINE_EXCEEDED",
        400..=499 => "INVALID_ARGUMENT",
        _ => "INTERNAL",
    };
    json!({"error": {"code": status, "message": message, "status": name}})
}
