//! The reference page: Scalar over `/openapi.json`, with nothing from anywhere else.

use axum::Router;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{Html, IntoResponse};
use axum::routing::get;

use crate::app::App;

const SCALAR: &[u8] = include_bytes!("../assets/scalar-api-reference-1.46.4.js.gz");

const PAGE: &str = include_str!("../assets/docs.html");

const START: &str = include_str!("../assets/docs-start.js");

/// Scripts only of this server and none in the page, no requests to anywhere else, no frames around it. The
/// reference page sets styles of its own, so those are let in.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: \
                      blob:; font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

/// Show the reference of this API
///
/// A page for people; programs read `/openapi.json`.
#[utoipa::path(get, path = "/docs", tag = "server", responses((status = 200, description = "The page.", body = String, content_type = "text/html")))]
pub(crate) async fn page() -> impl IntoResponse {
    let headers = [
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    (headers, Html(PAGE))
}

/// What the page is made of.
pub(crate) fn assets() -> Router<App> {
    let script = |cache: &'static str| -> [(HeaderName, HeaderValue); 3] {
        [
            (header::CONTENT_TYPE, HeaderValue::from_static("text/javascript; charset=utf-8")),
            (header::CACHE_CONTROL, HeaderValue::from_static(cache)),
            (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        ]
    };
    let packed = [(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"))];
    let scalar = async move || (script("public, max-age=31536000, immutable"), packed.clone(), SCALAR);
    let start = async move || (script("no-cache"), START);
    Router::new().route("/docs/scalar-1.46.4.js", get(scalar)).route("/docs/start.js", get(start))
}
