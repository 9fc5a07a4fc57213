use axum::response::Response;
use axum::response::sse::Event;
use roost_http::event_stream;
use serde_json::{Value, json};

use super::answer::{About, calls, chunk, usage_chunk};
use crate::answering::{Answering, Piece};
use crate::errors;

/// Sends an answer piece by piece. A failure in the middle is told as an error, and the stream ends without `[DONE]`.
pub(super) fn send(about: About, mut answering: Answering, include_usage: bool) -> Response {
    event_stream(async_stream::stream! {
        let name = answering.name.clone();
        let first = json!({"role": "assistant", "content": "", "refusal": null});
        yield event(&chunk(&about, &name, &first, None, include_usage));
        loop {
            match answering.next().await {
                Ok(Piece::Text(text)) => {
                    yield event(&chunk(&about, &name, &json!({"content": text}), None, include_usage));
                }
                Ok(Piece::End(end)) => {
                    if !end.calls.is_empty() {
                        yield event(&chunk(&about, &name, &calls(&end.calls), None, include_usage));
                    }
                    yield event(&chunk(&about, &name, &json!({}), Some(end.finish), include_usage));
                    if include_usage {
                        yield event(&usage_chunk(&about, &name, end.usage));
                    }
                    yield Event::default().data("[DONE]");
                    return;
                }
                Err(failure) => {
                    tracing::debug!(code = failure.code(), "a streamed completion ends: {}", failure.message());
                    yield event(&errors::body(&failure));
                    return;
                }
            }
        }
    })
}

fn event(data: &Value) -> Event {
    Event::default().data(data.to_string())
}
