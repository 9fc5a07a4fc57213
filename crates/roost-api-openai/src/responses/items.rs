//! Input items of a response.

use roost_domain::conversation::Message;
use roost_domain::tool::ToolCallId;
use roost_http::Failure;
use serde_json::Value;

use crate::chat::tool_of;
use crate::{content, tools};

/// Reads `input`: a text, or a list of items. Instructions among the items are parted from the conversation.
pub(super) fn read(input: &Value) -> Result<(Vec<String>, Vec<Message>), Failure> {
    let (mut instructions, mut messages) = (Vec::new(), Vec::new());
    match input {
        Value::String(text) => messages.push(Message::User(text.clone())),
        Value::Array(items) => {
            for (place, item) in items.iter().enumerate() {
                read_item(&format!("input[{place}]"), item, &mut instructions, &mut messages)?;
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => {
            return Err(Failure::invalid("input", "must be a text or a list of items"));
        }
    }
    Ok((instructions, messages))
}

fn read_item(
    field: &str,
    item: &Value,
    instructions: &mut Vec<String>,
    messages: &mut Vec<Message>,
) -> Result<(), Failure> {
    let text_of = |key: &str| item.get(key).and_then(Value::as_str);
    let content = |key: &str| {
        let field = format!("{field}.{key}");
        content::text(&field, item.get(key))?.ok_or_else(|| Failure::invalid(&field, "is required"))
    };
    match text_of("type").unwrap_or("message") {
        "message" => match text_of("role") {
            Some("system" | "developer") => instructions.push(content("content")?),
            Some("user") => messages.push(Message::User(content("content")?)),
            Some("assistant") => {
                messages.push(Message::Assistant { text: content("content")?, calls: Vec::new() });
            }
            _ => {
                let problem = "must be user, assistant, system or developer";
                return Err(Failure::invalid(&format!("{field}.role"), problem));
            }
        },
        "function_call" => {
            let call = tools::call(field, text_of("call_id"), item)?;
            // What the assistant said and the calls that it made are one message.
            match messages.last_mut() {
                Some(Message::Assistant { calls, .. }) => calls.push(call),
                _ => messages.push(Message::Assistant { text: String::new(), calls: vec![call] }),
            }
        }
        "function_call_output" => {
            let id = text_of("call_id").filter(|id| !id.is_empty());
            let id = id.ok_or_else(|| Failure::invalid(&format!("{field}.call_id"), "is required"))?;
            let call = ToolCallId::from_text(id);
            let tool = tool_of(messages, &call);
            messages.push(Message::ToolResult { call, tool, text: content("output")?, is_error: false });
        }
        // What a model thought elsewhere means nothing to another.
        "reasoning" => {}
        other => {
            let problem = format!(
                "is {other:?}; message, function_call, function_call_output and reasoning are supported"
            );
            return Err(Failure::invalid(&format!("{field}.type"), problem));
        }
    }
    Ok(())
}
