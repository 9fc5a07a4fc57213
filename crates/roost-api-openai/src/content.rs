//! Contents of messages: a text, or a list of parts of text.

use roost_http::Failure;
use serde_json::Value;

/// Reads a content; `None` where there is none.
pub(crate) fn text(field: &str, content: Option<&Value>) -> Result<Option<String>, Failure> {
    match content {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(Value::Array(parts)) => {
            let mut all = String::new();
            for (place, part) in parts.iter().enumerate() {
                all.push_str(part_text(&format!("{field}[{place}]"), part)?);
            }
            Ok(Some(all))
        }
        Some(Value::Bool(_) | Value::Number(_) | Value::Object(_)) => {
            Err(Failure::invalid(field, "must be a text or a list of parts"))
        }
    }
}

fn part_text<'a>(field: &str, part: &'a Value) -> Result<&'a str, Failure> {
    let kind = part.get("type").and_then(Value::as_str).unwrap_or_default();
    let key = match kind {
        "text" | "input_text" | "output_text" => "text",
        "refusal" => "refusal",
        _ => {
            let problem = format!("is {kind:?}; only parts of text are supported");
            return Err(Failure::invalid(&format!("{field}.type"), problem));
        }
    };
    part.get(key)
        .and_then(Value::as_str)
        .ok_or_else(|| Failure::invalid(&format!("{field}.{key}"), "must be a text"))
}
