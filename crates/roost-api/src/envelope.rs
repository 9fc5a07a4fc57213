//! What every answer is wrapped in.

use axum::http::StatusCode;
use roost_domain::page::Limit;
use roost_http::Failure;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

/// A whole answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Data<T> {
    pub(crate) data: T,
}

/// A part of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Listed<T> {
    pub(crate) data: Vec<T>,
    pub(crate) pagination: Pagination,
}

/// Which part of a list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Pagination {
    /// How many there are in all, under the same filters.
    total: u64,
    /// How many this part may hold.
    limit: u32,
    /// How many come before this part; 0 where the list goes on by cursor.
    offset: u64,
    /// Send this as `cursor` for the next part; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

impl Pagination {
    pub(crate) const fn new(total: u64, limit: Limit, next_cursor: Option<String>) -> Self {
        Self { total, limit: limit.get(), offset: 0, next_cursor }
    }

    /// A part of a list that has pages.
    pub(crate) const fn after(total: u64, limit: Limit, offset: u64) -> Self {
        Self { total, limit: limit.get(), offset, next_cursor: None }
    }
}

/// What went wrong.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ErrorBody {
    error: ErrorDetails,
}

/// What went wrong.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ErrorDetails {
    /// The class of the status: `invalid_request_error`, `authentication_error`, `authorization_error`,
    /// `not_found_error`, `rate_limit_error`, `server_error`.
    r#type: &'static str,
    /// Stable, for programs; `docs/errors.md` explains each.
    code: String,
    /// For people: what was wrong and what would be right.
    message: String,
}

/// Shapes an error so that readers of Agento's (`code`, `message`) and of GoPilot's (`type` too) find what they
/// look for.
pub(crate) fn error_body(failure: &Failure) -> Value {
    let kind = match failure.status() {
        StatusCode::UNAUTHORIZED => "authentication_error",
        StatusCode::FORBIDDEN => "authorization_error",
        StatusCode::NOT_FOUND => "not_found_error",
        StatusCode::TOO_MANY_REQUESTS => "rate_limit_error",
        status if status.is_server_error() => "server_error",
        _ => "invalid_request_error",
    };
    let error =
        ErrorDetails { r#type: kind, code: failure.code().to_owned(), message: failure.message().to_owned() };
    json!(ErrorBody { error })
}
