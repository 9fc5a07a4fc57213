//! How much a caller may bring to an agent, and in which order.

use std::collections::HashSet;

use roost_domain::agent::Agent;
use roost_domain::conversation::{Format, Message, ToolChoice};
use roost_domain::tool::{ToolCallId, ToolSpec};

use super::Ask;
use crate::{Core, Error, Kind};

const MOST_MESSAGES: usize = 2_000;
const MOST_TOOLS: usize = 128;
const LONGEST_MESSAGE: usize = 100_000;
const LONGEST_INSTRUCTIONS: usize = 32_000;
const LARGEST_TOOLS: usize = 256 * 1024;

/// Checks what holds for whoever is asked.
pub(super) fn check(ask: &Ask) -> Result<(), Error> {
    if ask.messages.len() > MOST_MESSAGES {
        let count = ask.messages.len();
        return Err(Error::invalid(
            "messages",
            format!("has {count} entries; at most {MOST_MESSAGES} are allowed"),
        ));
    }
    if let Some(peer) = &ask.peer
        && !(1..=200).contains(&peer.chars().count())
    {
        return Err(Error::invalid("user", "must have 1 to 200 characters"));
    }
    for (place, message) in ask.messages.iter().enumerate() {
        let (Message::User(text) | Message::Assistant { text, .. } | Message::ToolResult { text, .. }) =
            message;
        let length = text.chars().count();
        if length > LONGEST_MESSAGE {
            let problem = format!("has {length} characters; at most {LONGEST_MESSAGE} are allowed");
            return Err(Error::invalid(&format!("messages[{place}].content"), problem));
        }
    }
    check_tools(&ask.tools)?;
    check_order(&ask.messages)
}

/// Checks what holds for agents only.
pub(super) fn check_for_agent(core: &Core, ask: &Ask) -> Result<(), Error> {
    let length = ask.instructions.as_ref().map_or(0, |text| text.chars().count());
    if length > LONGEST_INSTRUCTIONS {
        let problem = format!(
            "are {length} characters of instructions; at most {LONGEST_INSTRUCTIONS} are allowed for an agent. Put \
             lasting ones into the agent's SOUL.md or config.systemPrompt"
        );
        return Err(Error::invalid("messages", problem));
    }
    if ask.wishes.choice != ToolChoice::Auto {
        return Err(Error::invalid(
            "tool_choice",
            "must be \"auto\" for an agent, which has tools of its own",
        ));
    }
    if ask.wishes.format != Format::Text {
        return Err(Error::invalid("response_format", "must be {\"type\": \"text\"} for an agent"));
    }
    let own = core.own_tools();
    match ask.tools.iter().find(|tool| own.contains(&tool.name)) {
        Some(tool) => {
            let problem =
                format!("has {:?}, which is a tool of the agent's own; give yours another name", tool.name);
            Err(Error::invalid("tools", problem))
        }
        None => Ok(()),
    }
}

/// Checks what holds for agents whose loop is a hosted runtime's, which takes what a peer says and nothing else.
pub(super) fn check_for_hosted(agent: &Agent, ask: &Ask) -> Result<(), Error> {
    let refused = |problem: String| Err(Error::new(Kind::InvalidInput, "not_for_hosted", problem));
    let runtime = agent.runtime;
    if !ask.tools.is_empty() {
        return refused(format!(
            "tools cannot be given to an agent that runs {runtime}, which has tools of its own; leave tools out"
        ));
    }
    if matches!(ask.messages.last(), Some(Message::ToolResult { .. })) {
        return refused(format!(
            "messages must end with a message of the user for an agent that runs {runtime}, which calls no tools of \
             its callers"
        ));
    }
    Ok(())
}

fn check_tools(tools: &[ToolSpec]) -> Result<(), Error> {
    if tools.len() > MOST_TOOLS {
        let count = tools.len();
        return Err(Error::invalid(
            "tools",
            format!("has {count} entries; at most {MOST_TOOLS} are allowed"),
        ));
    }
    let mut names = HashSet::new();
    let mut size = 0;
    for (place, tool) in tools.iter().enumerate() {
        let field = format!("tools[{place}].function.name");
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if !(1..=64).contains(&tool.name.len()) || !tool.name.chars().all(plain) {
            return Err(Error::invalid(&field, "must be 1 to 64 letters, digits, underscores or dashes"));
        }
        if !names.insert(&tool.name) {
            return Err(Error::invalid(&field, format!("is {:?} a second time", tool.name)));
        }
        if !tool.parameters.is_object() {
            let field = format!("tools[{place}].function.parameters");
            return Err(Error::invalid(&field, "must be a JSON Schema, an object"));
        }
        size += tool.name.len() + tool.description.len() + tool.parameters.to_string().len();
    }
    if size > LARGEST_TOOLS {
        return Err(Error::invalid(
            "tools",
            format!("are {size} bytes; at most {LARGEST_TOOLS} are allowed"),
        ));
    }
    Ok(())
}

/// Checks that what is new goes on from what was said.
pub(super) fn check_together(said: &[Message], new: &[Message]) -> Result<(), Error> {
    check_order(&[said, new].concat())
}

/// Checks that every call is followed by its results before anybody speaks again, and every result has its call.
fn check_order(messages: &[Message]) -> Result<(), Error> {
    let mut open: Vec<&ToolCallId> = Vec::new();
    let missing = |open: &[&ToolCallId]| {
        let ids: Vec<&str> = open.iter().map(|id| id.as_str()).collect();
        let problem = format!(
            "must have a message of the role tool for each call of the assistant's; missing are {}",
            ids.join(", ")
        );
        Error::invalid("messages", problem)
    };
    let mut alone = true;
    for (place, message) in messages.iter().enumerate() {
        match message {
            Message::ToolResult { call, .. } => match open.iter().position(|id| *id == call) {
                Some(index) => drop(open.remove(index)),
                // What goes on from an answer that is kept may begin with results.
                None if alone => {}
                None => {
                    let problem = format!("answers {:?}, which nobody called just before", call.as_str());
                    return Err(Error::invalid(&format!("messages[{place}].tool_call_id"), problem));
                }
            },
            Message::User(_) | Message::Assistant { .. } if !open.is_empty() => return Err(missing(&open)),
            Message::User(_) => alone = false,
            Message::Assistant { calls, .. } => {
                alone = false;
                open = calls.iter().map(|call| &call.id).collect();
            }
        }
    }
    match (open.is_empty(), messages.last()) {
        (false, _) => Err(missing(&open)),
        (true, None) => Err(Error::invalid("messages", "must not be empty")),
        (true, Some(Message::Assistant { .. })) => {
            Err(Error::invalid("messages", "must end with a message of the user or the result of a tool"))
        }
        (true, Some(Message::User(text))) if text.trim().is_empty() => {
            Err(Error::invalid("messages", "must end with a message that is not empty"))
        }
        (true, Some(Message::User(_) | Message::ToolResult { .. })) => Ok(()),
    }
}
