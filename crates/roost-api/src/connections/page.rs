//! Small pages for people: no script, nothing from anywhere else, no frame around them.

use std::fmt::Write as _;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use roost_core::LinkView;
use roost_http::Failure;

/// A form may lead on to the service, over https, or to one on this machine.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'; \
                      form-action 'self' https: http://127.0.0.1:* http://localhost:*";

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:4rem auto;padding:0 1rem;\
                     color:#1a1a1a;background:#fff}h1{font-size:1.4rem}label{display:block;margin:1rem 0 .25rem}\
                     input{width:100%;box-sizing:border-box;font:inherit;padding:.5rem;border:1px solid #767676;\
                     border-radius:.3rem}button{margin-top:1.5rem;font:inherit;padding:.6rem 1.2rem;border:0;\
                     border-radius:.3rem;background:#1a4fb4;color:#fff;cursor:pointer}small{color:#555}\
                     @media(prefers-color-scheme:dark){body{background:#161616;color:#eee}small{color:#aaa}\
                     input{background:#222;color:#eee}}";

pub(super) fn page(status: StatusCode, title: &str, body: &str) -> Response {
    let title = escaped(title);
    let html = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\"><meta name=\"robots\" content=\"noindex\"><title>{title}</title>\
         <style>{STYLE}</style></head><body><main><h1>{title}</h1>{body}</main></body></html>\n"
    );
    let headers = [
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (status, headers, Html(html)).into_response()
}

/// Says what went wrong, with the code that `docs/errors.md` explains.
pub(super) fn problem(failure: &Failure) -> Response {
    let told = if failure.status().is_server_error() && failure.code() == "internal" {
        "Something went wrong inside the server; its log says what.".to_owned()
    } else {
        sentence(failure.message())
    };
    let body = format!("<p>{}</p><p><small>{}</small></p>", escaped(&told), escaped(failure.code()));
    page(failure.status(), "Not connected", &body)
}

/// Asks whether an agent is to be connected.
pub(super) fn ask(view: &LinkView) -> Response {
    let (agent, service) = (escaped(&view.agent_name), escaped(&view.title));
    let mut body = format!("<p>The agent <b>{agent}</b> asks to use <b>{service}</b> in your name.</p>");
    if view.connected {
        body.push_str("<p>It is connected already; you can connect it anew.</p>");
    }
    body.push_str("<form method=\"post\">");
    for (name, meaning) in &view.fields {
        let (name, meaning) = (escaped(name), escaped(meaning));
        let _ = write!(
            body,
            "<label for=\"field-{name}\">{meaning}</label><input id=\"field-{name}\" name=\"field.{name}\" required \
             autocomplete=\"off\">"
        );
    }
    let button = if view.by_key {
        let _ = write!(
            body,
            "<label for=\"key\">Your key at {service}</label><input id=\"key\" name=\"key\" type=\"password\" required \
             minlength=\"8\" autocomplete=\"off\"><small>For a name and a password, write name:password.</small><br>"
        );
        "Connect".to_owned()
    } else {
        format!("Go to {service}")
    };
    let _ = write!(body, "<button type=\"submit\">{button}</button></form>");
    page(StatusCode::OK, &format!("Connect {}", view.title), &body)
}

/// Says that an agent is connected.
pub(super) fn connected(agent: &str, service: &str, ready: bool) -> Response {
    let (agent, name) = (escaped(agent), escaped(service));
    let more = if ready { "It has all that it needs." } else { "It still needs other services." };
    let body = format!(
        "<p>The agent <b>{agent}</b> can use <b>{name}</b> now. {more}</p><p>You can close this page.</p>"
    );
    page(StatusCode::OK, &format!("Connected to {service}"), &body)
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().collect::<String>()).unwrap_or_default();
    let text = format!("{first}{}", letters.as_str());
    if text.ends_with(['.', '!', '?']) { text } else { format!("{text}.") }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

#[cfg(test)]
mod tests;
