//! What pages have in common: how they look, what browsers may do with them, and that texts stay texts.

use std::fmt::Write as _;

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use roost_core::Error;
use roost_http::Failure;

const STYLES: &str = include_str!("../../assets/pages.css");

/// Nothing but the page, its styles, frames of this server and forms that go back to it.
const POLICY: &str = "default-src 'none'; style-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'";

/// How the pages look.
pub(crate) async fn styles() -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/css; charset=utf-8")),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    (headers, STYLES)
}

/// Writes a text so that it stays one, between tags and in quoted attributes.
pub(super) fn text(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

/// Writes a text of several lines as paragraphs.
pub(super) fn paragraphs(written: &str) -> String {
    let mut html = String::new();
    for part in written.split("\n\n").map(str::trim).filter(|part| !part.is_empty()) {
        // silent-ok: writing to a text cannot fail.
        let _ = writeln!(html, "<p>{}</p>", text(part).replace('\n', "<br>\n"));
    }
    html
}

/// A page: its title as text, its head and body as HTML.
pub(super) struct Page<'a> {
    pub(super) title: &'a str,
    pub(super) head: &'a str,
    pub(super) body: &'a str,
}

impl Page<'_> {
    pub(super) fn response(&self, status: StatusCode) -> Response {
        let Self { title, head, body } = self;
        let html = format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"robots\" content=\"noindex, nofollow\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n<title>{}</title>\n\
             <link rel=\"stylesheet\" href=\"../pages.css\">\n{head}</head>\n<body>\n<main>\n{body}</main>\n</body>\n\
             </html>\n",
            text(title)
        );
        let mut response = (status, Html(html)).into_response();
        response.headers_mut().extend(headers(POLICY));
        response
    }
}

/// Returns the headers of a page that nobody else is to see.
pub(super) fn headers(policy: &'static str) -> [(HeaderName, HeaderValue); 5] {
    [
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy)),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex, nofollow")),
    ]
}

/// Says what went wrong on a page.
pub(super) fn error_page(error: Error) -> Response {
    let failure = Failure::from(error);
    let (title, status) = match failure.status() {
        StatusCode::NOT_FOUND => ("There is nothing here", StatusCode::NOT_FOUND),
        StatusCode::CONFLICT => ("That is not possible any more", StatusCode::CONFLICT),
        status if status.is_server_error() => ("Something went wrong", status),
        status => ("That did not work", status),
    };
    if status.is_server_error() {
        failure.log("a page");
    }
    let body = format!("<h1>{title}</h1>\n<p>{}</p>\n", text(&sentence(failure.message())));
    Page { title, head: "", body: &body }.response(status)
}

/// Makes a sentence of what an error says.
pub(super) fn sentence(message: &str) -> String {
    let mut letters = message.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().collect::<String>()).unwrap_or_default();
    let end = if message.ends_with(['.', '?', '!']) { "" } else { "." };
    format!("{first}{}{end}", letters.as_str())
}
