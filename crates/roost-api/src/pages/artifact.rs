use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use roost_http::Segment;

use super::html::{error_page, headers};
use crate::app::App;

/// An artifact is what a model wrote. It runs in an origin of its own that is nobody's, so it reads nothing of this
/// server; and it may load nothing, from here or from elsewhere, so what it is given stays with whoever looks at it.
pub(crate) const ARTIFACT_POLICY: &str = "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; \
     img-src data:; font-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'self'; webrtc 'block'";

/// Shows an artifact by its link.
pub(crate) async fn shown_artifact(
    State(app): State<App>,
    Segment((token,)): Segment<(String,)>,
) -> Response {
    match app.core.artifacts().shown(&token, app.core.now()).await {
        Ok(page) => artifact_page(page),
        Err(error) => error_page(error),
    }
}

/// Returns an artifact as a page that can reach nothing.
pub(crate) fn artifact_page(page: String) -> Response {
    let mut response = (StatusCode::OK, Html(page)).into_response();
    response.headers_mut().extend(headers(ARTIFACT_POLICY));
    response
}
