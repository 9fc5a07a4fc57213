use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, Method, header};
use tower_http::cors::{AllowOrigin, CorsLayer};

/// Which web pages of other origins may call, and read what is answered. Credentials are never allowed: a key is
/// sent by the page itself, never by the browser.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Cors {
    /// None; the default.
    #[default]
    Off,
    /// Every page.
    Any,
    /// Pages of these origins.
    Origins(Vec<HeaderValue>),
}

/// A text that is no origin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an origin; write scheme and host, for example https://app.example.com, or * for all")]
pub struct InvalidOrigin(pub String);

impl Cors {
    /// Reads a list of origins; an empty list is [`Cors::Off`], a `*` in it [`Cors::Any`].
    ///
    /// # Errors
    ///
    /// [`InvalidOrigin`] for the first that is neither `*` nor an origin.
    pub fn from_list<T: AsRef<str>>(origins: &[T]) -> Result<Self, InvalidOrigin> {
        if origins.is_empty() {
            return Ok(Self::Off);
        }
        if origins.iter().any(|origin| origin.as_ref() == "*") {
            return Ok(Self::Any);
        }
        let read = |text: &str| {
            let invalid = || InvalidOrigin(text.to_owned());
            let url = url::Url::parse(text).map_err(|_| invalid())?;
            if url.origin().ascii_serialization() != text {
                return Err(invalid());
            }
            HeaderValue::from_str(text).map_err(|_| invalid())
        };
        origins.iter().map(|origin| read(origin.as_ref())).collect::<Result<_, _>>().map(Self::Origins)
    }

    pub(crate) fn layer(&self) -> Option<CorsLayer> {
        let origins = match self {
            Self::Off => return None,
            Self::Any => AllowOrigin::any(),
            Self::Origins(origins) => AllowOrigin::list(origins.clone()),
        };
        let name = HeaderName::from_static;
        Some(
            CorsLayer::new()
                .allow_origin(origins)
                .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
                .allow_headers([
                    header::AUTHORIZATION,
                    header::CONTENT_TYPE,
                    name("last-event-id"),
                    name("x-api-key"),
                    name("x-request-id"),
                ])
                .expose_headers([
                    header::RETRY_AFTER,
                    name("x-ratelimit-limit"),
                    name("x-ratelimit-remaining"),
                    name("x-ratelimit-reset"),
                    name("x-request-id"),
                ])
                .max_age(Duration::from_secs(3_600)),
        )
    }
}
