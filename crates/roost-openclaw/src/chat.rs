//! Saying something to a gateway: a chat completion in a session that it keeps itself.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use hyper::{Request, Response};
use roost_domain::conversation::{Answer, StopReason};
use roost_domain::model::Usage;
use roost_ports::model::{Chunk, Chunks, Error};
use roost_ports::runtime::Said;
use serde_json::{Value, json};

use crate::gateway::Gateway;

/// How long a gateway may be silent: its tools run as long as they take.
const SILENCE: Duration = Duration::from_secs(15 * 60);
/// The longest line of a stream.
const LINE_MAX: usize = 4 << 20;
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
    let response = tokio::time::timeout(SILENCE, gateway.send(request)).await;
    let response = response.map_err(|_| silent())?.map_err(failed)?;
    if response.status().is_success() {
        return Ok(read(gateway, response).boxed());
    }
    let status = response.status();
    let body = response.into_body().collect().await.map_err(|error| failed(error.to_string()))?.to_bytes();
    let text = String::from_utf8_lossy(&body);
    let value: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
    let message = value.pointer("/error/message").and_then(Value::as_str).unwrap_or(&text);
    Err(failed(format!("it answered HTTP {}: {}", status.as_u16(), shortened(message))))
}

/// Reads the stream; the gateway is held until it ends.
fn read(
    gateway: Arc<Gateway>,
    response: Response<Incoming>,
) -> impl futures_util::Stream<Item = Result<Chunk, Error>> + Send {
    async_stream::stream! {
        let _held = gateway;
        let mut body = response.into_body();
        let (mut waiting, mut text, mut stop) = (Vec::new(), String::new(), None);
        loop {
            let frame = match tokio::time::timeout(SILENCE, body.frame()).await {
                Ok(Some(Ok(frame))) => frame,
                Ok(Some(Err(error))) => { yield Err(failed(error.to_string())); return; }
                Ok(None) => break,
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

pub(crate) fn failed(problem: String) -> Error {
    Error::Runtime { runtime: "openclaw", problem }
}
