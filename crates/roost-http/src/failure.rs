use std::error::Error as _;
use std::fmt::{self, Write as _};
use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use roost_core::{Error, Kind};

/// Why a request was not done, as every face tells it in its own shape.
///
/// As a response it has only its status; [`crate::Face::finish`] logs it, if it is the server's fault, and writes
/// the body.
#[derive(Debug)]
pub struct Failure {
    status: StatusCode,
    code: &'static str,
    message: String,
    retry_after: Option<Duration>,
    cause: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Failure {
    /// Makes a failure that the core knows nothing of.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), retry_after: None, cause: None }
    }

    /// Makes a 400 that names the field and says what would be right.
    pub fn invalid(field: &str, problem: impl fmt::Display) -> Self {
        Error::invalid(field, problem).into()
    }

    /// Returns the status on every face.
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns the stable code, explained in `docs/errors.md`.
    pub const fn code(&self) -> &'static str {
        self.code
    }

    /// Returns the sentence for people.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns the seconds after which it may help to ask again, rounded up; every 429 has some.
    pub fn retry_after_seconds(&self) -> Option<u64> {
        let seconds = |after: Duration| (after.as_secs() + u64::from(after.subsec_nanos() > 0)).max(1);
        let always = self.status == StatusCode::TOO_MANY_REQUESTS;
        self.retry_after.map(seconds).or(always.then_some(1))
    }

    /// Writes to the log what the caller is not told: once, with the whole chain of causes.
    pub fn log(&self, request_id: &str) {
        let (code, causes) = (self.code, self.causes());
        if self.status == StatusCode::INTERNAL_SERVER_ERROR {
            tracing::error!(request = request_id, code, causes, "the request failed inside the server");
        } else if self.status.is_server_error() {
            tracing::warn!(
                request = request_id,
                code,
                causes,
                "the request could not be served: {}",
                self.message
            );
        } else {
            tracing::debug!(request = request_id, code, causes, "the request was refused: {}", self.message);
        }
    }

    fn causes(&self) -> String {
        let Some(cause) = &self.cause else { return String::new() };
        let mut text = cause.to_string();
        let mut next = cause.source();
        while let Some(cause) = next {
            // silent-ok: writing to a text cannot fail.
            let _ = write!(text, ": {cause}");
            next = cause.source();
        }
        text
    }
}

/// Returns the status that a kind of error has on every face.
const fn status(kind: Kind) -> StatusCode {
    match kind {
        Kind::InvalidInput => StatusCode::BAD_REQUEST,
        Kind::Unauthenticated => StatusCode::UNAUTHORIZED,
        // A used-up plan or bound does not come back by waiting, so it is no 429.
        Kind::Forbidden | Kind::ApprovalRequired | Kind::QuotaExceeded => StatusCode::FORBIDDEN,
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::AlreadyExists | Kind::Conflict | Kind::InvalidState | Kind::Cancelled => StatusCode::CONFLICT,
        Kind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Kind::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Kind::Timeout => StatusCode::GATEWAY_TIMEOUT,
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self {
            status: status(error.kind()),
            code: error.code(),
            message: error.public().to_owned(),
            retry_after: error.after(),
            cause: error.source().is_some().then(|| Box::new(error) as _),
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}

#[cfg(test)]
mod tests;
