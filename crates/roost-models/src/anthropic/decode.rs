//! Anthropic's stream to the neutral form.

use roost_domain::conversation::{Answer, StopReason};
use roost_domain::model::Usage;
use roost_domain::unit::Tokens;
use serde_json::Value;

use super::wire::{self, Delta, ErrorBody, StartedBlock, StreamEvent};
use crate::draft::{Decode, Draft, Fault, Progress, Reported, estimate_usage};

/// Reads one streamed message.
pub(crate) struct Decoder {
    seed: String,
    /// What the request is estimated to hold, for servers that tell no usage.
    input: Tokens,
    draft: Draft,
    /// The content blocks that have begun: their index and, for calls, their place in the draft.
    blocks: Vec<(u64, Slot)>,
    usage: Option<wire::Usage>,
    stop: Option<StopReason>,
    ended: bool,
}

#[derive(Clone, Copy)]
enum Slot {
    Text,
    Call(usize),
    Other,
}

impl Decoder {
    pub(crate) fn new(seed: &str, input: Tokens) -> Self {
        Self {
            seed: seed.to_owned(),
            input,
            draft: Draft::default(),
            blocks: Vec::new(),
            usage: None,
            stop: None,
            ended: false,
        }
    }

    fn start_block(&mut self, index: u64, block: StartedBlock) -> Result<Progress, Fault> {
        let mut progress = Progress::default();
        let slot = match block {
            StartedBlock::Text { text } => {
                self.draft.push_text(&text)?;
                progress.text = text;
                Slot::Text
            }
            StartedBlock::ToolUse { id, name, input } => {
                let place = self.draft.open_call(&id, &name)?;
                if input.as_object().is_some_and(|input| !input.is_empty()) {
                    self.draft.set_arguments(place, input)?;
                }
                Slot::Call(place)
            }
            StartedBlock::Other => Slot::Other,
        };
        self.blocks.retain(|(known, _)| *known != index);
        self.blocks.push((index, slot));
        Ok(progress)
    }

    fn delta(&mut self, index: u64, delta: Delta) -> Result<Progress, Fault> {
        let slot = self.blocks.iter().find(|(known, _)| *known == index).map(|(_, slot)| *slot);
        match (slot, delta) {
            (None, _) => Err(Fault::Nonsense(format!("a delta of content block {index}, which never began"))),
            (Some(Slot::Text), Delta::Text { text }) => {
                self.draft.push_text(&text)?;
                Ok(Progress { text, done: false })
            }
            (Some(Slot::Call(place)), Delta::InputJson { partial_json }) => {
                self.draft.push_arguments(place, &partial_json)?;
                Ok(Progress::default())
            }
            (Some(Slot::Other), _) | (Some(_), Delta::Other) => Ok(Progress::default()),
            (Some(Slot::Text), Delta::InputJson { .. }) | (Some(Slot::Call(_)), Delta::Text { .. }) => {
                Err(Fault::Nonsense(format!("a delta of another kind than its content block {index}")))
            }
        }
    }

    fn add_usage(&mut self, new: Option<wire::Usage>) {
        let Some(new) = new else { return };
        let old = self.usage.unwrap_or_default();
        self.usage = Some(wire::Usage {
            input_tokens: new.input_tokens.or(old.input_tokens),
            cache_creation_input_tokens: new.cache_creation_input_tokens.or(old.cache_creation_input_tokens),
            cache_read_input_tokens: new.cache_read_input_tokens.or(old.cache_read_input_tokens),
            output_tokens: new.output_tokens.or(old.output_tokens),
        });
    }
}

impl Decode for Decoder {
    fn event(&mut self, data: &str) -> Result<Progress, Fault> {
        let event: StreamEvent =
            serde_json::from_str(data).map_err(|error| Fault::Nonsense(format!("an event: {error}")))?;
        match event {
            StreamEvent::MessageStart { message } => self.add_usage(message.usage),
            StreamEvent::ContentBlockStart { index, content_block } => {
                return self.start_block(index, content_block);
            }
            StreamEvent::ContentBlockDelta { index, delta } => return self.delta(index, delta),
            StreamEvent::MessageDelta { delta, usage } => {
                self.add_usage(usage);
                if let Some(reason) = delta.stop_reason {
                    self.stop = Some(stop_reason(&reason));
                }
            }
            StreamEvent::MessageStop => {
                self.ended = true;
                return Ok(Progress::DONE);
            }
            StreamEvent::Error { error } => return Err(Fault::Reported(reported(&error))),
            StreamEvent::ContentBlockStop {} | StreamEvent::Ping | StreamEvent::Unknown => {}
        }
        Ok(Progress::default())
    }

    fn begun(&self) -> bool {
        !self.draft.is_empty()
    }

    fn finish(&mut self) -> Result<Answer, Fault> {
        if !self.ended {
            return Err(Fault::Broken);
        }
        let stop = self.stop.unwrap_or(StopReason::EndTurn);
        let mut answer = self.draft.finish(stop, Usage::default(), &self.seed)?;
        answer.usage = self.usage.map_or_else(|| estimate_usage(self.input, &answer), neutral_usage);
        Ok(answer)
    }
}

/// Anthropic counts what it read from and wrote to its cache beside the rest, the neutral form within it.
fn neutral_usage(usage: wire::Usage) -> Usage {
    let cached = Tokens(usage.cache_read_input_tokens.unwrap_or(0));
    let cache_written = Tokens(usage.cache_creation_input_tokens.unwrap_or(0));
    let fresh = Tokens(usage.input_tokens.unwrap_or(0));
    Usage {
        input: fresh.saturating_add(cached).saturating_add(cache_written),
        cached,
        cache_written,
        output: Tokens(usage.output_tokens.unwrap_or(0)),
    }
}

fn stop_reason(reason: &str) -> StopReason {
    match reason {
        "max_tokens" | "model_context_window_exceeded" => StopReason::MaxOutput,
        "refusal" => StopReason::Refused,
        "tool_use" => StopReason::ToolUse,
        // `end_turn`, `stop_sequence`, `pause_turn` and reasons that are newer than this code: the message is whole.
        _ => StopReason::EndTurn,
    }
}

fn reported(error: &ErrorBody) -> Reported {
    Reported::new(status(&error.kind), error.message.as_str())
}

/// Returns the HTTP status that the API documents for a kind of error.
pub(crate) fn status(kind: &str) -> u16 {
    match kind {
        "invalid_request_error" => 400,
        "authentication_error" => 401,
        "billing_error" => 402,
        "permission_error" => 403,
        "not_found_error" => 404,
        "request_too_large" => 413,
        "rate_limit_error" => 429,
        "timeout_error" => 504,
        "overloaded_error" => 529,
        _ => 500,
    }
}

/// Returns the message of an error body: `{"type": "error", "error": {"type": …, "message": …}}`.
pub(crate) fn error_body(status: u16, body: &Value) -> Option<Reported> {
    Some(Reported::new(status, body.pointer("/error/message")?.as_str()?))
}
