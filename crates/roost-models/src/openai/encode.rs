//! The neutral form to OpenAI's.

use roost_domain::conversation::{Conversation, Format, Message, ToolChoice, Wishes};
use serde_json::json;

use super::Dialect;
use super::wire::{
    ChatMessage, ChatRequest, Content, Function, FunctionCall, FunctionKind, StreamOptions, Tool, ToolCall,
};
use crate::draft::object_arguments;
use crate::names;

/// Writes a request. OpenAI caches by itself; only that the beginning stays the same counts.
pub(crate) fn request(model: &str, conversation: &Conversation, dialect: Dialect) -> ChatRequest {
    let system = (!conversation.system.is_empty())
        .then(|| ChatMessage::System { content: Content::Text(conversation.system.clone()) });
    let cap = Some(conversation.max_output.0);
    let (max_tokens, max_completion_tokens) = match dialect {
        Dialect::OpenAi => (None, cap),
        Dialect::Compatible => (cap, None),
    };
    ChatRequest {
        model: model.to_owned(),
        messages: system.into_iter().chain(conversation.messages.iter().map(message)).collect(),
        tools: conversation
            .tools
            .iter()
            .map(|spec| Tool {
                kind: FunctionKind::Function,
                function: Function {
                    name: spec.name.clone(),
                    description: spec.description.clone(),
                    parameters: spec.parameters.clone(),
                },
            })
            .collect(),
        max_tokens,
        max_completion_tokens,
        reasoning_effort: (dialect == Dialect::OpenAi
            && !conversation.tools.is_empty()
            && must_not_reason(model))
        .then(|| "none".to_owned()),
        temperature: None,
        top_p: None,
        stop: None,
        tool_choice: None,
        response_format: None,
        stream: Some(true),
        stream_options: Some(StreamOptions { include_usage: true }),
    }
}

/// Adds what the caller wishes.
pub(crate) fn wish(request: &mut ChatRequest, wishes: &Wishes) {
    request.temperature = wishes.temperature;
    request.top_p = wishes.top_p;
    request.stop = (!wishes.stop.is_empty()).then(|| json!(wishes.stop));
    request.tool_choice = match &wishes.choice {
        ToolChoice::Auto => None,
        ToolChoice::None => Some(json!("none")),
        ToolChoice::Required => Some(json!("required")),
        ToolChoice::Named(tool) => Some(json!({"type": "function", "function": {"name": names::tool(tool)}})),
    };
    request.response_format = match &wishes.format {
        Format::Text => None,
        Format::JsonObject => Some(json!({"type": "json_object"})),
        Format::JsonSchema { name, schema, strict } => Some(json!({
            "type": "json_schema",
            "json_schema": {"name": name, "schema": schema, "strict": strict},
        })),
    };
}

/// Tells whether a model takes tools over Chat Completions only when told not to reason, as OpenAI answers itself:
/// "To use function tools, use /v1/responses or set reasoning_effort to 'none'". GPT-6 Astra and GPT-6.1 Sol always
/// reason, so they take none here.
fn must_not_reason(model: &str) -> bool {
    ["gpt-5.6", "gpt-6-sol", "gpt-6-luna"].iter().any(|family| model.starts_with(family))
}

/// The protocol has no mark for a failed tool; its result's text says it.
fn message(message: &Message) -> ChatMessage {
    match message {
        Message::User(text) => ChatMessage::User { content: Content::Text(text.clone()) },
        Message::Assistant { text, calls } => ChatMessage::Assistant {
            content: (!text.is_empty() || calls.is_empty()).then(|| Content::Text(text.clone())),
            tool_calls: (!calls.is_empty()).then(|| {
                calls
                    .iter()
                    .map(|call| ToolCall {
                        id: names::call_id(call.id.as_str()),
                        kind: FunctionKind::Function,
                        function: FunctionCall {
                            name: names::tool(&call.tool),
                            arguments: object_arguments(&call.arguments).to_string(),
                        },
                    })
                    .collect()
            }),
        },
        Message::ToolResult { call, text, tool: _, is_error: _ } => ChatMessage::Tool {
            tool_call_id: names::call_id(call.as_str()),
            content: Content::Text(text.clone()),
        },
    }
}
