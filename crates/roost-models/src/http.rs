//! How requests go out and answers come in: one client, retries before the first word, one stream reader.

mod client;
mod faults;
mod reading;
mod retry;

use std::pin::Pin;

use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use roost_ports::model::{Chunks, Error};
use serde_json::Value;
use url::Url;

pub(crate) use client::Http;
pub(crate) use faults::Faults;
use reading::Reading;
pub(crate) use retry::{Failure, is_passing, with_retries};

use crate::draft::{Decode, Reported};

/// The most of an error's body that is read, in bytes.
const MAX_ERROR_BYTES: usize = 64 * 1024;

/// One call, ready to be sent as often as needed.
pub(crate) struct Outgoing {
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// Reads the vendor's error bodies.
    pub(crate) error_body: fn(u16, &Value) -> Option<Reported>,
}

/// Sends the call once and waits until the answer has begun.
///
/// # Errors
///
/// [`Failure`], which says whether trying again may help; nothing of an answer has been received then.
///
/// # Cancel
///
/// Dropping the future closes the connection.
pub(crate) async fn send(
    http: &Http,
    outgoing: &Outgoing,
    faults: &Faults,
    decoder: Box<dyn Decode>,
) -> Result<Chunks, Failure> {
    let request = http
        .client()
        .post(outgoing.url.clone())
        .headers(outgoing.headers.clone())
        .header(CONTENT_TYPE, "application/json")
        .body(outgoing.body.clone());
    let first_byte = http.timeouts().first_byte;
    let response = match tokio::time::timeout(first_byte, request.send()).await {
        Err(_) => return Err(Failure::lasting(faults.timeout(first_byte))),
        Ok(Err(error)) => return Err(http.unreachable(faults, error)),
        Ok(Ok(response)) => response,
    };
    if !response.status().is_success() {
        return Err(refusal(outgoing, faults, response, first_byte).await);
    }
    if let Some(kind) = not_a_stream(response.headers()) {
        return Err(Failure::lasting(faults.nonsense(&format!("{kind} instead of an event stream"))));
    }
    Reading::new(reading::bytes(response, http.timeouts()), decoder, faults.clone()).begin().await
}

/// The most of an answer that comes whole, in bytes.
const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;

/// Sends the call once and returns its whole answer.
///
/// # Errors
///
/// As [`send`].
///
/// # Cancel
///
/// Dropping the future closes the connection.
pub(crate) async fn fetch(http: &Http, outgoing: &Outgoing, faults: &Faults) -> Result<Value, Failure> {
    let request = http
        .client()
        .post(outgoing.url.clone())
        .headers(outgoing.headers.clone())
        .header(CONTENT_TYPE, "application/json")
        .body(outgoing.body.clone());
    let patience = http.timeouts().first_byte;
    let mut response = match tokio::time::timeout(patience, request.send()).await {
        Err(_) => return Err(Failure::lasting(faults.timeout(patience))),
        Ok(Err(error)) => return Err(http.unreachable(faults, error)),
        Ok(Ok(response)) => response,
    };
    if !response.status().is_success() {
        return Err(refusal(outgoing, faults, response, patience).await);
    }
    let mut body = Vec::new();
    loop {
        match tokio::time::timeout(http.timeouts().silence, response.chunk()).await {
            Err(_) => return Err(Failure::lasting(faults.timeout(http.timeouts().silence))),
            Ok(Err(error)) => return Err(http.unreachable(faults, error)),
            Ok(Ok(None)) => break,
            Ok(Ok(Some(chunk))) if body.len() + chunk.len() > MAX_ANSWER_BYTES => {
                return Err(Failure::lasting(faults.nonsense("the answer is too long")));
            }
            Ok(Ok(Some(chunk))) => body.extend_from_slice(&chunk),
        }
    }
    serde_json::from_slice(&body)
        .map_err(|error| Failure::lasting(faults.nonsense(&format!("the answer is no JSON: {error}"))))
}

/// Returns the content type of an answer that is no event stream. Servers that name none are believed.
fn not_a_stream(headers: &HeaderMap) -> Option<String> {
    let kind = headers.get(CONTENT_TYPE)?;
    let kind = String::from_utf8_lossy(kind.as_bytes()).to_ascii_lowercase();
    (!kind.starts_with("text/event-stream")).then_some(kind)
}

async fn refusal(
    outgoing: &Outgoing,
    faults: &Faults,
    response: reqwest::Response,
    patience: std::time::Duration,
) -> Failure {
    let status = response.status();
    let wait = retry::wait(response.headers());
    let asked_to_retry = retry::asked(response.headers());
    // silent-ok: a refusal whose body cannot be read is still that refusal; its status says the rest.
    let body = tokio::time::timeout(patience, read_body(response)).await.unwrap_or_default();
    let body: Option<Value> = serde_json::from_slice(&body).ok(); // silent-ok: not JSON, so no vendor's message
    let reported = body.and_then(|body| (outgoing.error_body)(status.as_u16(), &body)).unwrap_or_else(|| {
        let what = status.canonical_reason().unwrap_or("no reason given");
        let note = if status.is_redirection() { "; redirects are not followed" } else { "" };
        Reported::new(status.as_u16(), format!("{what}{note}"))
    });
    let wait = wait.or(reported.retry_after);
    let passing = asked_to_retry.unwrap_or_else(|| !reported.lasting && is_passing(status.as_u16()));
    Failure { error: faults.reported(&reported, wait), passing, wait }
}

async fn read_body(mut response: reqwest::Response) -> Vec<u8> {
    let mut body = Vec::new();
    // silent-ok: what came before the break is all there is to report.
    while let Ok(Some(chunk)) = response.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() >= MAX_ERROR_BYTES {
            body.truncate(MAX_ERROR_BYTES);
            break;
        }
    }
    body
}

/// A stream of bytes that may end badly.
type BytesOrEnd = Pin<Box<dyn futures_util::Stream<Item = Result<Bytes, reading::End>> + Send>>;

/// Turns a failure that comes after the beginning into the stream's last item.
type Last = Result<roost_ports::model::Chunk, Error>;

/// Reads bytes, already cut as a network might, as one answer.
#[cfg(test)]
pub(crate) async fn read_cut(pieces: Vec<Bytes>, decoder: Box<dyn Decode>) -> Vec<Last> {
    use futures_util::StreamExt;
    let url = Url::parse("http://fake.example/").unwrap();
    let bytes = futures_util::stream::iter(pieces.into_iter().map(Ok)).boxed();
    match Reading::new(bytes, decoder, Faults::new("fake", &url, None)).begin().await {
        Ok(chunks) => chunks.collect().await,
        Err(failure) => vec![Err(failure.error)],
    }
}

#[cfg(test)]
mod tests;
