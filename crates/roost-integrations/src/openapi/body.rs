//! Bodies of requests.

use roost_domain::integration::{Body, Media};
use serde_json::{Map, Value, json};

use super::document::{Document, Version};
use super::parameter::Arguments;
use super::schema::{Use, translate};
use super::{Fields, cut};

pub(super) fn read<'a>(
    document: &Document<'a>,
    found: &'a Fields,
    given: &[&'a Value],
    arguments: &mut Arguments,
) -> Result<Option<Body>, String> {
    if document.version == Version::Two {
        return Ok(of_two(document, found, given, arguments));
    }
    let Some(body) = found.get("requestBody") else { return Ok(None) };
    let body = document.resolve(body)?;
    let Some(content) = body.get("content").and_then(Value::as_object).filter(|content| !content.is_empty())
    else {
        return Ok(None);
    };
    let Some((content_type, media, of)) = chosen(content) else { return Ok(None) };
    let schema = of.get("schema").map_or_else(
        || if media == Media::Text { json!({"type": "string"}) } else { json!({}) },
        |schema| translate(document, schema, Use::Request, &mut arguments.budget),
    );
    let required = body.get("required").and_then(Value::as_bool) == Some(true);
    let description = body.get("description").and_then(Value::as_str).unwrap_or_default();
    let deep = match media {
        Media::Form => in_brackets(of),
        Media::Multipart => files(&schema),
        Media::Json | Media::Text => Vec::new(),
    };
    Ok(Some(add(arguments, required, with_description(schema, description), media, content_type, deep)))
}

fn add(
    arguments: &mut Arguments,
    required: bool,
    schema: Value,
    media: Media,
    content_type: String,
    deep: Vec<String>,
) -> Body {
    let argument = arguments.name("body", "request");
    if required {
        arguments.required.push(argument.clone());
    }
    arguments.properties.insert(argument.clone(), schema);
    Body { argument, media, content_type, deep }
}

fn with_description(mut schema: Value, description: &str) -> Value {
    let description = cut(description, 300);
    if !description.is_empty() && schema.is_object() && schema.get("description").is_none() {
        schema["description"] = Value::from(description);
    }
    schema
}

/// Chooses the way that carries structure best.
fn chosen(content: &Map<String, Value>) -> Option<(String, Media, &Value)> {
    let kind = |name: &str| {
        let name = name.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match name.as_str() {
            "application/json" | "*/*" | "application/*" => (0, Media::Json),
            other if other.ends_with("+json") || other.ends_with("/json") => (1, Media::Json),
            "application/x-www-form-urlencoded" => (2, Media::Form),
            "multipart/form-data" => (3, Media::Multipart),
            _ => (4, Media::Text),
        }
    };
    let best = content.iter().min_by_key(|(name, _)| kind(name).0)?;
    let name = if best.0.contains('*') { "application/json" } else { best.0.as_str() };
    Some((cut(name, 200), kind(best.0).1, best.1))
}

/// The most fields of a form that stand in brackets.
const MOST_DEEP: usize = 100;

/// Returns the fields of a form that the document wants in brackets.
fn in_brackets(of: &Value) -> Vec<String> {
    let encoding = of.get("encoding").and_then(Value::as_object);
    let deep = |(_, how): &(&String, &Value)| how.get("style").and_then(Value::as_str) == Some("deepObject");
    encoding.into_iter().flatten().filter(deep).take(MOST_DEEP).map(|(name, _)| name.clone()).collect()
}

/// Returns the fields of a form in parts that are files.
fn files(schema: &Value) -> Vec<String> {
    let fields = schema.get("properties").and_then(Value::as_object);
    let is_file = |(_, field): &(&String, &Value)| {
        matches!(field.get("format").and_then(Value::as_str), Some("binary" | "base64" | "byte"))
            || field.get("contentMediaType").is_some()
    };
    fields.into_iter().flatten().filter(is_file).map(|(name, _)| name.clone()).collect()
}

fn of_two<'a>(
    document: &Document<'a>,
    found: &'a Fields,
    given: &[&'a Value],
    arguments: &mut Arguments,
) -> Option<Body> {
    let is = |place: &'static str| move |one: &&&Value| one.get("in").and_then(Value::as_str) == Some(place);
    let consumes = found.get("consumes").or_else(|| document.at("/consumes")).and_then(Value::as_array);
    let consumes: Vec<&str> = consumes.into_iter().flatten().filter_map(Value::as_str).collect();
    let is_required = |one: &Value| one.get("required").and_then(Value::as_bool) == Some(true);
    if let Some(body) = given.iter().find(is("body")) {
        let schema = body.get("schema").map_or_else(
            || json!({}),
            |schema| translate(document, schema, Use::Request, &mut arguments.budget),
        );
        let description = body.get("description").and_then(Value::as_str).unwrap_or_default();
        let json =
            consumes.is_empty() || consumes.iter().any(|one| one.contains("json") || one.contains('*'));
        let (media, kind) = match consumes.first() {
            Some(first) if !json => (Media::Text, (*first).to_owned()),
            Some(_) | None => (Media::Json, "application/json".to_owned()),
        };
        let schema = with_description(schema, description);
        return Some(add(arguments, is_required(body), schema, media, kind, Vec::new()));
    }
    let fields: Vec<&&Value> = given.iter().filter(is("formData")).collect();
    if fields.is_empty() {
        return None;
    }
    let name = |one: &Value| one.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let is_file = |one: &Value| one.get("type").and_then(Value::as_str) == Some("file");
    let mut properties = Map::new();
    for field in &fields {
        let mut schema = translate(document, field, Use::Parameter, &mut arguments.budget);
        let description = cut(field.get("description").and_then(Value::as_str).unwrap_or_default(), 300);
        if !description.is_empty() {
            schema["description"] = Value::from(description);
        }
        properties.insert(name(field), schema);
    }
    let required: Vec<String> = fields.iter().filter(|one| is_required(one)).map(|one| name(one)).collect();
    let mut schema = json!({"type": "object", "properties": properties});
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    let parts = fields.iter().any(|one| is_file(one)) || consumes.first() == Some(&"multipart/form-data");
    let (media, kind) = if parts {
        (Media::Multipart, "multipart/form-data")
    } else {
        (Media::Form, "application/x-www-form-urlencoded")
    };
    let deep = if parts {
        fields.iter().filter(|one| is_file(one)).map(|one| name(one)).collect()
    } else {
        Vec::new()
    };
    Some(add(arguments, !required.is_empty(), schema, media, kind.to_owned(), deep))
}
