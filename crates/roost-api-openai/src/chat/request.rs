use roost_core::Ask;
use roost_domain::conversation::{Message, Wishes};
use roost_domain::tool::{ToolCall, ToolCallId};
use roost_domain::unit::Tokens;
use roost_http::Failure;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::unsupported::{only, within};
use crate::{content, tools};

/// Parameters that are taken and change nothing here: hints about speed, cost and caching, and what OpenAI keeps.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "fields that are known, so that unknown ones can be named")]
pub(crate) struct ChatBody {
    model: String,
    messages: Vec<ChatMessage>,
    stream: Option<bool>,
    stream_options: Option<StreamOptions>,
    tools: Option<Vec<Value>>,
    tool_choice: Option<Value>,
    parallel_tool_calls: Option<Value>,
    response_format: Option<Value>,
    temperature: Option<f64>,
    top_p: Option<f64>,
    stop: Option<Value>,
    max_tokens: Option<u64>,
    max_completion_tokens: Option<u64>,
    user: Option<String>,
    n: Option<Value>,
    logprobs: Option<Value>,
    top_logprobs: Option<Value>,
    logit_bias: Option<Value>,
    presence_penalty: Option<Value>,
    frequency_penalty: Option<Value>,
    modalities: Option<Value>,
    audio: Option<Value>,
    functions: Option<Value>,
    function_call: Option<Value>,
    web_search_options: Option<Value>,
    moderation: Option<Value>,
    metadata: Option<Value>,
    prediction: Option<Value>,
    prompt_cache_key: Option<Value>,
    prompt_cache_options: Option<Value>,
    prompt_cache_retention: Option<Value>,
    reasoning_effort: Option<Value>,
    safety_identifier: Option<Value>,
    seed: Option<Value>,
    service_tier: Option<Value>,
    store: Option<Value>,
    verbosity: Option<Value>,
}

#[derive(Deserialize)]
struct StreamOptions {
    #[serde(default)]
    include_usage: bool,
}

/// A message. What clients send back of what they were told may hold more.
#[derive(Deserialize)]
struct ChatMessage {
    role: String,
    content: Option<Value>,
    tool_calls: Option<Vec<ChatCall>>,
    tool_call_id: Option<String>,
    function_call: Option<Value>,
}

#[derive(Deserialize)]
struct ChatCall {
    id: Option<String>,
    function: Option<Value>,
}

/// What a request asks.
pub(crate) struct Asked {
    pub(crate) ask: Ask,
    pub(crate) streams: bool,
    pub(crate) include_usage: bool,
}

impl ChatBody {
    pub(crate) fn read(self, is_retry: bool) -> Result<Asked, Failure> {
        self.refuse()?;
        let streams = self.stream.unwrap_or(false);
        let include_usage = self.stream_options.as_ref().is_some_and(|options| options.include_usage);
        if !streams && self.stream_options.is_some() {
            return Err(Failure::invalid("stream_options", "may only be given when stream is true"));
        }
        let specs = tools::read(self.tools.as_deref())?;
        let wishes = Wishes {
            temperature: within("temperature", self.temperature, 0.0, 2.0)?,
            top_p: within("top_p", self.top_p, 0.0, 1.0)?,
            stop: stops(self.stop.as_ref())?,
            max_output: self.max_output()?,
            choice: tools::choice(self.tool_choice.as_ref(), &specs)?,
            format: tools::format("response_format", self.response_format.as_ref())?,
        };
        let (instructions, messages) = messages(self.messages)?;
        let ask = Ask {
            model: self.model,
            peer: self.user,
            instructions,
            messages,
            tools: specs,
            wishes,
            after: None,
            keep: None,
            is_retry,
        };
        Ok(Asked { ask, streams, include_usage })
    }

    fn max_output(&self) -> Result<Option<Tokens>, Failure> {
        let older = within("max_tokens", self.max_tokens, 1, u64::MAX)?;
        let newer = within("max_completion_tokens", self.max_completion_tokens, 1, u64::MAX)?;
        Ok(newer.or(older).map(Tokens))
    }

    /// Refuses what changes the meaning of an answer and cannot be honoured.
    fn refuse(&self) -> Result<(), Failure> {
        let (no, zero) = (json!(false), json!(0));
        only("n", self.n.as_ref(), &[json!(1)], "must be 1; ask several times for several answers")?;
        only("logprobs", self.logprobs.as_ref(), &[no], "are not supported")?;
        only("top_logprobs", self.top_logprobs.as_ref(), std::slice::from_ref(&zero), "are not supported")?;
        only("logit_bias", self.logit_bias.as_ref(), &[json!({})], "is not supported")?;
        let none = [zero, json!(0.0)];
        only("presence_penalty", self.presence_penalty.as_ref(), &none, "is not supported; leave it at 0")?;
        only("frequency_penalty", self.frequency_penalty.as_ref(), &none, "is not supported; leave it at 0")?;
        only("modalities", self.modalities.as_ref(), &[json!(["text"])], "must be [\"text\"]")?;
        only("audio", self.audio.as_ref(), &[], "is not supported")?;
        only("functions", self.functions.as_ref(), &[], "are not supported; use tools")?;
        only("function_call", self.function_call.as_ref(), &[], "is not supported; use tool_choice")?;
        only("web_search_options", self.web_search_options.as_ref(), &[], "are not supported")?;
        only("moderation", self.moderation.as_ref(), &[], "is not supported")?;
        let parallel = self.parallel_tool_calls.as_ref();
        only(
            "parallel_tool_calls",
            parallel,
            &[json!(true)],
            "must be true: a model may call several tools at once",
        )
    }
}

fn stops(given: Option<&Value>) -> Result<Vec<String>, Failure> {
    let wrong = || Failure::invalid("stop", "must be a text or a list of up to 4 texts, none of them empty");
    let stops = match given {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(list)) if list.len() <= 4 => list
            .iter()
            .map(|text| text.as_str().map(str::to_owned).ok_or_else(wrong))
            .collect::<Result<_, _>>()?,
        Some(_) => return Err(wrong()),
    };
    if stops.iter().any(String::is_empty) { Err(wrong()) } else { Ok(stops) }
}

/// Parts the instructions from the conversation.
fn messages(wire: Vec<ChatMessage>) -> Result<(Option<String>, Vec<Message>), Failure> {
    let mut instructions: Vec<String> = Vec::new();
    let mut messages: Vec<Message> = Vec::new();
    for (place, message) in wire.into_iter().enumerate() {
        let field = format!("messages[{place}]");
        let text = content::text(&format!("{field}.content"), message.content.as_ref())?;
        let required = |text: Option<String>| {
            text.ok_or_else(|| Failure::invalid(&format!("{field}.content"), "is required"))
        };
        match message.role.as_str() {
            "system" | "developer" => instructions.push(required(text)?),
            "user" => messages.push(Message::User(required(text)?)),
            "assistant" => {
                if message.function_call.is_some_and(|call| !call.is_null()) {
                    let problem = "is not supported; use tool_calls";
                    return Err(Failure::invalid(&format!("{field}.function_call"), problem));
                }
                let calls = calls(&field, message.tool_calls.unwrap_or_default())?;
                if calls.is_empty() && text.is_none() {
                    let problem = "is required where there are no tool_calls";
                    return Err(Failure::invalid(&format!("{field}.content"), problem));
                }
                messages.push(Message::Assistant { text: text.unwrap_or_default(), calls });
            }
            "tool" => {
                let id = message.tool_call_id.filter(|id| !id.is_empty());
                let id =
                    id.ok_or_else(|| Failure::invalid(&format!("{field}.tool_call_id"), "is required"))?;
                let call = ToolCallId::from_text(id);
                let tool = tool_of(&messages, &call);
                messages.push(Message::ToolResult { call, tool, text: required(text)?, is_error: false });
            }
            _ => {
                let problem = "must be system, developer, user, assistant or tool";
                return Err(Failure::invalid(&format!("{field}.role"), problem));
            }
        }
    }
    Ok(((!instructions.is_empty()).then(|| instructions.join("\n\n")), messages))
}

fn calls(field: &str, wire: Vec<ChatCall>) -> Result<Vec<ToolCall>, Failure> {
    let call = |(place, call): (usize, ChatCall)| {
        let field = format!("{field}.tool_calls[{place}].function");
        let inner = call.function.ok_or_else(|| Failure::invalid(&field, "is required"))?;
        tools::call(&field, call.id.as_deref(), &inner)
    };
    wire.into_iter().enumerate().map(call).collect()
}

/// Returns the name of the tool that a result is of; the core refuses results without a call.
pub(crate) fn tool_of(messages: &[Message], id: &ToolCallId) -> String {
    let calls = messages.iter().rev().filter_map(|message| match message {
        Message::Assistant { calls, .. } => Some(calls),
        Message::User(_) | Message::ToolResult { .. } => None,
    });
    calls.flatten().find(|call| call.id == *id).map(|call| call.tool.clone()).unwrap_or_default()
}
