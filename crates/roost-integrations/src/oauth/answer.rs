//! What token endpoints answer, as `oauth2` reads it.

use std::time::Duration;

use oauth2::basic::BasicTokenType;
use oauth2::{AccessToken, RefreshToken, Scope, TokenResponse};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// An answer with tokens. `mended` has brought it into this shape.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Answer {
    access_token: AccessToken,
    refresh_token: Option<RefreshToken>,
    expires_in: Option<u64>,
    scopes: Option<Vec<Scope>>,
}

impl TokenResponse for Answer {
    type TokenType = BasicTokenType;

    fn access_token(&self) -> &AccessToken {
        &self.access_token
    }

    fn token_type(&self) -> &BasicTokenType {
        &BasicTokenType::Bearer
    }

    fn expires_in(&self) -> Option<Duration> {
        self.expires_in.map(Duration::from_secs)
    }

    fn refresh_token(&self) -> Option<&RefreshToken> {
        self.refresh_token.as_ref()
    }

    fn scopes(&self) -> Option<&Vec<Scope>> {
        self.scopes.as_ref()
    }
}

/// A status and a body that `oauth2` understands.
pub(super) struct Mended {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

/// Brings an answer into the one shape. Services differ: some answer as a form, some leave the token's type out, some
/// write numbers as texts, some divide scopes by commas, and some say no with status 200.
pub(super) fn mended(status: u16, body: Vec<u8>) -> Mended {
    let Some(fields) = fields(&body) else { return Mended { status, body } };
    let text = |name: &str| fields.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let Some(access) = text("access_token").filter(|_| (200..300).contains(&status)) else {
        let status = if (200..300).contains(&status) { 400 } else { status };
        return refusal(status, &fields);
    };
    let number = |value: &Value| match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse::<f64>().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    let seconds =
        fields.get("expires_in").and_then(number).filter(|seconds| *seconds > 0.0 && *seconds < 4e9);
    #[expect(clippy::cast_possible_truncation, reason = "it was bounded in the line above")]
    let seconds = seconds.map(|seconds| seconds as u64);
    let shape = json!({
        "access_token": access,
        "refresh_token": text("refresh_token"),
        "expires_in": seconds,
        "scopes": scopes(fields.get("scope")),
    });
    Mended { status: 200, body: shape.to_string().into_bytes() }
}

fn refusal(status: u16, fields: &Map<String, Value>) -> Mended {
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    let nested = fields.get("error").and_then(|error| error.get("message")).and_then(Value::as_str);
    let code = text("error").or_else(|| text("errorCode")).or_else(|| text("code")).unwrap_or("no_token");
    let detail = text("error_description").or(nested).or_else(|| text("message"));
    let shape = match detail {
        Some(detail) => json!({"error": code, "error_description": detail}),
        None => json!({"error": code}),
    };
    Mended { status, body: shape.to_string().into_bytes() }
}

fn fields(body: &[u8]) -> Option<Map<String, Value>> {
    if let Ok(Value::Object(fields)) = serde_json::from_slice(body) {
        return Some(fields);
    }
    let text = std::str::from_utf8(body).ok()?.trim();
    if !text.contains("access_token=") && !text.starts_with("error=") {
        return None;
    }
    let pairs = url::form_urlencoded::parse(text.as_bytes());
    Some(pairs.map(|(name, value)| (name.into_owned(), Value::String(value.into_owned()))).collect())
}

fn scopes(value: Option<&Value>) -> Option<Vec<String>> {
    match value? {
        Value::String(text) => {
            let all = text.split([' ', ',']).filter(|scope| !scope.is_empty());
            Some(all.map(str::to_owned).collect::<Vec<_>>()).filter(|all| !all.is_empty())
        }
        Value::Array(items) => Some(items.iter().filter_map(Value::as_str).map(str::to_owned).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests;
