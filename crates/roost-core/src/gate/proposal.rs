//! What a person sees of a change that an agent wants to make to one of its documents.

use roost_domain::document::ContentHash;
use roost_domain::effect::{Action, Cause, Effect};

use crate::documents::unified;

#[cfg(test)]
mod tests;

/// What a proposed text changes. It is made before the transaction that asks about it: comparing takes a while for
/// long texts that differ everywhere.
#[derive(Debug, Clone)]
pub(crate) struct Comparison {
    before: ContentHash,
    diff: String,
}

impl Comparison {
    /// Compares what a document says with what it is to say.
    pub(crate) fn new(name: &str, before: &str, after: &str) -> Self {
        Self { before: ContentHash::of(before), diff: unified((name, before), (name, after)) }
    }
}

/// Says what an effect changes of a document, and why the agent wants it; `None` if it changes none. What was compared
/// with another text than the one that leave is bound to is not shown; the proposed text is, whole.
pub(super) fn described(effect: &Effect, compared: Option<&Comparison>) -> Option<String> {
    let (Action::ChangeDocument { name }, Cause::Tool(call)) = (&effect.action, &effect.cause) else {
        return None;
    };
    let replaced = effect.scripts.iter().find(|script| script.path == *name);
    let compared = compared.filter(|compared| replaced.is_some_and(|text| text.sha256 == compared.before.0));
    let argument = |name: &str| call.arguments[name].as_str().unwrap_or_default();
    let change = match compared {
        Some(compared) => compared.diff.clone(),
        None => format!("It was changed just now. The new text is:\n\n{}", argument("content")),
    };
    Some(format!("{}\nreason: {}\n\n{change}", effect.action, argument("reason")))
}
