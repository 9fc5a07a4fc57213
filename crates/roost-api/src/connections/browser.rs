//! What a person's browser asks for without a key: the answer of a service, and links to connect an agent.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use roost_core::{Answer, Begun};
use roost_domain::secret::Secret;
use roost_http::Failure;

use super::page;
use crate::app::App;

/// The longest form that is read.
const FORM_MAX: usize = 32 * 1024;

/// How long a person has at the service, for their browser's cookie.
const PATIENCE_SECONDS: u32 = 15 * 60;

/// Returns the cookies of a request, whichever headers they stand in.
fn cookies(headers: &HeaderMap) -> String {
    let all: Vec<&str> = headers.get_all(header::COOKIE).iter().filter_map(|one| one.to_str().ok()).collect();
    all.join("; ")
}

fn read_form(bytes: &[u8]) -> BTreeMap<String, String> {
    // silent-ok: what is no form has no fields, and those that are needed are asked for.
    serde_urlencoded::from_bytes::<Vec<(String, String)>>(bytes).unwrap_or_default().into_iter().collect()
}

/// Take a service's answer
///
/// Services send people back here after they gave leave to connect an agent, or did not. An answer counts once, within a
/// quarter of an hour. One that a person began by a link has to come from the browser in which they began. Shows a page.
#[utoipa::path(
    get, path = "/oauth/callback", tag = "integrations", operation_id = "oauth_callback",
    params(
        ("state" = Option<String>, Query, description = "What the person was sent there with."),
        ("code" = Option<String>, Query, description = "What becomes a token."),
        ("error" = Option<String>, Query, description = "Why there is none."),
        ("error_description" = Option<String>, Query, description = "What the service says about it."),
        ("iss" = Option<String>, Query, description = "Who the service says that it is."),
    ),
    responses((status = 200, description = "A page.", body = String, content_type = "text/html")),
)]
pub(crate) async fn callback(
    State(app): State<App>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let mut fields = read_form(query.unwrap_or_default().as_bytes());
    let answer = Answer {
        state: fields.remove("state"),
        code: fields.remove("code").filter(|code| !code.is_empty()).map(Secret::new),
        error: fields.remove("error").filter(|error| !error.is_empty()),
        error_description: fields.remove("error_description"),
        issuer: fields.remove("iss"),
        cookies: cookies(&headers),
    };
    match app.core.connections().finish(answer).await {
        Ok(finished) => page::connected(&finished.agent_name, &finished.title, finished.ready),
        Err(error) => page::problem(&Failure::from(error)),
    }
}

/// Open a connection link
///
/// Shows which agent asks for what, and a button.
#[utoipa::path(
    get, path = "/connect/{token}", tag = "integrations", operation_id = "open_link",
    params(("token" = String, Path, description = "What the link has.")),
    responses((status = 200, description = "A page.", body = String, content_type = "text/html")),
)]
pub(crate) async fn open_link(State(app): State<App>, Path(token): Path<String>) -> Response {
    match app.core.connections().open(&token).await {
        Ok(view) => page::ask(&view),
        Err(error) => page::problem(&Failure::from(error)),
    }
}

/// Follow a connection link
///
/// Sends the person to the service, or takes the key that they wrote.
#[utoipa::path(
    post, path = "/connect/{token}", tag = "integrations", operation_id = "follow_link",
    params(("token" = String, Path, description = "What the link has.")),
    request_body(content = String, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "A page.", body = String, content_type = "text/html"),
        (status = 303, description = "To the service."),
    ),
)]
pub(crate) async fn follow_link(State(app): State<App>, Path(token): Path<String>, body: Bytes) -> Response {
    if body.len() > FORM_MAX {
        return page::problem(&Failure::invalid("the form", "is too long"));
    }
    let mut form = read_form(&body);
    let key = form.remove("key").map(Secret::new);
    let named = |(name, value): (String, String)| Some((name.strip_prefix("field.")?.to_owned(), value));
    let fields: BTreeMap<String, String> = form.into_iter().filter_map(named).collect();
    let connections = app.core.connections();
    let Some(key) = key else {
        return match connections.follow(&token, fields).await {
            Ok(begun) => onward(&begun),
            Err(error) => page::problem(&Failure::from(error)),
        };
    };
    match connections.follow_with_key(&token, key, fields).await {
        Ok(followed) => page::connected(&followed.agent_name, &followed.title, followed.ready),
        Err(error) => page::problem(&Failure::from(error)),
    }
}

fn onward(begun: &Begun) -> Response {
    let secure = if begun.proof.secure { "; Secure" } else { "" };
    let proof = &begun.proof;
    let cookie = format!(
        "{}={}; Path=/; Max-Age={PATIENCE_SECONDS}; HttpOnly; SameSite=Lax{secure}",
        proof.name, proof.value
    );
    let (Ok(location), Ok(cookie)) =
        (HeaderValue::from_str(&begun.started.url), HeaderValue::from_str(&cookie))
    else {
        return page::problem(&Failure::invalid("the service's address", "cannot be gone to"));
    };
    let headers = [
        (header::SET_COOKIE, cookie),
        (header::LOCATION, location),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (StatusCode::SEE_OTHER, headers).into_response()
}
