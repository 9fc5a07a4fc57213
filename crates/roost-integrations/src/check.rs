//! Checks arguments against the schema of an operation.

use jsonschema::{Draft, ValidationError};
use roost_domain::integration::Fault;
use serde_json::Value;

/// More faults than a model can mend at once are not told.
const MOST: usize = 5;

pub(crate) fn check(schema: &Value, arguments: &Value) -> Result<(), Vec<Fault>> {
    let fault = |path: String, problem: String| Fault { path, problem };
    let validator = jsonschema::options().with_draft(Draft::Draft202012).build(schema);
    let validator = match validator {
        Ok(validator) => validator,
        Err(_) => {
            return Err(vec![fault(
                "arguments".to_owned(),
                "cannot be checked: the schema is none".to_owned(),
            )]);
        }
    };
    let faults: Vec<Fault> =
        validator.iter_errors(arguments).take(MOST).map(|error| fault(path(&error), told(&error))).collect();
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

/// Writes where a value stands: `arguments.body.labels[0]`.
fn path(error: &ValidationError<'_>) -> String {
    let mut path = "arguments".to_owned();
    for step in error.instance_path().as_str().split('/').skip(1) {
        let step = step.replace("~1", "/").replace("~0", "~");
        if !step.is_empty() && step.bytes().all(|byte| byte.is_ascii_digit()) {
            path.push_str(&format!("[{step}]"));
        } else {
            path.push_str(&format!(".{step}"));
        }
    }
    path
}

fn told(error: &ValidationError<'_>) -> String {
    // The value itself may be long, and whoever gave it has it.
    let text = error.masked_with("it").to_string();
    let text = text.trim_start_matches("it ").to_owned();
    match text.char_indices().nth(300) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests;
