use std::fmt::Display;
use std::str::FromStr;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use roost_core::Error;
use serde::de::DeserializeOwned;

use crate::Failure;

/// Extracts the segments of a path that name things: an id, or a tuple of up to three. A text that can be no such id
/// names nothing, so it is a 404 like an id that nobody has.
pub struct Segment<T>(pub T);

async fn raw<T: DeserializeOwned + Send>(parts: &mut Parts) -> Result<T, Failure> {
    match Path::<T>::from_request_parts(parts, &()).await {
        Ok(Path(value)) => Ok(value),
        Err(rejection) => Err(Error::not_found("such path:", rejection.body_text()).into()),
    }
}

fn parsed<T: FromStr<Err: Display>>(text: &str) -> Result<T, Failure> {
    text.parse()
        .map_err(|error| Error::new(roost_core::Kind::NotFound, "not_found", format!("{error}")).into())
}

impl<T, S> FromRequestParts<S> for Segment<(T,)>
where
    T: FromStr<Err: Display>,
    S: Sync,
{
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let text: String = raw(parts).await?;
        Ok(Self((parsed(&text)?,)))
    }
}

impl<T, U, S> FromRequestParts<S> for Segment<(T, U)>
where
    T: FromStr<Err: Display>,
    U: FromStr<Err: Display>,
    S: Sync,
{
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let (first, second): (String, String) = raw(parts).await?;
        Ok(Self((parsed(&first)?, parsed(&second)?)))
    }
}

impl<T, U, V, S> FromRequestParts<S> for Segment<(T, U, V)>
where
    T: FromStr<Err: Display>,
    U: FromStr<Err: Display>,
    V: FromStr<Err: Display>,
    S: Sync,
{
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let (first, second, third): (String, String, String) = raw(parts).await?;
        Ok(Self((parsed(&first)?, parsed(&second)?, parsed(&third)?)))
    }
}
