use axum::extract::{DefaultBodyLimit, FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use roost_core::{Error, Kind};
use serde::de::DeserializeOwned;

use crate::Failure;
use crate::explain::explain;
use crate::face::BodyLimit;

/// Where no guard says otherwise.
const DEFAULT_LIMIT: usize = 1 << 20;

/// Extracts a body of JSON.
///
/// 415 for another content type (none at all is taken for JSON), 413 for a body that is too long, 400 naming the
/// field for anything that is not what it should be.
pub struct Json<T>(pub T);

/// Extracts a body of JSON that may be left out: then it is what `{}` would be.
pub struct OptionalJson<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for Json<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &S) -> Result<Self, Failure> {
        parse(&body(request).await?).map(Self)
    }
}

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for OptionalJson<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &S) -> Result<Self, Failure> {
        let body = body(request).await?;
        parse(if body.trim_ascii().is_empty() { b"{}" } else { &body }).map(Self)
    }
}

/// Lets a request's body be longer than the face's limit says, for routes that take files.
pub fn allow_body(request: &mut Request, limit: usize) {
    request.extensions_mut().insert(BodyLimit(limit));
    DefaultBodyLimit::max(limit).apply(request);
}

async fn body(request: Request) -> Result<axum::body::Bytes, Failure> {
    if !is_json(request.headers()) {
        let message = "the body must be JSON; send the header Content-Type: application/json";
        return Err(Failure::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", message));
    }
    whole(request).await
}

/// Reads a body up to the face's limit, whatever is in it.
pub(crate) async fn whole(request: Request) -> Result<axum::body::Bytes, Failure> {
    let limit = request.extensions().get::<BodyLimit>().map_or(DEFAULT_LIMIT, |limit| limit.0);
    let announced =
        request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: u64| length > limit as u64) {
        return Err(too_long(limit));
    }
    // What is longer than announced, or not announced at all, ends here too.
    axum::body::to_bytes(request.into_body(), limit).await.map_err(|error| {
        let long = std::error::Error::source(&error)
            .is_some_and(|source| source.is::<http_body_util::LengthLimitError>());
        if long {
            too_long(limit)
        } else {
            Failure::new(StatusCode::BAD_REQUEST, "invalid_request", "the body broke off")
        }
    })
}

pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return true };
    let essence = value.to_str().unwrap_or("").split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

fn too_long(limit: usize) -> Failure {
    let message = format!("the body has more than {limit} bytes");
    Failure::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", message)
}

/// Reads JSON and says what is wrong with it.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Failure> {
    let wrong = |message: String| Failure::from(Error::new(Kind::InvalidInput, "invalid_request", message));
    if bytes.trim_ascii().is_empty() {
        return Err(wrong("the body is empty; a JSON object is expected".to_owned()));
    }
    if bytes.trim_ascii_start().starts_with(b"[") {
        // Serde would take a list for an object whose fields are in order.
        return Err(wrong("the body is a list; it must be an object".to_owned()));
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        if inner.is_data() {
            wrong(explain(&path, &inner.to_string()))
        } else {
            wrong(format!("the body is not valid JSON: {inner}"))
        }
    })?;
    json.end().map_err(|error| wrong(format!("the body is not valid JSON: {error}")))?;
    Ok(value)
}
