//! Saying something to a gateway: a chat completion in a session that it keeps itself.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use http_body_util::{BodyExt, Full, Limited};
use hyper::Request;
use hyper::body::Body;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use roost_domain::conversation::{Answer, StopReason};
use roost_domain::model::Usage;
use roost_ports::model::{Chunk, Chunks, Error};
use roost_ports::runtime::Said;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::gateway::Gateway;

#[cfg(test)]
mod tests;

/// How long a gateway may be silent: its tools run as long as they take.
const SILENCE: Duration = Duration::from_secs(15 * 60);
/// How long a gateway may take for a whole answer, however much it says meanwhile.
const WHOLE: Duration = Duration::from_secs(4 * 3600);
/// The longest line of a stream.
const LINE_MAX: usize = 4 << 20;
/// The longest answer.
const TEXT_MAX: usize = 1 << 20;
/// How much of a refusal is read.
const REFUSAL_MAX: usize = 64 << 10;
/// How long a refusal may take until it is read.
const REFUSAL: Duration = Duration::from_secs(10);
/// How much of an error's text is passed on.
const ERROR_MAX: usize = 600;

/// Says something, and returns the answer as it is written.
pub(crate) async fn ask(gateway: Arc<Gateway>, said: Said) -> Result<Chunks, Error> {
    let Said { session, text, context } = said;
    let mut messages = Vec::new();
    if let Some(context) = context {
        messages.push(json!({"role": "system", "content": context}));
    }
    messages.push(json!({"role": "user", "content": text}));
    let body = json!({"model": "openclaw", "stream": true, "messages": messages});
    let request = Request::post("/v1/chat/completions")
        .header("host", "localhost")
        .header(AUTHORIZATION, format!("Bearer {}", gateway.token()))
        .header(CONTENT_TYPE, "application/json")
        // Sessions are lower-cased there; an id in hexadecimal digits is the same either way.
        .header("x-openclaw-session-key", format!("agent:main:roost:{}", session.uuid().as_simple()))
        .body(Full::new(Bytes::from(body.to_string())))
        .map_err(|error| failed(error.to_string()))?;
    let until = Instant::now() + WHOLE;
    let response = tokio::time::timeout(SILENCE, gateway.send(request)).await;
    let response = response.map_err(|_| silent())?.map_err(failed)?;
    if response.status().is_success() {
        let (_, body) = response.into_parts();
        return Ok(read(gateway, body, until).boxed());
    }
    let (head, body) = response.into_parts();
    let message = refusal(body).await;
    Err(failed(format!("it answered HTTP {}: {message}", head.status.as_u16())))
}

/// Reads why a gateway did not answer.
async fn refusal<B>(body: B) -> String
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let body = match tokio::time::timeout(REFUSAL, Limited::new(body, REFUSAL_MAX).collect()).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) => return format!("why cannot be read: {error}"),
        Err(_) => return format!("it did not say why within {} s", REFUSAL.as_secs()),
    };
    let text = String::from_utf8_lossy(&body);
    let value: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
    shortened(value.pointer("/error/message").and_then(Value::as_str).unwrap_or(&text))
}

/// Reads the stream; what is `held` is so until it ends.
fn read<B>(held: impl Send, body: B, until: Instant) -> impl Stream<Item = Result<Chunk, Error>> + Send
where
    B: Body<Data = Bytes> + Send,
    B::Error: std::fmt::Display + Send,
{
    async_stream::stream! {
        let _held = held;
        let mut body = std::pin::pin!(body);
        let (mut waiting, mut text, mut stop) = (Vec::new(), String::new(), None);
        loop {
            let patience = until.min(Instant::now() + SILENCE);
            let frame = match tokio::time::timeout_at(patience, body.frame()).await {
                Ok(Some(Ok(frame))) => frame,
                Ok(Some(Err(error))) => { yield Err(failed(error.to_string())); return; }
                Ok(None) => break,
                Err(_) if patience == until => { yield Err(too_slow()); return; }
                Err(_) => { yield Err(silent()); return; }
            };
            let Some(data) = frame.data_ref() else { continue };
            waiting.extend_from_slice(data);
            if waiting.len() > LINE_MAX {
                yield Err(failed("a line of its answer is too long".to_owned()));
                return;
            }
            while let Some(end) = waiting.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = waiting.drain(..=end).collect();
                match event(&line) {
                    Event::Nothing => {}
                    Event::Text(more, finished) => {
                        stop = finished.or(stop);
                        if text.len() + more.len() > TEXT_MAX {
                            yield Err(failed(format!("its answer is longer than {TEXT_MAX} bytes")));
                            return;
                        }
                        if !more.is_empty() {
                            text.push_str(&more);
                            yield Ok(Chunk::Text(more));
                        }
                    }
                    Event::Failed(problem) => { yield Err(failed(problem)); return; }
                    Event::Done => {
                        let stop = stop.unwrap_or(StopReason::EndTurn);
                        let answer = Answer { text, calls: Vec::new(), stop, usage: Usage::default() };
                        yield Ok(Chunk::End(answer));
                        return;
                    }
                }
            }
        }
        yield Err(failed("its answer broke off".to_owned()));
    }
}

/// One line of the stream.
enum Event {
    Nothing,
    Text(String, Option<StopReason>),
    Failed(String),
    Done,
}

fn event(line: &[u8]) -> Event {
    let line = String::from_utf8_lossy(line);
    let Some(data) = line.trim_end().strip_prefix("data:").map(str::trim_start) else {
        return Event::Nothing;
    };
    if data == "[DONE]" {
        return Event::Done;
    }
    let Ok(value) = serde_json::from_str::<Value>(data) else {
        return Event::Failed(format!("it said something that is no JSON: {}", shortened(data)));
    };
    if let Some(error) = value.get("error").filter(|error| !error.is_null()) {
        let message = error.get("message").and_then(Value::as_str).unwrap_or("it failed without a word");
        return Event::Failed(shortened(message));
    }
    let choice = value.pointer("/choices/0");
    let text = choice.and_then(|choice| choice.pointer("/delta/content")).and_then(Value::as_str);
    let stop = match choice.and_then(|choice| choice.get("finish_reason")).and_then(Value::as_str) {
        Some("length") => Some(StopReason::MaxOutput),
        Some(_) => Some(StopReason::EndTurn),
        None => None,
    };
    Event::Text(text.unwrap_or_default().to_owned(), stop)
}

fn shortened(text: &str) -> String {
    text.chars().take(ERROR_MAX).collect()
}

fn silent() -> Error {
    failed(format!("it was silent for {} s", SILENCE.as_secs()))
}

fn too_slow() -> Error {
    failed(format!("its answer was not whole after {} s", WHOLE.as_secs()))
}

pub(crate) fn failed(problem: String) -> Error {
    Error::Runtime { runtime: "openclaw", problem }
}
