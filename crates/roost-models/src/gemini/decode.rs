//! Gemini's stream to the neutral form.

use std::sync::Arc;
use std::time::Duration;

use roost_domain::conversation::{Answer, StopReason};
use roost_domain::model::Usage;
use roost_domain::unit::Tokens;
use serde_json::Value;

use super::signatures::{Place, Signatures, Signed};
use super::wire::{Candidate, GenerateContentResponse, Part, UsageMetadata};
use crate::draft::{Decode, Draft, Fault, Progress, Reported, estimate_usage, object_arguments};

/// Reads one streamed answer. Whole means that a `finishReason` came, or that the prompt was blocked.
pub(crate) struct Decoder {
    seed: String,
    /// What the request is estimated to hold, for servers that tell no usage.
    input: Tokens,
    draft: Draft,
    signed: Signed,
    /// Where signatures go once the answer is whole.
    memory: Option<(Arc<Signatures>, Place)>,
    usage: Option<UsageMetadata>,
    stop: Option<StopReason>,
}

impl Decoder {
    pub(crate) fn new(seed: &str, input: Tokens, memory: Option<(Arc<Signatures>, Place)>) -> Self {
        Self {
            seed: seed.to_owned(),
            input,
            draft: Draft::default(),
            signed: Vec::new(),
            memory,
            usage: None,
            stop: None,
        }
    }

    fn candidate(&mut self, candidate: Candidate) -> Result<String, Fault> {
        let mut text = String::new();
        for part in candidate.content.into_iter().flat_map(|content| content.parts) {
            text.push_str(&self.part(part)?);
        }
        if let Some(reason) = candidate.finish_reason {
            self.stop = Some(stop_reason(&reason, candidate.finish_message.as_deref())?);
        }
        Ok(text)
    }

    fn part(&mut self, part: Part) -> Result<String, Fault> {
        if let Some(call) = part.function_call {
            let place = self.draft.open_call(call.id.as_deref().unwrap_or_default(), &call.name)?;
            let arguments =
                if call.args.is_null() { Value::Object(serde_json::Map::new()) } else { call.args };
            self.draft.set_arguments(place, object_arguments(&arguments))?;
            self.signed.push(part.thought_signature);
            return Ok(String::new());
        }
        match part.text {
            Some(text) if !part.thought => {
                self.draft.push_text(&text)?;
                Ok(text)
            }
            Some(_) | None => Ok(String::new()),
        }
    }
}

impl Decode for Decoder {
    fn event(&mut self, data: &str) -> Result<Progress, Fault> {
        let response: GenerateContentResponse =
            serde_json::from_str(data).map_err(|error| Fault::Nonsense(format!("a chunk: {error}")))?;
        if let Some(error) = response.error.filter(|error| !error.is_null()) {
            return Err(Fault::Reported(read_error(500, &error)));
        }
        self.usage = response.usage_metadata.or(self.usage);
        if response.prompt_feedback.and_then(|feedback| feedback.block_reason).is_some() {
            self.stop = Some(StopReason::Refused);
        }
        let mut progress = Progress::default();
        for candidate in response.candidates.into_iter().filter(|candidate| candidate.index == 0) {
            progress.text.push_str(&self.candidate(candidate)?);
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
        if let Some((signatures, place)) = self.memory.take() {
            signatures.keep(place, std::mem::take(&mut self.signed));
        }
        Ok(answer)
    }
}

/// Thinking is billed as output, and what tools of Google's own brought as input.
fn neutral_usage(usage: UsageMetadata) -> Usage {
    Usage {
        input: Tokens(usage.prompt_token_count).saturating_add(Tokens(usage.tool_use_prompt_token_count)),
        cached: Tokens(usage.cached_content_token_count),
        cache_written: Tokens(0),
        output: Tokens(usage.candidates_token_count).saturating_add(Tokens(usage.thoughts_token_count)),
    }
}

fn stop_reason(reason: &str, message: Option<&str>) -> Result<StopReason, Fault> {
    Ok(match reason {
        "MAX_TOKENS" => StopReason::MaxOutput,
        "STOP" | "FINISH_REASON_UNSPECIFIED" => StopReason::EndTurn,
        "MALFORMED_FUNCTION_CALL" | "UNEXPECTED_TOOL_CALL" | "MALFORMED_RESPONSE" => {
            let message = message.unwrap_or("the model wrote a call that cannot be read");
            return Err(Fault::Nonsense(format!("finish reason {reason}: {message}")));
        }
        // `SAFETY`, `RECITATION`, `BLOCKLIST`, `PROHIBITED_CONTENT`, `SPII`, `LANGUAGE`, `OTHER`, and reasons that
        // are newer than this code: each says why the model was stopped before it was done.
        _ => StopReason::Refused,
    })
}

/// Returns the message of an error body: `{"error": {"code": …, "message": …, "status": …, "details": […]}}`, or
/// that within a list, as a stream without `alt=sse` begins.
pub(crate) fn error_body(status: u16, body: &Value) -> Option<Reported> {
    let body = body.get(0).unwrap_or(body);
    let error = body.get("error")?;
    error.get("message")?.as_str()?;
    Some(read_error(status, error))
}

fn read_error(status: u16, error: &Value) -> Reported {
    let code = error.get("code").and_then(Value::as_u64).and_then(|code| u16::try_from(code).ok());
    let message = error.get("message").and_then(Value::as_str).unwrap_or("an error without a message");
    let details = error.get("details").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let reason =
        |reason: &str| details.iter().any(|detail| detail.get("reason") == Some(&Value::from(reason)));
    Reported {
        // A wrong key is answered as a bad request.
        status: if reason("API_KEY_INVALID") { 401 } else { code.unwrap_or(status) },
        message: message.to_owned(),
        lasting: false,
        retry_after: details.iter().find_map(|detail| read_delay(detail.get("retryDelay")?.as_str()?)),
    }
}

/// Reads a protobuf duration as JSON writes it: `"34s"`, `"34.074824224s"`.
fn read_delay(text: &str) -> Option<Duration> {
    let seconds: f64 = text.strip_suffix('s')?.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}
