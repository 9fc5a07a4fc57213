use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use roost_core::{Error, Kind};
use serde_json::Value;

use crate::Failure;
use crate::json::{is_json, whole};

/// Extracts a document that people write by hand: YAML where the content type says so, else JSON.
///
/// 415 for another content type, 413 for a body that is too long, 400 for what cannot be read. What is in it is
/// for whoever takes it.
pub struct Document(pub Value);

impl<S: Sync> FromRequest<S> for Document {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &S) -> Result<Self, Failure> {
        let yaml = is_yaml(request.headers());
        if !yaml && !is_json(request.headers()) {
            let message = "the body must be YAML or JSON; send the header Content-Type: application/yaml or application/json";
            return Err(Failure::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", message));
        }
        let body = whole(request).await?;
        let wrong =
            |message: String| Failure::from(Error::new(Kind::InvalidInput, "invalid_request", message));
        if body.trim_ascii().is_empty() {
            return Err(wrong("the body is empty; a document is expected".to_owned()));
        }
        if yaml {
            let read = serde_saphyr::from_slice(&body);
            read.map(Self).map_err(|error| wrong(format!("the body is not valid YAML: {error}")))
        } else {
            let read = serde_json::from_slice(&body);
            read.map(Self).map_err(|error| wrong(format!("the body is not valid JSON: {error}")))
        }
    }
}

fn is_yaml(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let essence = value.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    matches!(
        essence.as_str(),
        "application/yaml" | "application/x-yaml" | "text/yaml" | "text/x-yaml" | "text/plain"
    )
}

#[cfg(test)]
mod tests;
