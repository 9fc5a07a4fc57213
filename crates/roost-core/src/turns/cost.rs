//! What a model call may cost, before and after it failed.

use roost_domain::conversation::{Conversation, Message};
use roost_domain::model::{Price, Usage};
use roost_domain::unit::{MicroUsd, Tokens};
use roost_ports::model::Error as ModelError;

/// Returns the most a call can cost: no text has more tokens than bytes, and providers add a little of their own.
pub(crate) fn worst_case(conversation: &Conversation, price: &Price) -> MicroUsd {
    const PROVIDERS_OWN: usize = 1_000;
    let mut bytes = conversation.system.len() + PROVIDERS_OWN;
    for message in &conversation.messages {
        bytes += 16
            + match message {
                Message::User(text) | Message::ToolResult { text, .. } => text.len(),
                Message::Assistant { text, calls } => {
                    text.len() + calls.iter().map(|call| call.arguments.to_string().len() + 32).sum::<usize>()
                }
            };
    }
    for tool in &conversation.tools {
        bytes += tool.name.len() + tool.description.len() + tool.parameters.to_string().len();
    }
    let input = Tokens(bytes as u64);
    // Writing to a provider's cache can cost more than plain input.
    let dearest = if price.cache_written > price.input { input } else { Tokens(0) };
    let usage = Usage { input, cached: Tokens(0), cache_written: dearest, output: conversation.max_output };
    price.cost(usage)
}

/// Returns what a call that failed may have cost: nothing if it was refused, the input and what had been written if
/// it broke off.
pub(crate) fn cost_of_failure(
    conversation: &Conversation,
    price: &Price,
    error: &ModelError,
    written: usize,
) -> MicroUsd {
    match error {
        ModelError::Broken { .. } | ModelError::Timeout { .. } | ModelError::Nonsense { .. } => {
            let conversation = Conversation { max_output: Tokens(written as u64), ..conversation.clone() };
            worst_case(&conversation, price)
        }
        ModelError::UnknownModel { .. }
        | ModelError::NoKey { .. }
        | ModelError::Auth { .. }
        | ModelError::RateLimited { .. }
        | ModelError::Refused { .. }
        | ModelError::Failed { .. }
        | ModelError::Runtime { .. }
        | ModelError::OutcomeUnknown { .. }
        | ModelError::Unreachable { .. } => MicroUsd::ZERO,
    }
}
