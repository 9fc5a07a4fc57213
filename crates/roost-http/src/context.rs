use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, header};
use roost_core::{Ctx, Error, Kind};
use roost_domain::secret::Secret;

use crate::Failure;

/// Extracts who asks. Only on routes behind [`crate::Face::guard`].
pub struct Caller(pub Ctx);

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let ctx = parts.extensions.get::<Ctx>().cloned();
        ctx.map(Self).ok_or_else(|| Error::internal("a route asks who calls and is not guarded").into())
    }
}

/// Headers that hold nothing but a key: those of Agento and GoPilot, and that of AgentCop.
const KEYS: [HeaderName; 2] =
    [HeaderName::from_static("x-api-key"), HeaderName::from_static("x-agentcop-key")];

/// Returns the key that a request carries: `X-API-Key` or `X-AgentCop-Key`, else `Authorization: Bearer`.
pub(crate) fn credential(headers: &HeaderMap) -> Result<Secret, Failure> {
    let key = match KEYS.iter().find_map(|name| headers.get(name)) {
        Some(value) => value.to_str().ok().map(str::trim),
        None => headers.get(header::AUTHORIZATION).and_then(|value| bearer(value.to_str().ok()?)),
    };
    match key {
        // No key is longer; what is would only cost time to hash.
        Some(key) if (1..=512).contains(&key.len()) => Ok(Secret::new(key)),
        _ => Err(Error::new(Kind::Unauthenticated, "unauthorized", "Invalid or missing API key").into()),
    }
}

fn bearer(text: &str) -> Option<&str> {
    let (scheme, token) = text.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
