//! Reads an answer, at most so much of it and at most so long, and writes it down for the model.

use encoding_rs::{Encoding, UTF_8};
use reqwest::Response;
use reqwest::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName};
use roost_domain::unit::Bytes;
use roost_ports::tool::Injections;
use tokio::time::{Instant, timeout_at};

use super::client::causes;
use super::secrets::{scrubbed, trim};
use crate::text::is_binary;
use crate::workspace::Failed;

/// The most of a body that is read.
const BODY_CAP: usize = 256 * 1024;

/// The most of one header's value that is shown.
const VALUE_MAX: usize = 2048;

/// Headers that tell a model something. Cookies and the like are not among them.
const SHOWN: [&str; 18] = [
    "content-type",
    "content-length",
    "content-encoding",
    "content-disposition",
    "content-language",
    "content-range",
    "location",
    "allow",
    "etag",
    "last-modified",
    "date",
    "link",
    "retry-after",
    "www-authenticate",
    "x-request-id",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
];

/// Reads the body until the deadline and returns the answer as text.
///
/// # Errors
///
/// [`Failed`] with what had come if the body breaks off or is too slow.
pub(super) async fn read(
    response: Response,
    deadline: Instant,
    notes: &[String],
    secrets: &Injections,
) -> Result<String, Failed> {
    let mut text = head(&response, notes, secrets);
    let headers = response.headers().clone();
    let (mut content, end) = read_body(response, deadline).await;
    if !matches!(end, End::Whole) {
        trim(&mut content, secrets);
    }
    text.push_str(&body(&headers, &content, &end));
    match end {
        End::Whole | End::Capped => Ok(text),
        End::TooSlow | End::Broken(_) => Err(Failed(text)),
    }
}

fn head(response: &Response, notes: &[String], secrets: &Injections) -> String {
    let mut text = String::new();
    for note in notes {
        text.push_str(&format!("[{note}]\n"));
    }
    text.push_str(&format!("HTTP {}\n", response.status()));
    for name in SHOWN {
        for value in response.headers().get_all(HeaderName::from_static(name)) {
            // Before it is cut: what is left of a value would not be known for one.
            let value = scrubbed(String::from_utf8_lossy(value.as_bytes()).into_owned(), secrets);
            let end = value.floor_char_boundary(VALUE_MAX);
            text.push_str(&format!(
                "{name}: {}{}\n",
                &value[..end],
                if end < value.len() { "…" } else { "" }
            ));
        }
    }
    text
}

/// How the reading of a body ended.
enum End {
    Whole,
    Capped,
    TooSlow,
    Broken(String),
}

async fn read_body(mut response: Response, deadline: Instant) -> (Vec<u8>, End) {
    let mut content = Vec::new();
    loop {
        let chunk = match timeout_at(deadline, response.chunk()).await {
            Err(_) => return (content, End::TooSlow),
            Ok(Err(error)) => return (content, End::Broken(causes(error))),
            Ok(Ok(None)) => return (content, End::Whole),
            Ok(Ok(Some(chunk))) => chunk,
        };
        let room = BODY_CAP - content.len();
        content.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if chunk.len() > room {
            return (content, End::Capped);
        }
    }
}

fn body(headers: &HeaderMap, content: &[u8], end: &End) -> String {
    let size = Bytes(content.len() as u64);
    let note = match end {
        End::Whole if content.is_empty() => return "\n[no body]".to_owned(),
        End::Whole => String::new(),
        End::Capped => match whole_size(headers) {
            Some(whole) => format!("\n[the body is cut: {size} of {whole}]"),
            None => format!("\n[the body is cut after {size}]"),
        },
        End::TooSlow => format!("\n[the time ran out after {size} of the body; the rest is missing]"),
        End::Broken(problem) => format!("\n[the body broke off after {size}: {problem}]"),
    };
    match decode(headers, content) {
        Ok(text) => format!("\n{text}{note}"),
        Err(what) => {
            let at_least = if matches!(end, End::Whole) { "" } else { "at least " };
            format!("\n[the body is {what}, {at_least}{size}, and not shown]{note}")
        }
    }
}

fn whole_size(headers: &HeaderMap) -> Option<Bytes> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok().map(Bytes)
}

/// Returns the body as text, or what it is instead.
fn decode(headers: &HeaderMap, content: &[u8]) -> Result<String, String> {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let encoding = header(CONTENT_ENCODING).trim();
    if !encoding.is_empty() && !encoding.eq_ignore_ascii_case("identity") {
        return Err(format!("compressed ({encoding})"));
    }
    let media = header(CONTENT_TYPE);
    let charset = media
        .split(';')
        .skip(1)
        .filter_map(|parameter| parameter.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))
        .and_then(|(_, label)| Encoding::for_label(label.trim().trim_matches('"').as_bytes()));
    let charset = Encoding::for_bom(content).map(|(encoding, _)| encoding).or(charset);
    if charset.is_none_or(|charset| charset == UTF_8) && is_binary(content) {
        let media = media.split(';').next().unwrap_or_default().trim();
        return Err(format!("binary ({})", if media.is_empty() { "of no named type" } else { media }));
    }
    Ok(charset.unwrap_or(UTF_8).decode(content).0.into_owned())
}
