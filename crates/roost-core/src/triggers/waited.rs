//! Whether a message from a service is what a trigger waits for.

use serde_json::Value;

use super::HookRequest;

/// The headers in which services name what happened.
const HEADERS: [&str; 8] = [
    "x-github-event",
    "x-gitlab-event",
    "linear-event",
    "x-event-key",
    "x-event-type",
    "x-shopify-topic",
    "x-wc-webhook-topic",
    "x-goog-resource-state",
];

/// Tells whether a message is called as the event that a trigger waits for, `*` being any, and its body has what the
/// filter says.
pub(super) fn is_waited_for(
    request: &HookRequest,
    body: &Value,
    event: &str,
    filter: Option<&Value>,
) -> bool {
    let is_called = |name: &str| {
        match event.split_at_checked(name.len()) {
            Some((same, "")) => same == name,
            // GitHub says `issues` in a header and `opened` in the body.
            Some((same, rest)) => same == name && rest.strip_prefix('.') == body["action"].as_str(),
            None => false,
        }
    };
    let called = event == "*" || names(request, body).any(is_called);
    called && filter.is_none_or(|filter| has(body, filter))
}

/// Returns what a message says that happened: `type` and `event` of its body, the latter also as an object with a `type`.
fn names<'m>(request: &'m HookRequest, body: &'m Value) -> impl Iterator<Item = &'m str> {
    let headers = HEADERS.iter().filter_map(|name| request.header(name));
    let fields = [&body["type"], &body["event"], &body["event"]["type"]];
    headers.chain(fields.into_iter().filter_map(Value::as_str)).filter(|name| !name.is_empty())
}

/// Tells whether a value has all that a filter says: at each path what stands there.
fn has(value: &Value, filter: &Value) -> bool {
    match filter {
        Value::Object(paths) => {
            paths.iter().all(|(path, wanted)| at(value, path).is_some_and(|found| has(found, wanted)))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            value == filter
        }
    }
}

/// Returns what stands at a path, names and places in lists with points between; a name may have points itself.
fn at<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    let step = |value: &'v Value, name: &str| match value {
        Value::Array(list) => list.get(name.parse::<usize>().ok()?),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
            value.get(name)
        }
    };
    step(value, path).or_else(|| path.split('.').try_fold(value, step))
}

#[cfg(test)]
mod tests;
