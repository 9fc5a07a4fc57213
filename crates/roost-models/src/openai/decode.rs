//! OpenAI's stream to the neutral form.

use roost_domain::conversation::{Answer, StopReason};
use roost_domain::model::Usage;
use roost_domain::unit::Tokens;
use serde_json::Value;

use super::wire::{self, Chunk, Delta, ToolCallDelta};
use crate::draft::{Decode, Draft, Fault, Progress, Reported, estimate_usage};

/// Reads one streamed completion.
///
/// Whole means that a `finish_reason` came; `[DONE]` and usage may be missing, since some servers send neither.
pub(crate) struct Decoder {
    seed: String,
    /// What the request is estimated to hold, for servers that tell no usage.
    input: Tokens,
    draft: Draft,
    /// The calls that have begun, by place in the draft: the server's index and id.
    calls: Vec<(Option<u64>, String)>,
    usage: Option<wire::Usage>,
    stop: Option<StopReason>,
}

impl Decoder {
    pub(crate) fn new(seed: &str, input: Tokens) -> Self {
        Self {
            seed: seed.to_owned(),
            input,
            draft: Draft::default(),
            calls: Vec::new(),
            usage: None,
            stop: None,
        }
    }

    fn delta(&mut self, delta: Delta) -> Result<String, Fault> {
        let mut text = delta.content.unwrap_or_default();
        text.push_str(delta.refusal.as_deref().unwrap_or_default());
        self.draft.push_text(&text)?;
        for call in delta.tool_calls.unwrap_or_default() {
            self.call(call)?;
        }
        Ok(text)
    }

    fn call(&mut self, delta: ToolCallDelta) -> Result<(), Fault> {
        let id = delta.id.unwrap_or_default();
        let (name, arguments) =
            delta.function.map_or((None, None), |function| (function.name, function.arguments));
        let name = name.unwrap_or_default();
        let place = match self.place(delta.index, &id, &name) {
            Some(place) => {
                self.draft.name_call(place, &id, &name)?;
                place
            }
            None => {
                self.calls.push((delta.index, id.clone()));
                self.draft.open_call(&id, &name)?
            }
        };
        match arguments {
            Some(arguments) => self.draft.push_arguments(place, &arguments),
            None => Ok(()),
        }
    }

    /// Returns which begun call a delta goes on with. The index says it, except with servers that number all
    /// calls alike or not at all; there another id, or another name without any id, begins another call.
    fn place(&self, index: Option<u64>, id: &str, name: &str) -> Option<usize> {
        let same = |(known, known_id): &&(Option<u64>, String)| {
            let by_index = index.is_none() || *known == index;
            by_index && (id.is_empty() || known_id.is_empty() || known_id == id)
        };
        let place = self.calls.iter().rposition(|call| same(&call))?;
        let begins_another = index.is_none() && id.is_empty() && !name.is_empty();
        (!begins_another).then_some(place)
    }
}

impl Decode for Decoder {
    fn event(&mut self, data: &str) -> Result<Progress, Fault> {
        if data.trim() == "[DONE]" {
            return Ok(Progress::DONE);
        }
        let chunk: Chunk =
            serde_json::from_str(data).map_err(|error| Fault::Nonsense(format!("a chunk: {error}")))?;
        if let Some(error) = chunk.error.filter(|error| !error.is_null()) {
            return Err(Fault::Reported(reported_in_stream(&error)));
        }
        self.usage = chunk.usage.or(self.usage);
        let mut progress = Progress::default();
        for choice in chunk.choices.into_iter().filter(|choice| choice.index == 0) {
            if let Some(delta) = choice.delta {
                progress.text.push_str(&self.delta(delta)?);
            }
            if let Some(reason) = choice.finish_reason {
                self.stop = Some(stop_reason(&reason));
            }
        }
        Ok(progress)
    }

    fn begun(&self) -> bool {
        !self.draft.is_empty()
    }

    fn finish(&mut self) -> Result<Answer, Fault> {
        let stop = self.stop.ok_or(Fault::Broken)?;
        let mut answer = self.draft.finish(stop, Usage::default(), &self.seed)?;
        answer.usage = self.usage.map_or_else(|| estimate_usage(self.input, &answer), neutral_usage);
        Ok(answer)
    }
}

fn neutral_usage(usage: wire::Usage) -> Usage {
    let details = usage.prompt_tokens_details;
    Usage {
        input: Tokens(usage.prompt_tokens),
        cached: Tokens(details.and_then(|details| details.cached_tokens).unwrap_or(0)),
        cache_written: Tokens(details.and_then(|details| details.cache_write_tokens).unwrap_or(0)),
        output: Tokens(usage.completion_tokens),
    }
}

fn stop_reason(reason: &str) -> StopReason {
    match reason {
        "length" => StopReason::MaxOutput,
        "content_filter" => StopReason::Refused,
        "tool_calls" | "function_call" => StopReason::ToolUse,
        // `stop`, and what compatible servers invent: they say that the answer is whole.
        _ => StopReason::EndTurn,
    }
}

/// Reads an error within a stream: OpenRouter's `{"code": 502, "message": …}`, OpenAI's
/// `{"type": …, "code": …, "message": …}`, or a bare text.
fn reported_in_stream(error: &Value) -> Reported {
    let code = error.get("code").and_then(Value::as_u64).and_then(|code| u16::try_from(code).ok());
    let status = code.filter(|code| (400..600).contains(code)).unwrap_or(500);
    read_error(status, error).unwrap_or_else(|| Reported::new(status, "an error without a message"))
}

/// Returns the message of an error body: `{"error": {"message": …, "code": …}}`, Ollama's `{"error": "…"}`, the
/// `{"message": …}` of older vLLM, or the `{"detail": …}` of servers built on FastAPI.
pub(crate) fn error_body(status: u16, body: &Value) -> Option<Reported> {
    read_error(status, body.get("error").unwrap_or(body))
}

fn read_error(status: u16, error: &Value) -> Option<Reported> {
    let text = |key: &str| error.get(key).and_then(Value::as_str);
    let message = error.as_str().or_else(|| text("message")).or_else(|| text("detail"))?;
    // An empty account answers 429 as well, but no waiting fills it.
    let lasting = [text("code"), text("type")].contains(&Some("insufficient_quota"));
    Some(Reported { lasting, ..Reported::new(status, message) })
}
