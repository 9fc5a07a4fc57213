use axum::http::{HeaderMap, HeaderName};

/// The header that names a request, on the way in and on the way out.
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Returns the name that a caller gave the request, if it is one that may stand in a log and a header.
pub(crate) fn given(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get(X_REQUEST_ID)?.to_str().ok().filter(|text| (1..=128).contains(&text.len()))?;
    let sane = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:/+=".contains(&byte);
    text.bytes().all(sane).then_some(text)
}

#[cfg(test)]
mod tests;
