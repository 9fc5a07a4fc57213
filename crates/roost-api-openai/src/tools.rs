//! Tools that the caller runs itself, and how a model is to choose among them.

use roost_domain::conversation::{Format, ToolChoice};
use roost_domain::tool::{ToolCall, ToolCallId, ToolSpec};
use roost_http::Failure;
use serde_json::{Value, json};

/// Reads tools: of chat completions `{"type": "function", "function": {…}}`, of responses the same without the inner
/// object.
pub(crate) fn read(tools: Option<&[Value]>) -> Result<Vec<ToolSpec>, Failure> {
    let read = |(place, tool): (usize, &Value)| one(&format!("tools[{place}]"), tool);
    tools.unwrap_or_default().iter().enumerate().map(read).collect()
}

fn one(field: &str, tool: &Value) -> Result<ToolSpec, Failure> {
    let kind = tool.get("type").and_then(Value::as_str).unwrap_or_default();
    if kind != "function" {
        let problem = format!("is {kind:?}; only \"function\" is supported");
        return Err(Failure::invalid(&format!("{field}.type"), problem));
    }
    let (inner, field) = match tool.get("function") {
        Some(inner) => (inner, format!("{field}.function")),
        None => (tool, field.to_owned()),
    };
    let name = inner.get("name").and_then(Value::as_str);
    let name =
        name.ok_or_else(|| Failure::invalid(&format!("{field}.name"), "is required and must be a text"))?;
    let description = match inner.get("description") {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(_) => return Err(Failure::invalid(&format!("{field}.description"), "must be a text")),
    };
    let parameters = match inner.get("parameters") {
        None | Some(Value::Null) => json!({"type": "object", "properties": {}}),
        Some(schema) => schema.clone(),
    };
    Ok(ToolSpec { name: name.to_owned(), description, parameters, idempotent: false })
}

/// Reads `tool_choice`: a word, or the function that has to be called.
pub(crate) fn choice(given: Option<&Value>, tools: &[ToolSpec]) -> Result<ToolChoice, Failure> {
    let choice = match given {
        None | Some(Value::Null) => return Ok(ToolChoice::Auto),
        Some(Value::String(word)) => match word.as_str() {
            "auto" => ToolChoice::Auto,
            "none" => ToolChoice::None,
            "required" => ToolChoice::Required,
            _ => return Err(Failure::invalid("tool_choice", "must be auto, none, required or a function")),
        },
        Some(object) => {
            let inner = object.get("function").unwrap_or(object);
            let name = inner.get("name").and_then(Value::as_str);
            match (object.get("type").and_then(Value::as_str), name) {
                (Some("function"), Some(name)) => ToolChoice::Named(name.to_owned()),
                _ => {
                    return Err(Failure::invalid(
                        "tool_choice",
                        "must be auto, none, required or a function",
                    ));
                }
            }
        }
    };
    match &choice {
        ToolChoice::Required if tools.is_empty() => {
            Err(Failure::invalid("tool_choice", "is \"required\", but there are no tools"))
        }
        ToolChoice::Named(name) if tools.iter().all(|tool| tool.name != *name) => {
            Err(Failure::invalid("tool_choice", format!("names {name:?}, which is not among the tools")))
        }
        ToolChoice::Auto | ToolChoice::None | ToolChoice::Required | ToolChoice::Named(_) => Ok(choice),
    }
}

/// Reads the form of answers: `response_format` of chat completions, `text.format` of responses.
pub(crate) fn format(field: &str, given: Option<&Value>) -> Result<Format, Failure> {
    let Some(format) = given.filter(|format| !format.is_null()) else { return Ok(Format::Text) };
    match format.get("type").and_then(Value::as_str) {
        Some("text") => Ok(Format::Text),
        Some("json_object") => Ok(Format::JsonObject),
        Some("json_schema") => {
            let inner = format.get("json_schema").unwrap_or(format);
            let name = inner.get("name").and_then(Value::as_str).unwrap_or_default();
            let schema = inner.get("schema").filter(|schema| schema.is_object());
            match (name, schema) {
                ("", _) => Err(Failure::invalid(field, "must have a name for its JSON schema")),
                (_, None) => Err(Failure::invalid(field, "must have a JSON schema, an object")),
                (name, Some(schema)) => Ok(Format::JsonSchema {
                    name: name.to_owned(),
                    schema: schema.clone(),
                    strict: inner.get("strict").and_then(Value::as_bool).unwrap_or(false),
                }),
            }
        }
        _ => Err(Failure::invalid(field, "must have the type text, json_object or json_schema")),
    }
}

/// Reads a call that the assistant made, as the caller tells it again.
pub(crate) fn call(field: &str, id: Option<&str>, inner: &Value) -> Result<ToolCall, Failure> {
    let text = |key: &str| inner.get(key).and_then(Value::as_str);
    let id = id.ok_or_else(|| Failure::invalid(field, "must have an id"))?;
    let name = text("name").ok_or_else(|| Failure::invalid(field, "must have a name"))?;
    let written = text("arguments").unwrap_or("{}");
    let arguments = if written.trim().is_empty() {
        json!({})
    } else {
        serde_json::from_str(written).map_err(|error| {
            Failure::invalid(&format!("{field}.arguments"), format!("is not valid JSON: {error}"))
        })?
    };
    Ok(ToolCall { id: ToolCallId::from_text(id), tool: name.to_owned(), arguments })
}
