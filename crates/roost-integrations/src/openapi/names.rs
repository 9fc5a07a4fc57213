//! Names of operations that are unique, short enough for a tool, and stay the same.

use std::collections::BTreeMap;

use roost_domain::integration::{IntegrationName, Operation};
use sha2::{Digest as _, Sha256};

/// The longest name of a tool.
const TOOL_MAX: usize = 64;

/// Turns what the document calls an operation into `[a-z0-9_]+`.
pub(super) fn plain(text: &str) -> String {
    let mut name = String::new();
    let mut was_lower = false;
    for letter in text.chars() {
        if letter.is_ascii_alphanumeric() {
            if letter.is_ascii_uppercase() && was_lower {
                name.push('_');
            }
            name.push(letter.to_ascii_lowercase());
        } else if !name.ends_with('_') {
            name.push('_');
        }
        was_lower = letter.is_ascii_lowercase() || letter.is_ascii_digit();
    }
    name.trim_matches('_').to_owned()
}

/// Gives each operation a name of its own. One that is too long is cut, and where two would be called the same, all
/// of them carry a mark made of method and path: so the name of one does not depend on the order of the document.
pub(super) fn settle(service: &IntegrationName, mut operations: Vec<Operation>) -> Vec<Operation> {
    let most = TOOL_MAX - service.tool_prefix().len();
    let mut count: BTreeMap<String, usize> = BTreeMap::new();
    for operation in &operations {
        *count.entry(operation.name.clone()).or_default() += 1;
    }
    let mut taken: BTreeMap<String, ()> = BTreeMap::new();
    for operation in &mut operations {
        let mark = mark(operation);
        let is_shared = count.get(&operation.name).copied().unwrap_or(0) > 1;
        let mut name = operation.name.clone();
        if is_shared || name.len() > most || name.is_empty() {
            name = marked(&name, &mark, most);
        }
        if taken.contains_key(&name) {
            name = marked(&name, &mark, most);
        }
        taken.insert(name.clone(), ());
        operation.name = name;
    }
    operations
}

fn marked(name: &str, mark: &str, most: usize) -> String {
    let room = most.saturating_sub(mark.len() + 1);
    let begin = name[..name.len().min(room)].trim_end_matches('_');
    if begin.is_empty() { mark.to_owned() } else { format!("{begin}_{mark}") }
}

fn mark(operation: &Operation) -> String {
    let hash = Sha256::digest(format!("{} {}", operation.method, operation.path).as_bytes());
    hash.iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}
