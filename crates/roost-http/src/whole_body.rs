use axum::extract::{FromRequest, Request};

use crate::Failure;
use crate::json::whole;

/// Extracts a body as it came, whatever is in it. 413 for one that is too long.
pub struct WholeBody(pub Vec<u8>);

impl<S: Sync> FromRequest<S> for WholeBody {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &S) -> Result<Self, Failure> {
        Ok(Self(whole(request).await?.into()))
    }
}
