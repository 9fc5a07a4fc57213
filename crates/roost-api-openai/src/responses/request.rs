use roost_core::Ask;
use roost_domain::conversation::Wishes;
use roost_domain::unit::Tokens;
use roost_http::Failure;
use serde::Deserialize;
use serde_json::{Value, json};

use super::items;
use crate::tools;
use crate::unsupported::{only, within};

/// Parameters that are taken and change nothing here: hints about speed, cost and caching.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "fields that are known, so that unknown ones can be named")]
pub(crate) struct ResponseBody {
    model: String,
    input: Value,
    instructions: Option<String>,
    previous_response_id: Option<String>,
    store: Option<bool>,
    stream: Option<bool>,
    tools: Option<Vec<Value>>,
    tool_choice: Option<Value>,
    parallel_tool_calls: Option<Value>,
    temperature: Option<f64>,
    top_p: Option<f64>,
    max_output_tokens: Option<u64>,
    text: Option<Text>,
    metadata: Option<Value>,
    user: Option<String>,
    background: Option<Value>,
    conversation: Option<Value>,
    include: Option<Value>,
    max_tool_calls: Option<Value>,
    moderation: Option<Value>,
    prompt: Option<Value>,
    top_logprobs: Option<Value>,
    truncation: Option<Value>,
    context_management: Option<Value>,
    prompt_cache_key: Option<Value>,
    prompt_cache_options: Option<Value>,
    prompt_cache_retention: Option<Value>,
    reasoning: Option<Value>,
    safety_identifier: Option<Value>,
    service_tier: Option<Value>,
    stream_options: Option<Value>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "a hint that is known, so that unknown ones can be named")]
#[serde(deny_unknown_fields)]
struct Text {
    format: Option<Value>,
    verbosity: Option<Value>,
}

/// What a request asks.
pub(super) struct Asked {
    pub(super) ask: Ask,
    pub(super) streams: bool,
    /// What the response says of its request.
    pub(super) echo: Value,
}

impl ResponseBody {
    pub(super) fn read(self, is_retry: bool) -> Result<Asked, Failure> {
        self.refuse()?;
        let specs = tools::read(self.tools.as_deref())?;
        let format = self.text.as_ref().and_then(|text| text.format.as_ref());
        let wishes = Wishes {
            temperature: within("temperature", self.temperature, 0.0, 2.0)?,
            top_p: within("top_p", self.top_p, 0.0, 1.0)?,
            stop: Vec::new(),
            max_output: within("max_output_tokens", self.max_output_tokens, 1, u64::MAX)?.map(Tokens),
            choice: tools::choice(self.tool_choice.as_ref(), &specs)?,
            format: tools::format("text.format", format)?,
        };
        let after = self.previous_response_id.as_deref().map(str::parse).transpose();
        let after = after.map_err(|error| Failure::invalid("previous_response_id", error))?;
        let echo = self.echo();
        let (mut inner, messages) = items::read(&self.input)?;
        inner.splice(0..0, self.instructions);
        let store = self.store.unwrap_or(true);
        let ask = Ask {
            model: self.model,
            peer: self.user,
            instructions: (!inner.is_empty()).then(|| inner.join("\n\n")),
            messages,
            tools: specs,
            wishes,
            after,
            keep: store.then(|| echo.clone()),
            is_retry,
        };
        Ok(Asked { ask, streams: self.stream.unwrap_or(false), echo })
    }

    fn echo(&self) -> Value {
        let format = self.text.as_ref().and_then(|text| text.format.clone());
        json!({
            "instructions": self.instructions,
            "max_output_tokens": self.max_output_tokens,
            "previous_response_id": self.previous_response_id,
            "store": self.store.unwrap_or(true),
            "temperature": self.temperature.unwrap_or(1.0),
            "text": {"format": format.unwrap_or_else(|| json!({"type": "text"}))},
            "tool_choice": self.tool_choice.clone().unwrap_or_else(|| json!("auto")),
            "tools": self.tools.clone().unwrap_or_default(),
            "top_p": self.top_p.unwrap_or(1.0),
            "user": self.user,
            "metadata": self.metadata.clone().unwrap_or_else(|| json!({})),
        })
    }

    /// Refuses what changes the meaning of an answer and cannot be honoured.
    fn refuse(&self) -> Result<(), Failure> {
        let background = "is not supported; use stream, or follow an agent's session over the native API";
        only("background", self.background.as_ref(), &[json!(false)], background)?;
        only("conversation", self.conversation.as_ref(), &[], "is not supported; use previous_response_id")?;
        only("max_tool_calls", self.max_tool_calls.as_ref(), &[], "is not supported")?;
        only("moderation", self.moderation.as_ref(), &[], "is not supported")?;
        only("prompt", self.prompt.as_ref(), &[], "is not supported; send instructions and input")?;
        only("top_logprobs", self.top_logprobs.as_ref(), &[json!(0)], "are not supported")?;
        let truncation = [json!("disabled"), json!("auto")];
        only("truncation", self.truncation.as_ref(), &truncation, "must be disabled or auto")?;
        only("context_management", self.context_management.as_ref(), &[], "is not supported")?;
        let include = [json!([]), json!(["reasoning.encrypted_content"])];
        only("include", self.include.as_ref(), &include, "asks for what there is not here; leave it out")?;
        let parallel = self.parallel_tool_calls.as_ref();
        only(
            "parallel_tool_calls",
            parallel,
            &[json!(true)],
            "must be true: a model may call several tools at once",
        )
    }
}
