//! Server-sent events, read with a deadline.

use eventsource_stream::Eventsource as _;
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use serde_json::Value;

use crate::DEADLINE;

/// A stream of events.
pub(crate) struct Stream {
    events: BoxStream<'static, String>,
}

impl Stream {
    /// Reads the events of an answer, which must be good.
    pub(crate) async fn of(response: reqwest::Response) -> Self {
        let status = response.status();
        if !status.is_success() {
            panic!("{status}: {}", response.text().await.unwrap_or_default());
        }
        let events = response.bytes_stream().eventsource();
        // A stream that breaks off ends; whoever waits for more is told by the deadline or by `None`.
        let events = events.take_while(|event| std::future::ready(event.is_ok()));
        Self { events: events.filter_map(|event| async { event.ok().map(|event| event.data) }).boxed() }
    }

    /// Returns the next event's data; `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        let data = tokio::time::timeout(DEADLINE, self.events.next()).await.expect("it comes in time")?;
        Some(serde_json::from_str(&data).unwrap_or(Value::String(data)))
    }

    /// Returns the next event of a type, and drops those before it.
    pub(crate) async fn next_of(&mut self, kind: &str) -> Value {
        let mut before = Vec::new();
        while let Some(event) = self.next().await {
            if event["type"] == kind {
                return event;
            }
            before.push(event);
        }
        panic!("the stream ended without {kind}: {before:#?}");
    }

    /// Returns all events to the end.
    pub(crate) async fn rest(mut self) -> Vec<Value> {
        let mut events = Vec::new();
        while let Some(event) = self.next().await {
            events.push(event);
        }
        events
    }
}
