use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use roost_core::ArtifactContent;
use roost_domain::artifact::page;
use roost_http::Segment;

use super::html::{Page, error_page, headers, text};
use crate::app::App;

/// An artifact is what a model wrote. It runs in an origin of its own that is nobody's, so it reads nothing of this
/// server; and it may load nothing, from here or from elsewhere, so what it is given stays with whoever looks at it.
pub(crate) const ARTIFACT_POLICY: &str = "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; \
     img-src data:; font-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'self'; webrtc 'block'";

/// Shows an artifact by its link: in a frame, since what is looked at by itself could take whoever looks elsewhere, and
/// what it was given with them. A frame goes nowhere but where the page around it lets it.
pub(crate) async fn shown_artifact(
    State(app): State<App>,
    Segment((token,)): Segment<(String,)>,
) -> Response {
    match app.core.artifacts().shown(&token, app.core.now()).await {
        Ok(ArtifactContent { artifact, .. }) => {
            let title = artifact.title;
            let body = format!(
                "<iframe class=\"whole\" src=\"{}/raw\" title=\"{}\" sandbox=\"allow-scripts\" \
                 referrerpolicy=\"no-referrer\"></iframe>\n",
                text(&token),
                text(&title)
            );
            Page { title: &title, head: "", body: &body }.response(StatusCode::OK)
        }
        Err(error) => error_page(error),
    }
}

/// Returns an artifact for a frame; anybody else saves it.
pub(crate) async fn raw_artifact(
    State(app): State<App>,
    Segment((token,)): Segment<(String,)>,
    sent: HeaderMap,
) -> Response {
    let mut response = match app.core.artifacts().shown(&token, app.core.now()).await {
        Ok(ArtifactContent { artifact, content }) => {
            artifact_page(page(&artifact.title, artifact.kind, &content))
        }
        Err(error) => return error_page(error),
    };
    let vary = (header::VARY, HeaderValue::from_static("sec-fetch-dest"));
    response.headers_mut().extend([vary]);
    if sent.get("sec-fetch-dest").is_none_or(|target| target != "iframe") {
        let saved = HeaderValue::from_static("attachment; filename=\"artifact.html\"");
        response.headers_mut().insert(header::CONTENT_DISPOSITION, saved);
    }
    response
}

/// Returns an artifact as a page that can reach nothing.
pub(crate) fn artifact_page(page: String) -> Response {
    let mut response = (StatusCode::OK, Html(page)).into_response();
    response.headers_mut().extend(headers(ARTIFACT_POLICY));
    response
}
