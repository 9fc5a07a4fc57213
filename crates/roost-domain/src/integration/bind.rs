//! An operation and its arguments become a request.
//!
//! Arguments have been checked against the operation's schema. What is left to check here is what could lead a request
//! elsewhere than the operation says: a path that climbs, a header that ends early.

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use url::form_urlencoded::byte_serialize;

use super::{Body, Media, Operation, Parameter, Place, Style};

/// A request as it will be sent, but for its credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `POST` and so on.
    pub method: String,
    /// The whole URL.
    pub url: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body, if it has one.
    pub body: Option<String>,
}

/// An argument that no request can be made of.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path} {problem}")]
pub struct Fault {
    /// Where it stands: `arguments.body.title`.
    pub path: String,
    /// What is wrong and what would be right.
    pub problem: String,
}

fn fault(argument: &str, problem: impl Into<String>) -> Fault {
    Fault { path: format!("arguments.{argument}"), problem: problem.into() }
}

/// Headers that follow from the request itself, or carry what is not the caller's to say.
const RESERVED: [&str; 6] = ["accept", "authorization", "content-type", "content-length", "cookie", "host"];

impl Operation {
    /// Makes the request that the operation with these arguments is. `base` is what its path begins with.
    ///
    /// # Errors
    ///
    /// [`Fault`] for the first argument that is missing or cannot be written where it belongs.
    pub fn bind(&self, base: &str, arguments: &Map<String, Value>) -> Result<Request, Fault> {
        let mut request =
            Request { method: self.method.clone(), url: String::new(), headers: Vec::new(), body: None };
        let mut query: Vec<(String, String)> = Vec::new();
        let mut cookies: Vec<String> = Vec::new();
        for parameter in &self.parameters {
            let Some(value) = arguments.get(&parameter.argument).filter(|value| !value.is_null()) else {
                continue;
            };
            match parameter.place {
                Place::Path => {}
                Place::Query => query.extend(pairs(parameter, value)),
                Place::Header if RESERVED.contains(&parameter.name.to_ascii_lowercase().as_str()) => {}
                Place::Header => request.headers.push((parameter.name.clone(), line(parameter, value)?)),
                Place::Cookie => cookies.push(format!("{}={}", parameter.name, encoded(&flat(value)))),
            }
        }
        if !cookies.is_empty() {
            request.headers.push(("Cookie".to_owned(), cookies.join("; ")));
        }
        request.url = format!("{}{}", base.trim_end_matches('/'), self.filled_path(arguments)?);
        if !query.is_empty() {
            let query: Vec<String> = query.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let joint = if request.url.contains('?') { '&' } else { '?' };
            request.url = format!("{}{joint}{}", request.url, query.join("&"));
        }
        if let Some(body) = &self.body
            && let Some(value) = arguments.get(&body.argument).filter(|value| !value.is_null())
        {
            let (content_type, text) = written(body, value)?;
            request.headers.push(("Content-Type".to_owned(), content_type));
            request.body = Some(text);
        }
        Ok(request)
    }

    fn filled_path(&self, arguments: &Map<String, Value>) -> Result<String, Fault> {
        let mut path = String::new();
        let mut rest = self.path.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            let Some((name, after)) = after.split_once('}') else { break };
            path.push_str(before);
            path.push_str(&self.path_value(name, arguments)?);
            rest = after;
        }
        path.push_str(rest);
        let steps = path.split(['?', '#']).next().unwrap_or_default().split('/');
        if let Some(step) = steps.into_iter().find(|step| climbs(step)) {
            return Err(Fault {
                path: "arguments".to_owned(),
                problem: format!("would make the path {path:?}, whose step {step:?} leads elsewhere"),
            });
        }
        Ok(if path.starts_with('/') { path } else { format!("/{path}") })
    }

    fn path_value(&self, name: &str, arguments: &Map<String, Value>) -> Result<String, Fault> {
        let of = |parameter: &&Parameter| parameter.place == Place::Path && parameter.name == name;
        let argument = self.parameters.iter().find(of).map_or(name, |parameter| parameter.argument.as_str());
        let value = arguments.get(argument).filter(|value| !value.is_null());
        let text = flat(value.ok_or_else(|| fault(argument, "is missing; the path has it"))?);
        if text.is_empty() {
            return Err(fault(argument, "must not be empty; the path has it"));
        }
        Ok(encoded(&text))
    }
}

/// Tells whether a step of a path leads back, however it is written.
fn climbs(step: &str) -> bool {
    matches!(step.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..")
}

fn line(parameter: &Parameter, value: &Value) -> Result<String, Fault> {
    let text = flat(value);
    if text.chars().any(char::is_control) {
        return Err(fault(
            &parameter.argument,
            "must not have line ends or control characters; it is a header",
        ));
    }
    Ok(text)
}

/// Writes a value where there is no structure: lists and objects with commas.
fn flat(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(flat).collect::<Vec<_>>().join(","),
        Value::Object(map) => {
            map.iter().map(|(name, value)| format!("{name},{}", flat(value))).collect::<Vec<_>>().join(",")
        }
    }
}

fn encoded(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

/// Returns what a parameter is in a query, encoded.
fn pairs(parameter: &Parameter, value: &Value) -> Vec<(String, String)> {
    let name = encoded(&parameter.name);
    let joined = |between: &str| match value {
        Value::Array(items) => {
            items.iter().map(|item| encoded(&flat(item))).collect::<Vec<_>>().join(between)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
            encoded(&flat(value))
        }
    };
    match (parameter.style, value) {
        (Style::Json, _) => vec![(name, encoded(&value.to_string()))],
        (Style::Deep, Value::Object(_) | Value::Array(_)) => deep(&parameter.name, value),
        (Style::Exploded, Value::Array(items)) => {
            items.iter().map(|item| (name.clone(), encoded(&flat(item)))).collect()
        }
        (Style::Exploded, Value::Object(map)) => {
            map.iter().map(|(key, value)| (encoded(key), encoded(&flat(value)))).collect()
        }
        (Style::Spaces, _) => vec![(name, joined("%20"))],
        (Style::Pipes, _) => vec![(name, joined("%7C"))],
        (Style::Commas, _) => vec![(name, joined(","))],
        (Style::Exploded | Style::Deep, _) => vec![(name, encoded(&flat(value)))],
    }
}

/// Writes a structure in brackets, to whatever depth it has.
fn deep(name: &str, value: &Value) -> Vec<(String, String)> {
    match value {
        Value::Object(map) => {
            map.iter().flat_map(|(key, value)| deep(&format!("{name}[{key}]"), value)).collect()
        }
        Value::Array(items) => {
            items.iter().enumerate().flat_map(|(at, item)| deep(&format!("{name}[{at}]"), item)).collect()
        }
        Value::Null => Vec::new(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => vec![(encoded(name), encoded(&flat(value)))],
    }
}

fn written(body: &Body, value: &Value) -> Result<(String, String), Fault> {
    let fields =
        || value.as_object().ok_or_else(|| fault(&body.argument, "must be an object; it is sent as a form"));
    Ok(match body.media {
        Media::Json => (body.content_type.clone(), value.to_string()),
        Media::Text => {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            (body.content_type.clone(), text)
        }
        Media::Form => {
            let mut all = Vec::new();
            for (name, value) in fields()? {
                all.extend(field(name, value, body.deep.contains(name)));
            }
            let text =
                all.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&");
            (body.content_type.clone(), text)
        }
        Media::Multipart => {
            let boundary = boundary(value);
            let text = parts(body, fields()?, &boundary)?;
            (format!("multipart/form-data; boundary={boundary}"), text)
        }
    })
}

fn field(name: &str, value: &Value, in_brackets: bool) -> Vec<(String, String)> {
    match value {
        Value::Array(items)
            if !in_brackets && items.iter().all(|item| !item.is_object() && !item.is_array()) =>
        {
            items.iter().map(|item| (encoded(name), encoded(&flat(item)))).collect()
        }
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_) => deep(name, value),
    }
}

/// Returns a boundary that the values do not have: it is made of all of them.
fn boundary(value: &Value) -> String {
    let hash = Sha256::digest(value.to_string().as_bytes());
    let hex: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("roost-{hex}")
}

fn parts(body: &Body, fields: &Map<String, Value>, boundary: &str) -> Result<String, Fault> {
    let mut text = String::new();
    for (name, value) in fields {
        if name.chars().any(|letter| letter.is_control() || letter == '"') {
            return Err(fault(&body.argument, "has a name with quotes or control characters"));
        }
        text.push_str(&format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\""));
        match value {
            Value::Object(_) | Value::Array(_) => {
                text.push_str(&format!("\r\nContent-Type: application/json\r\n\r\n{value}\r\n"));
            }
            Value::String(content) if body.deep.contains(name) => {
                // What the document calls binary is a file to the service.
                text.push_str(&format!("; filename=\"{name}\"\r\n"));
                text.push_str(&format!("Content-Type: application/octet-stream\r\n\r\n{content}\r\n"));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                text.push_str(&format!("\r\n\r\n{}\r\n", flat(value)));
            }
        }
    }
    text.push_str(&format!("--{boundary}--\r\n"));
    Ok(text)
}
