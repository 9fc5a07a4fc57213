//! Server-sent events.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::Stream;
use roost_domain::event::Offset;

use crate::Failure;

/// A stream that has nothing to say sends a comment this often, so that everybody on the way knows it is alive.
pub const HEARTBEAT: Duration = Duration::from_secs(10);

/// Sends a stream as server-sent events, with heartbeats, past the buffers of proxies.
///
/// The stream is only polled when the connection takes data, so nothing piles up for a slow reader; a connection
/// that takes none for too long is closed by [`crate::Patient`], which drops the stream.
pub fn event_stream(events: impl Stream<Item = Event> + Send + 'static) -> Response {
    use futures_util::StreamExt as _;
    let events = events.map(Ok::<_, Infallible>);
    let mut response = Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform"));
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response
}

/// Extracts the `Last-Event-ID` that a client sends when it comes back: the last offset it saw.
pub struct LastEventId(pub Option<Offset>);

impl<S: Sync> FromRequestParts<S> for LastEventId {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let Some(value) = parts.headers.get("last-event-id").filter(|value| !value.is_empty()) else {
            return Ok(Self(None));
        };
        let offset = value.to_str().ok().and_then(|text| text.trim().parse().ok());
        offset
            .map(|offset| Self(Some(Offset(offset))))
            .ok_or_else(|| Failure::invalid("Last-Event-ID", "must be the id of an event of this stream"))
    }
}
