//! What a caller brings to a turn: what was said before, its own tools, how the model is to answer.

use roost_domain::conversation::{Format, Message, ToolChoice, Wishes};
use roost_domain::tool::{ToolCall, ToolCallId, ToolSpec};
use roost_domain::unit::Tokens;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::turn::CallV1;

/// One message of a conversation.
#[derive(Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "snake_case")]
pub(crate) enum MessageV1 {
    User {
        text: String,
    },
    Assistant {
        text: String,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        calls: Vec<CallV1>,
    },
    Tool {
        call: String,
        tool: String,
        text: String,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        is_error: bool,
    },
}

#[derive(Serialize, Deserialize)]
pub(crate) struct ToolV1 {
    name: String,
    description: String,
    parameters: Value,
}

#[derive(Default, Serialize, Deserialize)]
pub(crate) struct WishesV1 {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    stop: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_output: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    choice: Option<ChoiceV1>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    format: Option<FormatV1>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ChoiceV1 {
    None,
    Required,
    Named(String),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum FormatV1 {
    JsonObject,
    JsonSchema { name: String, schema: Value, strict: bool },
}

impl WishesV1 {
    pub(crate) const fn is_empty(&self) -> bool {
        self.temperature.is_none()
            && self.top_p.is_none()
            && self.stop.is_empty()
            && self.max_output.is_none()
            && self.choice.is_none()
            && self.format.is_none()
    }
}

impl From<Message> for MessageV1 {
    fn from(message: Message) -> Self {
        match message {
            Message::User(text) => Self::User { text },
            Message::Assistant { text, calls } => {
                Self::Assistant { text, calls: calls.into_iter().map(CallV1::from).collect() }
            }
            Message::ToolResult { call, tool, text, is_error } => {
                Self::Tool { call: call.to_string(), tool, text, is_error }
            }
        }
    }
}

impl From<MessageV1> for Message {
    fn from(record: MessageV1) -> Self {
        match record {
            MessageV1::User { text } => Self::User(text),
            MessageV1::Assistant { text, calls } => {
                Self::Assistant { text, calls: calls.into_iter().map(ToolCall::from).collect() }
            }
            MessageV1::Tool { call, tool, text, is_error } => {
                Self::ToolResult { call: ToolCallId::from_text(call), tool, text, is_error }
            }
        }
    }
}

impl From<ToolSpec> for ToolV1 {
    fn from(spec: ToolSpec) -> Self {
        Self { name: spec.name, description: spec.description, parameters: spec.parameters }
    }
}

impl From<ToolV1> for ToolSpec {
    /// Nobody knows whether a caller's tool can be used twice without harm.
    fn from(record: ToolV1) -> Self {
        Self {
            name: record.name,
            description: record.description,
            parameters: record.parameters,
            idempotent: false,
        }
    }
}

impl From<Wishes> for WishesV1 {
    fn from(wishes: Wishes) -> Self {
        Self {
            temperature: wishes.temperature,
            top_p: wishes.top_p,
            stop: wishes.stop,
            max_output: wishes.max_output.map(|tokens| tokens.0),
            choice: match wishes.choice {
                ToolChoice::Auto => None,
                ToolChoice::None => Some(ChoiceV1::None),
                ToolChoice::Required => Some(ChoiceV1::Required),
                ToolChoice::Named(tool) => Some(ChoiceV1::Named(tool)),
            },
            format: match wishes.format {
                Format::Text => None,
                Format::JsonObject => Some(FormatV1::JsonObject),
                Format::JsonSchema { name, schema, strict } => {
                    Some(FormatV1::JsonSchema { name, schema, strict })
                }
            },
        }
    }
}

impl From<WishesV1> for Wishes {
    fn from(record: WishesV1) -> Self {
        Self {
            temperature: record.temperature,
            top_p: record.top_p,
            stop: record.stop,
            max_output: record.max_output.map(Tokens),
            choice: match record.choice {
                None => ToolChoice::Auto,
                Some(ChoiceV1::None) => ToolChoice::None,
                Some(ChoiceV1::Required) => ToolChoice::Required,
                Some(ChoiceV1::Named(tool)) => ToolChoice::Named(tool),
            },
            format: match record.format {
                None => Format::Text,
                Some(FormatV1::JsonObject) => Format::JsonObject,
                Some(FormatV1::JsonSchema { name, schema, strict }) => {
                    Format::JsonSchema { name, schema, strict }
                }
            },
        }
    }
}
