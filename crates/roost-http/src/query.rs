use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use roost_core::{Error, Kind};
use serde::de::DeserializeOwned;

use crate::Failure;
use crate::explain::explain;

/// Extracts the query of a URL; 400 naming the parameter for anything that is not what it should be.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        parse(parts.uri.query().unwrap_or("")).map(Self)
    }
}

fn parse<T: DeserializeOwned>(query: &str) -> Result<T, Failure> {
    let pairs = url::form_urlencoded::parse(query.as_bytes());
    serde_path_to_error::deserialize(serde_urlencoded::Deserializer::new(pairs)).map_err(|error| {
        let path = error.path().to_string();
        let message = explain(&path, &error.into_inner().to_string())
            .replace("a known field", "a known query parameter");
        Error::new(Kind::InvalidInput, "invalid_request", message).into()
    })
}

#[cfg(test)]
mod tests;
