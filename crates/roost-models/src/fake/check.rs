//! What every vendor asks of a conversation.

use roost_domain::conversation::{Conversation, Message};

/// Says what is wrong with the order of a conversation's messages, if anything: it begins with the peer, every
/// call is followed by its result, every result follows its call.
pub(super) fn order(conversation: &Conversation) -> Result<(), String> {
    let mut open: Vec<&str> = Vec::new();
    for (number, message) in conversation.messages.iter().enumerate() {
        match message {
            Message::User(_) | Message::Assistant { .. } if !open.is_empty() => {
                return Err(format!("message {number}: tool calls without results: {}", open.join(", ")));
            }
            Message::Assistant { .. } if number == 0 => {
                return Err("the first message must be the user's".into());
            }
            Message::User(_) => {}
            Message::Assistant { calls, .. } => open = calls.iter().map(|call| call.id.as_str()).collect(),
            Message::ToolResult { call, .. } => {
                let Some(place) = open.iter().position(|id| *id == call.as_str()) else {
                    return Err(format!(
                        "message {number}: a result of {call}, which was not called just before"
                    ));
                };
                open.remove(place);
            }
        }
    }
    match conversation.messages.is_empty() {
        true => Err("there are no messages".into()),
        false if !open.is_empty() => Err(format!("tool calls without results: {}", open.join(", "))),
        false => Ok(()),
    }
}

/// Returns the name of the tool that a call asked for.
pub(super) fn tool_of(messages: &[Message], call: &str) -> String {
    let calls = messages.iter().rev().filter_map(|message| match message {
        Message::Assistant { calls, .. } => Some(calls),
        Message::User(_) | Message::ToolResult { .. } => None,
    });
    let mut calls = calls.flatten();
    calls.find(|known| known.id.as_str() == call).map(|known| known.tool.clone()).unwrap_or_default()
}
