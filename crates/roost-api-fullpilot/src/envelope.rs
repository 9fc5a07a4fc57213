//! What every answer is wrapped in.

use roost_domain::page::Limit;
use roost_http::Failure;
use serde::Serialize;
use serde_json::{Value, json};

/// A whole answer.
#[derive(Serialize)]
pub(crate) struct Success<T> {
    success: bool,
    pub(crate) data: T,
}

/// A page of a list.
#[derive(Serialize)]
pub(crate) struct Page<T> {
    success: bool,
    data: Vec<T>,
    pagination: Pagination,
}

#[derive(Serialize)]
struct Pagination {
    page: u64,
    limit: u32,
    total: u64,
    total_pages: u64,
}

/// Which page of a list is asked for.
#[derive(Clone, Copy)]
pub(crate) struct Wanted {
    pub(crate) page: u64,
    pub(crate) limit: Limit,
}

impl<T> Success<T> {
    pub(crate) const fn new(data: T) -> Self {
        Self { success: true, data }
    }
}

impl<T> Page<T> {
    pub(crate) fn new(wanted: Wanted, total: u64, data: Vec<T>) -> Self {
        let limit = wanted.limit.get();
        let total_pages = total.div_ceil(u64::from(limit));
        Self { success: true, data, pagination: Pagination { page: wanted.page, limit, total, total_pages } }
    }
}

impl Wanted {
    /// Reads `page` and `limit`, which are 1 and 10 where nothing is said.
    pub(crate) fn read(page: Option<u64>, limit: Option<u32>) -> Result<Self, Failure> {
        const MOST: u32 = 100;
        let (page, limit) = (page.unwrap_or(1), limit.unwrap_or(10));
        if page == 0 || page > 1_000_000 {
            return Err(Failure::invalid("page", "must be from 1 to 1000000"));
        }
        if !(1..=MOST).contains(&limit) {
            return Err(Failure::invalid("limit", format!("must be from 1 to {MOST}")));
        }
        Ok(Self { page, limit: Limit::clamped(limit, MOST) })
    }

    /// Returns how many rows come before the page.
    pub(crate) const fn skip(self) -> u64 {
        (self.page - 1) * self.limit.get() as u64
    }
}

/// Shapes an error.
pub(crate) fn error_body(failure: &Failure) -> Value {
    json!({"success": false, "error": {"code": failure.code(), "message": failure.message()}})
}
