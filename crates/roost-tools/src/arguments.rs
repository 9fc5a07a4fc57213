//! Arguments of tool calls: checked against the schema the model was shown, then read into a typed struct.
//!
//! What is wrong is told in words the model can act on. A message never repeats a value, which may be a secret.

use roost_domain::tool::ToolSpec;
use roost_ports::tool::BadCall;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Reads a call's arguments into `T`.
///
/// # Errors
///
/// [`BadCall`] that names the argument, the problem and the right form.
pub(crate) fn read<T: DeserializeOwned>(spec: &ToolSpec, arguments: &Value) -> Result<T, BadCall> {
    let none = Map::new();
    let given = match arguments {
        Value::Object(given) => given,
        // Some providers leave the arguments out where a call needs none.
        Value::Null => &none,
        other @ (Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => {
            let problem = format!("the arguments must be an object, not {}", kind(other));
            return Err(BadCall(format!("{}: {problem}; {}", spec.name, takes(&spec.parameters))));
        }
    };
    if let Some(problem) = violation(&spec.parameters, given) {
        return Err(BadCall(format!("{}: {problem}", spec.name)));
    }
    serde_json::from_value(Value::Object(given.clone()))
        .map_err(|error| BadCall(format!("{}: {error}; {}", spec.name, takes(&spec.parameters))))
}

/// Makes the error for an argument whose type is right and whose content is not.
pub(crate) fn bad(tool: &str, argument: &str, problem: impl std::fmt::Display) -> BadCall {
    BadCall(format!("{tool}: `{argument}` {problem}"))
}

/// Returns the first way in which the arguments break the schema.
fn violation(schema: &Value, given: &Map<String, Value>) -> Option<String> {
    let properties = schema["properties"].as_object()?;
    for name in given.keys() {
        if !properties.contains_key(name) {
            let shown: String = name.chars().take(80).collect();
            return Some(format!("there is no argument `{shown}`; {}", takes(schema)));
        }
    }
    for (name, property) in properties {
        match given.get(name) {
            None | Some(Value::Null) if is_required(schema, name) => {
                let meaning = property["description"].as_str().unwrap_or_default();
                return Some(format!("`{name}` is missing; it must be {}: {meaning}", form(property)));
            }
            None | Some(Value::Null) => {}
            Some(value) => {
                if let Some(problem) = mismatch(name, property, value) {
                    return Some(problem);
                }
            }
        }
    }
    None
}

fn mismatch(name: &str, property: &Value, value: &Value) -> Option<String> {
    let fits = match property["type"].as_str() {
        Some("string") => value.as_str().is_some_and(|text| {
            property["enum"].as_array().is_none_or(|choices| choices.iter().any(|choice| choice == text))
                && (property["minLength"].is_null() || !text.is_empty())
        }),
        Some("integer") => value.as_u64().is_some_and(|number| {
            property["minimum"].as_u64().is_none_or(|least| number >= least)
                && property["maximum"].as_u64().is_none_or(|most| number <= most)
        }),
        Some("boolean") => value.is_boolean(),
        Some("object") => {
            let entries = value.as_object();
            let inner = &property["additionalProperties"];
            if let Some(problem) = entries
                .into_iter()
                .flatten()
                .find_map(|(key, value)| mismatch(&format!("{name}.{key}"), inner, value))
            {
                return Some(problem);
            }
            entries.is_some()
        }
        _ => true,
    };
    let got = match value.as_str() {
        Some("") => "an empty string".to_owned(),
        Some(_) if property["enum"].is_array() => "another string".to_owned(),
        _ => value.as_number().map_or_else(|| kind(value).to_owned(), ToString::to_string),
    };
    (!fits).then(|| format!("`{name}` must be {}, not {got}", form(property)))
}

fn is_required(schema: &Value, name: &str) -> bool {
    schema["required"].as_array().is_some_and(|required| required.iter().any(|entry| entry == name))
}

/// Lists the arguments a tool takes.
fn takes(schema: &Value) -> String {
    let names = schema["properties"].as_object().into_iter().flatten().map(|(name, property)| {
        let must = if is_required(schema, name) { ", required" } else { "" };
        format!("`{name}` ({}{must})", form(property))
    });
    format!("it takes {}", names.collect::<Vec<_>>().join(", "))
}

fn form(property: &Value) -> String {
    match (property["type"].as_str(), &property["enum"], &property["minimum"], &property["maximum"]) {
        (Some("string"), Value::Array(choices), ..) => {
            format!("one of {}", choices.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "))
        }
        (Some("string"), ..) if property["minLength"].is_u64() => "a string that is not empty".to_owned(),
        (Some("string"), ..) => "a string".to_owned(),
        (Some("integer"), _, Value::Number(least), Value::Number(most)) => {
            format!("a whole number from {least} to {most}")
        }
        (Some("integer"), _, Value::Number(least), _) => format!("a whole number, {least} or more"),
        (Some("integer"), ..) => "a whole number".to_owned(),
        (Some("boolean"), ..) => "true or false".to_owned(),
        (Some("object"), ..) => "an object of strings".to_owned(),
        _ => "a value".to_owned(),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests;
