//! What a call touches, where only its name and parameters are known.

use serde_json::Value;
use url::Url;

use super::Touch;
use crate::network::Host;
use crate::permissions::Access;

/// Parameters that name a file, and those that name a host. **Source:** the permission layer of AgentCop's
/// library, version 0.4.12, and the names that file tools usually have.
const PATHS: [&str; 10] =
    ["path", "file_path", "file", "filename", "source", "src", "destination", "dest", "target", "directory"];
const HOSTS: [&str; 7] = ["url", "uri", "endpoint", "base_url", "host", "hostname", "domain"];

/// Of the paths, those that are written to whatever the tool is called.
const WRITTEN: [&str; 3] = ["destination", "dest", "target"];

/// Words in a tool's name that say that it only looks, and those that say that it does not.
const LOOKING: [&str; 17] = [
    "read", "get", "list", "search", "find", "fetch", "view", "show", "cat", "load", "open", "head", "tail",
    "stat", "grep", "query", "glob",
];
const CHANGING: [&str; 25] = [
    "write",
    "save",
    "create",
    "append",
    "put",
    "delete",
    "remove",
    "update",
    "edit",
    "move",
    "rename",
    "upload",
    "set",
    "add",
    "chmod",
    "mkdir",
    "patch",
    "insert",
    "copy",
    "truncate",
    "overwrite",
    "replace",
    "link",
    "touch",
    "drop",
];

/// Values of one parameter that are looked at.
const MOST: usize = 1_000;

/// Returns what a call touches, by the names that parameters usually have. A tool whose name does not say that it
/// only looks is taken to change the files it names. What cannot be understood is [`Touch::Unclear`].
pub fn touches(tool: &str, parameters: &Value) -> Vec<Touch> {
    let words = words(tool);
    let named = |known: &[&str]| words.iter().any(|word| known.contains(&word.as_str()));
    let access = if named(&LOOKING) && !named(&CHANGING) { Access::Read } else { Access::Write };
    let mut touches = Vec::new();
    for name in PATHS {
        let access = if WRITTEN.contains(&name) { Access::Write } else { access };
        for text in texts(name, parameters, &mut touches) {
            touches.push(Touch::Path(text, access));
        }
    }
    for name in HOSTS {
        for text in texts(name, parameters, &mut touches) {
            touches.extend(host(name, &text));
        }
    }
    touches
}

/// Splits a name at what is no letter or digit, and where small letters are followed by a capital.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for c in name.chars() {
        let new = !c.is_alphanumeric() || (c.is_uppercase() && before.is_lowercase());
        if new {
            words.push(String::new());
        }
        if c.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(c.to_lowercase());
        }
        before = c;
    }
    words
}

fn texts(name: &str, parameters: &Value, touches: &mut Vec<Touch>) -> Vec<String> {
    let list: &[Value] = match parameters.get(name) {
        Some(Value::Array(list)) => list,
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    if list.len() > MOST {
        touches.push(Touch::Unclear(format!("{name} has more than {MOST} entries")));
        return Vec::new();
    }
    list.iter().filter_map(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned).collect()
}

/// Reads a host out of a URL, `host:port` or a bare host, as clients that follow either of the two standards do;
/// what they may read differently is unclear. A path without a host names none.
fn host(name: &str, text: &str) -> Option<Touch> {
    let unclear = || {
        let shown: String = text.chars().take(80).collect();
        Some(Touch::Unclear(format!("{name} {shown:?} names no host that can be told for sure")))
    };
    if text.starts_with('/') && !text.starts_with("//") && !text.contains('\\') {
        return None;
    }
    let odd = text.chars().any(|c| c.is_whitespace() || c.is_control() || c == '\\' || !c.is_ascii());
    // Anything else than two slashes is mended by some clients and an error, or a path, to others.
    let whole = match text.split_once(':') {
        _ if text.starts_with("//") => format!("https:{text}"),
        Some((_, rest)) if rest.starts_with("//") && !rest.starts_with("///") => text.to_owned(),
        Some((_, rest)) if rest.starts_with('/') || rest.is_empty() => return unclear(),
        _ => format!("https://{text}"),
    };
    let Ok(url) = Url::parse(&whole) else { return unclear() };
    let named = url.host_str().and_then(|host| host.parse::<Host>().ok());
    let authority = whole.split("://").nth(1).and_then(|rest| rest.split(['/', '?', '#']).next());
    let empty_port = authority.is_some_and(|authority| authority.ends_with(':'));
    if odd || empty_port || !url.username().is_empty() || url.password().is_some() {
        return unclear();
    }
    match (named, url.port_or_known_default()) {
        (Some(host), port) => Some(Touch::Host(host, port.unwrap_or(443))),
        (None, _) => unclear(),
    }
}
