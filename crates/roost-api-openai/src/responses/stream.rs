use axum::response::Response;
use axum::response::sse::Event;
use roost_http::{Failure, event_stream};
use serde_json::{Value, json};

use super::object::{About, Status, call_item_id, text_part};
use crate::answering::{Answering, End, Piece};

/// Writes the events of a response in their order, numbered.
struct Script {
    about: About,
    number: u64,
    text: String,
    /// Whether the item that holds the text was begun; it is the first there is.
    has_message: bool,
}

/// Sends a response as it is written.
pub(super) fn send(about: About, mut answering: Answering) -> Response {
    let mut script = Script { about, number: 0, text: String::new(), has_message: false };
    event_stream(async_stream::stream! {
        for event in script.begin() {
            yield event;
        }
        loop {
            match answering.next().await {
                Ok(Piece::Text(text)) => {
                    for event in script.say(&text) {
                        yield event;
                    }
                }
                Ok(Piece::End(end)) => {
                    for event in script.end(&end) {
                        yield event;
                    }
                    return;
                }
                Err(failure) => {
                    tracing::debug!(code = failure.code(), "a streamed response ends: {}", failure.message());
                    yield script.fail(&failure);
                    return;
                }
            }
        }
    })
}

impl Script {
    fn event(&mut self, kind: &str, mut data: Value) -> Event {
        data["type"] = json!(kind);
        data["sequence_number"] = json!(self.number);
        self.number += 1;
        Event::default().event(kind).data(data.to_string())
    }

    fn begin(&mut self) -> [Event; 2] {
        let object = self.about.object(&Status::InProgress, "", None);
        let created = self.event("response.created", json!({"response": object}));
        [created, self.event("response.in_progress", json!({"response": object}))]
    }

    fn open_message(&mut self) -> Vec<Event> {
        if std::mem::replace(&mut self.has_message, true) {
            return Vec::new();
        }
        let item = self.about.message("in_progress", &[]);
        let part = self.within(json!({"part": text_part("")}));
        vec![
            self.event("response.output_item.added", json!({"output_index": 0, "item": item})),
            self.event("response.content_part.added", part),
        ]
    }

    /// Says where in the response a piece of text stands.
    fn within(&self, mut data: Value) -> Value {
        data["item_id"] = json!(self.about.message_id());
        data["output_index"] = json!(0);
        data["content_index"] = json!(0);
        data
    }

    fn say(&mut self, text: &str) -> Vec<Event> {
        let mut events = self.open_message();
        self.text.push_str(text);
        let delta = self.within(json!({"delta": text, "logprobs": []}));
        events.push(self.event("response.output_text.delta", delta));
        events
    }

    fn end(&mut self, end: &End) -> Vec<Event> {
        let mut events = Vec::new();
        if end.calls.is_empty() {
            events.extend(self.open_message());
        }
        if self.has_message {
            let text = self.text.clone();
            let done = self.within(json!({"text": text, "logprobs": []}));
            events.push(self.event("response.output_text.done", done));
            let part = self.within(json!({"part": text_part(&text)}));
            events.push(self.event("response.content_part.done", part));
            let item = self.about.message("completed", &[text_part(&text)]);
            events.push(self.event("response.output_item.done", json!({"output_index": 0, "item": item})));
        }
        for (place, call) in end.calls.iter().enumerate() {
            let index = place + usize::from(self.has_message);
            let (id, arguments) = (call_item_id(call), call.arguments.to_string());
            let item = self.about.call(call, "in_progress");
            events
                .push(self.event("response.output_item.added", json!({"output_index": index, "item": item})));
            let delta = json!({"output_index": index, "item_id": id, "delta": arguments});
            events.push(self.event("response.function_call_arguments.delta", delta));
            let done =
                json!({"output_index": index, "item_id": id, "name": call.tool, "arguments": arguments});
            events.push(self.event("response.function_call_arguments.done", done));
            let item = self.about.call(call, "completed");
            events
                .push(self.event("response.output_item.done", json!({"output_index": index, "item": item})));
        }
        let status = Status::of(end);
        let object = self.about.object(&status, &self.text, Some(end));
        let kind = format!("response.{}", status.name());
        events.push(self.event(&kind, json!({"response": object})));
        events
    }

    fn fail(&mut self, failure: &Failure) -> Event {
        let object = self.about.object(&Status::failed(failure), &self.text, None);
        self.event("response.failed", json!({"response": object}))
    }
}
