//! Answers over HTTP: whole, streamed, or cut.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use crate::script::{Performance, ScriptFault};

/// One piece of a stream.
pub(super) struct Frame {
    /// Which of the script's pieces it belongs to, from 0; what comes before the first and after the last one has
    /// no number.
    pub(super) piece: Option<usize>,
    pub(super) text: String,
}

impl Frame {
    pub(super) const fn around(text: String) -> Self {
        Self { piece: None, text }
    }

    pub(super) const fn of(piece: usize, text: String) -> Self {
        Self { piece: Some(piece), text }
    }
}

/// Sends frames as an event stream, as slowly as the script says and only as far.
pub(super) fn stream(frames: Vec<Frame>, performance: &Performance) -> Response {
    let (delay, chunk_delay, break_after) =
        (performance.delay, performance.chunk_delay, performance.break_after);
    let body = async_stream::stream! {
        tokio::time::sleep(delay).await;
        let mut last = None;
        for frame in frames {
            // What ends the stream is never sent when the stream is cut.
            let beyond = match (break_after, frame.piece) {
                (None, _) => false,
                (Some(after), Some(piece)) => piece >= after,
                (Some(after), None) => last.is_some() || after == 0,
            };
            if beyond {
                break;
            }
            if frame.piece.is_some() && frame.piece != last {
                if last.is_some() {
                    tokio::time::sleep(chunk_delay).await;
                }
                last = frame.piece;
            }
            yield Ok::<_, std::io::Error>(Bytes::from(frame.text));
        }
        if break_after.is_some() {
            // The server writes what it has when it must wait; without this it would drop it with the connection.
            tokio::task::yield_now().await;
            yield Err(std::io::Error::other("cut, as the script says"));
        }
    };
    ([(CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"))], Body::from_stream(body))
        .into_response()
}

/// Sends a whole answer, or the first half of it.
pub(super) async fn whole(body: &Value, performance: &Performance) -> Response {
    let steps = u32::try_from(performance.pieces.len().saturating_sub(1)).unwrap_or(u32::MAX);
    tokio::time::sleep(performance.delay + performance.chunk_delay.saturating_mul(steps)).await;
    let text = body.to_string();
    let json = [(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    if performance.break_after.is_none() {
        return (json, text).into_response();
    }
    let half: String = text.chars().take(text.chars().count() / 2).collect();
    let body = async_stream::stream! {
        yield Ok::<_, std::io::Error>(Bytes::from(half));
        tokio::task::yield_now().await;
        yield Err(std::io::Error::other("cut, as the script says"));
    };
    (json, Body::from_stream(body)).into_response()
}

/// Sends an error in a vendor's shape.
pub(super) fn error(status: u16, retry_after: Option<Duration>, body: &Value) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response =
        (status, [(CONTENT_TYPE, HeaderValue::from_static("application/json"))], body.to_string())
            .into_response();
    if let Some(wait) = retry_after {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait.as_secs()));
    }
    response
}

/// Waits as the script says before an error.
pub(super) async fn before(fault: &ScriptFault) {
    tokio::time::sleep(fault.delay).await;
}

/// Cuts arguments into the two pieces in which they are streamed.
pub(super) fn halves(arguments: &str) -> (String, String) {
    let middle = arguments.chars().count() / 2;
    (arguments.chars().take(middle).collect(), arguments.chars().skip(middle).collect())
}
