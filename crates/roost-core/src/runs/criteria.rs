//! What has to be true of a step's output.

use std::sync::Arc;

use jsonschema::{PatternOptions, Validator};
use roost_domain::workflow::{Criterion, Scope, Step};
use serde_json::{Map, Value};

/// How much memory one pattern of a schema may take: one that is short can still stand for a lot.
const PATTERN_BYTES: usize = 1 << 20;

/// What criteria come to.
#[derive(Debug, PartialEq)]
pub(super) enum Verdict {
    /// All hold.
    Holds,
    /// One does not; for the model and for people.
    Misses(String),
    /// A model has to be asked about this one.
    Judge(u32),
}

/// Holds an output to the criteria of a step, from one of them on, as far as that goes without a model. `scope` is what
/// the step's templates see.
pub(super) fn check(step: &Step, output: &Value, from: u32, scope: Scope) -> Verdict {
    if from == 0
        && let Some(schema) = &step.output
        && let Err(problem) = keeps_to(schema, output)
    {
        return Verdict::Misses(format!("the output does not keep to its schema: it {problem}"));
    }
    let scope = scope.with("output", output.clone());
    for (index, criterion) in (0..).zip(&step.success).skip(from as usize) {
        match criterion {
            Criterion::Assert(expression) => match expression.holds(&scope) {
                Ok(true) => {}
                Ok(false) => return Verdict::Misses(format!("`{}` is not true", expression.0)),
                Err(problem) => return Verdict::Misses(problem.message),
            },
            Criterion::Schema(schema) => {
                if let Err(problem) = keeps_to(schema, output) {
                    return Verdict::Misses(format!("the output {problem}"));
                }
            }
            Criterion::Judged(_) => return Verdict::Judge(index),
        }
    }
    Verdict::Holds
}

/// Tells what is wrong with a value under a JSON Schema, as `at /a/0 …`. Nothing is looked up elsewhere.
pub(super) fn keeps_to(schema: &Value, value: &Value) -> Result<(), String> {
    holds(&*compile(schema)?, value)
}

/// Makes a JSON Schema ready, or says why nothing can be held to it.
pub(super) fn compile(schema: &Value) -> Result<Arc<Validator>, String> {
    // Linear in the text, whatever the pattern: schemas are written by people, values by models.
    let patterns = PatternOptions::regex().size_limit(PATTERN_BYTES).dfa_size_limit(PATTERN_BYTES);
    let built = jsonschema::options().with_pattern_options(patterns).build(schema);
    built.map(Arc::new).map_err(|error| format!("cannot be checked: its schema is wrong: {error}"))
}

/// Tells what is wrong with a value under a JSON Schema that was made ready, as [`keeps_to`] does.
pub(super) fn holds(validator: &Validator, value: &Value) -> Result<(), String> {
    let Some(error) = validator.iter_errors(value).next() else { return Ok(()) };
    let mut problem: String = error.to_string().chars().take(300).collect();
    let path = error.instance_path().to_string();
    if !path.is_empty() {
        problem = format!("{problem} (at {path})");
    }
    Err(format!("is not as its schema wants it: {problem}"))
}

/// Reads what a judge said: an object with `passes` and `reason` and nothing else. Anything else is a miss.
pub(super) fn verdict(said: &str) -> (bool, String) {
    let unreadable = |why: &str| (false, format!("the judge's verdict could not be read: {why}"));
    let Ok(verdict) = serde_json::from_str::<Map<String, Value>>(unfenced(said)) else {
        return unreadable("it is no JSON object");
    };
    match (verdict.get("passes"), verdict.get("reason"), verdict.len()) {
        (Some(Value::Bool(passes)), Some(Value::String(reason)), 2) => {
            (*passes, reason.chars().take(2_000).collect())
        }
        _ => unreadable("it has not exactly `passes` and `reason`"),
    }
}

/// JSON Schema of what a judge says.
pub(super) fn verdict_schema() -> Value {
    serde_json::json!({
        "type": "object",
        "properties": {
            "passes": { "type": "boolean", "description": "Whether the criterion is met." },
            "reason": { "type": "string", "description": "Why, in one or two sentences." }
        },
        "required": ["passes", "reason"],
        "additionalProperties": false
    })
}

/// Returns what stands within a fence of backticks, if a text is one fence.
pub(super) fn unfenced(text: &str) -> &str {
    let text = text.trim();
    let inside = text.strip_prefix("```").and_then(|rest| rest.strip_suffix("```"));
    match inside.and_then(|inside| inside.split_once('\n')) {
        Some((_language, inside)) => inside.trim(),
        None => text,
    }
}

#[cfg(test)]
mod tests;
