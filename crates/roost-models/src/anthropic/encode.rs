//! The neutral form to Anthropic's.

use roost_domain::conversation::{Conversation, Format, Message, ToolChoice as Choice, Wishes};
use roost_domain::tool::{ToolCall, ToolSpec};

use super::wire::{Block, CacheControl, Content, MessageParam, MessagesRequest, Role, Tool, ToolChoice};
use crate::draft::object_arguments;
use crate::names;

/// Writes a request.
///
/// Three cache breakpoints are set: after the tools, after the system text and after the last message. The first
/// two are shared by all sessions of an agent; the last makes each round of a long loop read all rounds before
/// it from the cache.
pub(crate) fn request(model: &str, conversation: &Conversation) -> MessagesRequest {
    let mut messages = messages(&conversation.messages);
    if let Some(Content::Blocks(blocks)) = messages.last_mut().map(|last| &mut last.content)
        && let Some(block) = blocks.last_mut()
    {
        mark(block);
    }
    MessagesRequest {
        model: model.to_owned(),
        max_tokens: conversation.max_output.0,
        system: (!conversation.system.is_empty()).then(|| {
            Content::Blocks(vec![Block::Text {
                text: conversation.system.clone(),
                cache_control: Some(CacheControl::Ephemeral),
            }])
        }),
        tools: tools(&conversation.tools),
        messages,
        temperature: None,
        top_p: None,
        stop_sequences: Vec::new(),
        tool_choice: None,
        stream: true,
    }
}

/// Adds what the caller wishes; names the wish that the protocol has no word for.
pub(crate) fn wish(request: &mut MessagesRequest, wishes: &Wishes) -> Result<(), &'static str> {
    request.temperature = wishes.temperature;
    request.top_p = wishes.top_p;
    request.stop_sequences.clone_from(&wishes.stop);
    request.tool_choice = match &wishes.choice {
        Choice::Auto => None,
        Choice::None => Some(ToolChoice::None),
        Choice::Required => Some(ToolChoice::Any),
        Choice::Named(tool) => Some(ToolChoice::Tool { name: tool.clone() }),
    };
    match wishes.format {
        Format::Text => Ok(()),
        Format::JsonObject | Format::JsonSchema { .. } => Err("answers of a JSON form"),
    }
}

fn tools(specs: &[ToolSpec]) -> Vec<Tool> {
    let last = specs.len().saturating_sub(1);
    specs
        .iter()
        .enumerate()
        .map(|(place, spec)| Tool {
            name: spec.name.clone(),
            description: spec.description.clone(),
            input_schema: spec.parameters.clone(),
            cache_control: (place == last).then_some(CacheControl::Ephemeral),
        })
        .collect()
}

/// The results of one answer's calls go into one user message, as the API asks; everything else stays a message
/// of its own. Blocks without text are refused by the API, so they are left out.
fn messages(messages: &[Message]) -> Vec<MessageParam> {
    let mut written: Vec<MessageParam> = Vec::with_capacity(messages.len());
    let mut results: Vec<Block> = Vec::new();
    for message in messages {
        if let Message::ToolResult { call, text, is_error, tool: _ } = message {
            results.push(Block::ToolResult {
                tool_use_id: names::call_id(call.as_str()),
                content: (!text.is_empty()).then(|| Content::Text(text.clone())),
                is_error: *is_error,
                cache_control: None,
            });
            continue;
        }
        flush(&mut results, &mut written);
        match message {
            Message::User(text) => push(&mut written, Role::User, text_block(text)),
            Message::Assistant { text, calls } => push(&mut written, Role::Assistant, assistant(text, calls)),
            Message::ToolResult { .. } => {}
        }
    }
    flush(&mut results, &mut written);
    written
}

fn flush(results: &mut Vec<Block>, written: &mut Vec<MessageParam>) {
    push(written, Role::User, std::mem::take(results));
}

fn push(written: &mut Vec<MessageParam>, role: Role, blocks: Vec<Block>) {
    if !blocks.is_empty() {
        written.push(MessageParam { role, content: Content::Blocks(blocks) });
    }
}

fn assistant(text: &str, calls: &[ToolCall]) -> Vec<Block> {
    let mut blocks = text_block(text);
    blocks.extend(calls.iter().map(|call| Block::ToolUse {
        id: names::call_id(call.id.as_str()),
        name: names::tool(&call.tool),
        input: object_arguments(&call.arguments),
        cache_control: None,
    }));
    blocks
}

fn text_block(text: &str) -> Vec<Block> {
    if text.trim().is_empty() {
        return Vec::new();
    }
    vec![Block::Text { text: text.to_owned(), cache_control: None }]
}

fn mark(block: &mut Block) {
    match block {
        Block::Text { cache_control, .. }
        | Block::ToolUse { cache_control, .. }
        | Block::ToolResult { cache_control, .. } => *cache_control = Some(CacheControl::Ephemeral),
        Block::Other => {}
    }
}
