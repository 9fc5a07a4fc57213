//! Puts secrets into the headers of a request that may carry them, and takes them out of what comes back.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use roost_domain::secret::{fill, placeholder, placeholders};
use roost_ports::tool::{Added, Injections};

use super::Hop;
use crate::workspace::Failed;

/// Returns the names of the secrets that headers have placeholders of, each once.
pub(super) fn named(headers: &HeaderMap) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for value in headers.values().filter_map(|value| value.to_str().ok()) {
        for name in placeholders(value) {
            if names.iter().all(|known| known != name) {
                names.push(name.to_owned());
            }
        }
    }
    names
}

/// Returns a request as it is sent: with the secrets that were given out for exactly its place.
///
/// # Errors
///
/// [`Failed`] if one was not given out for it, or cannot stand in a header.
pub(super) fn filled(hop: &Hop, secrets: &Injections) -> Result<Hop, Failed> {
    let names = named(&hop.headers);
    let mut sent = hop.clone();
    if covers(hop, secrets) {
        add(&mut sent, secrets)?;
    }
    if names.is_empty() {
        return Ok(sent);
    }
    if !covers(hop, secrets) {
        return Err(Failed(format!("the secret {} was not given out for this request", names[0])));
    }
    for (header, value) in &mut sent.headers {
        let Ok(text) = value.to_str() else { continue };
        // What the server added has no placeholders to fill, whatever it looks like.
        if placeholders(text).is_empty() || !hop.headers.contains_key(header) {
            continue;
        }
        let filled = fill(text, |name| secrets.value(name))
            .map_err(|name| Failed(format!("the secret {name} was not given out for this request")))?;
        let mut filled = HeaderValue::from_str(filled.expose()).map_err(|_| {
            Failed(format!("a secret in the header {header} has characters that no header can hold"))
        })?;
        filled.set_sensitive(true);
        *value = filled;
    }
    Ok(sent)
}

/// Puts in what the server adds.
fn add(sent: &mut Hop, secrets: &Injections) -> Result<(), Failed> {
    let bad =
        |name: &str| Failed(format!("the credential cannot stand in {name}; it has to be connected again"));
    for added in secrets.added() {
        match added {
            Added::Header { name, value } => {
                let mut held = HeaderValue::from_str(value.expose()).map_err(|_| bad(name))?;
                held.set_sensitive(true);
                sent.headers.insert(HeaderName::try_from(name.as_str()).map_err(|_| bad(name))?, held);
            }
            Added::Query { name, value } => {
                sent.target.url.query_pairs_mut().append_pair(name, value.expose());
            }
        }
    }
    Ok(())
}

/// Tells whether the server put a secret into a request to this place.
pub(super) fn carries(hop: &Hop, secrets: &Injections) -> bool {
    !named(&hop.headers).is_empty() || (!secrets.added().is_empty() && covers(hop, secrets))
}

/// Tells whether a request may carry the secrets that it has placeholders of, and what the server adds; one without
/// any may go anywhere.
pub(super) fn may_carry(hop: &Hop, secrets: &Injections) -> bool {
    (named(&hop.headers).is_empty() && secrets.added().is_empty()) || covers(hop, secrets)
}

fn covers(hop: &Hop, secrets: &Injections) -> bool {
    secrets.cover(&hop.target.host, hop.target.port, hop.method.as_str())
}

/// Puts placeholders where a text has values: as they are, and as URLs, JSON, HTML and base64 write them.
pub(super) fn scrubbed(mut text: String, secrets: &Injections) -> String {
    for (name, value) in secrets.values() {
        for form in forms(value.expose()) {
            if text.contains(&form) {
                text = text.replace(&form, &placeholder(name));
            }
        }
    }
    text
}

/// Takes the beginning of a value off the end of a body that is cut there.
pub(super) fn trim(content: &mut Vec<u8>, secrets: &Injections) {
    for (_, value) in secrets.values() {
        for form in forms(value.expose()) {
            let form = form.as_bytes();
            let longest = form.len().saturating_sub(1).min(content.len());
            if let Some(length) = (1..=longest).rev().find(|length| content.ends_with(&form[..*length])) {
                content.truncate(content.len() - length);
            }
        }
    }
}

fn forms(value: &str) -> Vec<String> {
    // Whoever gets a value with spaces around it may give it back without.
    let mut forms: Vec<String> = [value, value.trim()].into_iter().flat_map(written).collect();
    forms.retain(|form| !form.is_empty());
    // The longest first, so that no part of one is left.
    forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
    forms.dedup();
    forms
}

/// Returns how others write a value.
fn written(value: &str) -> Vec<String> {
    let json = serde_json::Value::from(value).to_string();
    let json = json.trim_start_matches('"').trim_end_matches('"');
    let url: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
    let html = value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    vec![
        value.to_owned(),
        json.to_owned(),
        json.replace('/', "\\/"),
        url.replace('+', "%20"),
        lower_escapes(&url),
        lower_escapes(&url.replace('+', "%20")),
        url,
        html.replace('"', "&quot;").replace('\'', "&#39;"),
        html.replace('"', "&#34;").replace('\'', "&#x27;"),
        html,
        STANDARD.encode(value),
        STANDARD_NO_PAD.encode(value),
        URL_SAFE.encode(value),
        URL_SAFE_NO_PAD.encode(value),
    ]
}

/// Writes the digits of percent escapes in lower case.
fn lower_escapes(url: &str) -> String {
    let mut parts = url.split('%');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let (digits, rest) = part.split_at(part.len().min(2));
        format!("{text}%{}{rest}", digits.to_ascii_lowercase())
    })
}
