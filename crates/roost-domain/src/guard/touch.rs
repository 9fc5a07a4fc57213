//! What a call touches, where only its name and parameters are known.

use serde_json::Value;

use super::Touch;
use crate::permissions::Access;

/// Parameters that name a file, and those that name a host. **Source:** the permission layer of AgentCop's
/// library, version 0.4.12.
const PATHS: [&str; 6] = ["path", "file_path", "file", "filename", "source", "destination"];
const HOSTS: [&str; 6] = ["url", "endpoint", "host", "domain", "base_url", "uri"];

/// Words in a tool's name that say that it changes what it names.
const CHANGING: [&str; 16] = [
    "write", "save", "create", "append", "put", "delete", "remove", "update", "edit", "move", "rename",
    "upload", "set", "add", "chmod", "mkdir",
];

/// Values of one parameter that are looked at; a longer list is judged by its beginning and is too long to be
/// allowed by a list of paths anyway.
const MOST: usize = 1_000;

/// Returns what a call touches, by the names that parameters usually have. A tool whose name does not say that it
/// only looks is taken to change the files it names. What is no host is left out.
pub fn touches(tool: &str, parameters: &Value) -> Vec<Touch> {
    let lower = tool.to_lowercase();
    let mut words = lower.split(|c: char| !c.is_alphanumeric());
    let access = if words.any(|word| CHANGING.contains(&word)) { Access::Write } else { Access::Read };
    let mut touches = Vec::new();
    for name in PATHS {
        let paths = texts(parameters.get(name)).filter(|path| !path.is_empty());
        touches.extend(paths.map(|path| Touch::Path(path.to_owned(), access)));
    }
    for name in HOSTS {
        touches.extend(texts(parameters.get(name)).filter_map(host));
    }
    touches
}

fn texts(value: Option<&Value>) -> impl Iterator<Item = &str> {
    let list: &[Value] = match value {
        Some(Value::Array(list)) => &list[..list.len().min(MOST)],
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    list.iter().filter_map(Value::as_str)
}

/// Reads a host out of a URL, `host:port` or a bare host.
fn host(text: &str) -> Option<Touch> {
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (scheme.to_ascii_lowercase(), rest),
        None => (String::new(), text),
    };
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or("");
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let default = if matches!(scheme.as_str(), "http" | "ws") { 80 } else { 443 };
    let (name, port) = match authority.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') || name.ends_with(']') => (name, port.parse().ok()?),
        _ => (authority, default),
    };
    Some(Touch::Host(name.parse().ok()?, port))
}
