//! Names that vendors restrict: tool-call ids and tool names in requests.

use sha2::{Digest, Sha256};

/// The longest tool-call id every vendor takes; OpenAI's limit is the lowest.
const LONGEST_ID: usize = 40;
/// The longest tool name every vendor takes.
const LONGEST_TOOL: usize = 64;

/// Returns the id as vendors take it: `[a-zA-Z0-9_-]{1,40}`, the same for the same id and different for
/// different ones.
pub(crate) fn call_id(id: &str) -> String {
    fit(id, LONGEST_ID)
}

/// Returns the tool's name as vendors take it: `[a-zA-Z_][a-zA-Z0-9_-]{0,63}`. Only a name that a model made up
/// is ever changed.
pub(crate) fn tool(name: &str) -> String {
    let name = fit(name, LONGEST_TOOL);
    if name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_') {
        name
    } else {
        fit(&format!("_{name}"), LONGEST_TOOL)
    }
}

fn fit(text: &str, longest: usize) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !text.is_empty() && text.len() <= longest && text.chars().all(allowed) {
        return text.to_owned();
    }
    // A hash of the whole keeps two ids apart that look alike once they are cleaned.
    let digest = Sha256::digest(text.as_bytes());
    let tail: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    let head: String =
        text.chars().map(|c| if allowed(c) { c } else { '_' }).take(longest - tail.len() - 1).collect();
    format!("{head}_{tail}")
}

#[cfg(test)]
mod tests;
