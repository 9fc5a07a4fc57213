//! What a run is told of the message that began it.

use roost_domain::secret::Secret;
use serde_json::{Map, Value, json};

use super::HookRequest;
use crate::{Error, Kind};

/// The headers that a run sees: what says what happened, and nothing that lets anybody in.
const HEADERS: [&str; 26] = [
    "content-type",
    "idempotency-key",
    "linear-delivery",
    "linear-event",
    "svix-id",
    "svix-timestamp",
    "user-agent",
    "webhook-id",
    "webhook-timestamp",
    "x-event-key",
    "x-event-type",
    "x-github-delivery",
    "x-github-event",
    "x-github-hook-id",
    "x-gitlab-event",
    "x-gitlab-event-uuid",
    "x-gitlab-instance",
    "x-goog-channel-id",
    "x-goog-resource-state",
    "x-hook-uuid",
    "x-request-id",
    "x-shopify-shop-domain",
    "x-shopify-topic",
    "x-slack-request-timestamp",
    "x-slack-retry-num",
    "x-wc-webhook-topic",
];

/// Returns the event of a message: `{type, method, query, headers, body}`.
///
/// # Errors
///
/// `InvalidInput` for a body that is not what it says it is.
pub(super) fn event(request: &HookRequest) -> Result<Value, Error> {
    let headers: Map<_, _> = HEADERS
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), Value::from(request.header(name)?))))
        .collect();
    Ok(json!({
        "type": "webhook",
        "method": request.method,
        "query": form(request.query.as_bytes()),
        "headers": headers,
        "body": body(request)?,
    }))
}

fn body(request: &HookRequest) -> Result<Value, Error> {
    let kind = request.header("content-type").unwrap_or_default().split(';').next().unwrap_or_default();
    let kind = kind.trim().to_ascii_lowercase();
    if request.body.is_empty() {
        return Ok(Value::Null);
    }
    if kind == "application/x-www-form-urlencoded" {
        // A client that says nothing of the type of its JSON says this: curl.
        return Ok(request.json().unwrap_or_else(|| form(&request.body)));
    }
    let json = serde_json::from_slice(&request.body);
    match json {
        Ok(json) => Ok(json),
        Err(error) if kind == "application/json" || kind.ends_with("+json") => {
            Err(Error::invalid("the body", format!("says that it is JSON and is not: {error}")))
        }
        Err(_) => match std::str::from_utf8(&request.body) {
            Ok(text) => Ok(Value::from(text)),
            Err(_) => Err(Error::new(
                Kind::InvalidInput,
                "invalid_request",
                "the body must be JSON, a form or text in UTF-8",
            )),
        },
    }
}

/// Reads a form; what is named several times is a list.
fn form(text: &[u8]) -> Value {
    let mut fields = Map::new();
    for (name, value) in url::form_urlencoded::parse(text) {
        let value = Value::from(value.into_owned());
        match fields.get_mut(&*name) {
            None => drop(fields.insert(name.into_owned(), value)),
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = Value::from(vec![first.take(), value]),
        }
    }
    Value::Object(fields)
}

/// What a service is answered that wants to know whether somebody is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Challenge {
    /// A text.
    Text(String),
    /// An object.
    Json(Value),
}

/// Returns the answer to a question whether somebody is there, if a request is one. `is_signed` tells whether somebody
/// vouches for it.
///
/// Only what was sent is sent back. Questions that want something signed (Zoom, X) are not answered: whoever asks them
/// could have anything signed that is then taken for the service's own.
///
/// **Source:** Slack, "`url_verification` event"; Meta, "Webhooks: verification requests"; Dropbox, "Webhooks: the
/// verification request"; Microsoft Graph, "Notification endpoint validation"; Okta, "One-time verification request".
pub(super) fn challenge(request: &HookRequest, secrets: &[Secret], is_signed: bool) -> Option<Challenge> {
    let short = |text: String| (text.len() <= 1_000).then_some(text);
    if request.method == "POST" {
        if let Some(token) = request.parameter("validationToken") {
            return short(token).map(Challenge::Text);
        }
        let json = request.json().filter(|json| json["type"] == "url_verification" && is_signed)?;
        return short(json["challenge"].as_str()?.to_owned()).map(Challenge::Text);
    }
    if let Some(token) = request.parameter("hub.verify_token") {
        let is_theirs = secrets.iter().any(|secret| super::signature::is_same(&token, secret.expose()));
        let text = request.parameter("hub.challenge").filter(|_| is_theirs)?;
        return short(text).map(Challenge::Text);
    }
    if let Some(text) = request.header("x-okta-verification-challenge") {
        return short(text.to_owned()).map(|text| Challenge::Json(json!({"verification": text})));
    }
    short(request.parameter("challenge")?).map(Challenge::Text)
}

#[cfg(test)]
mod tests;
