use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;

use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::stream;
use roost_domain::conversation::{Answer, Conversation, Message, StopReason, Wishes};
use roost_domain::gate::Permit;
use roost_domain::model::{ModelName, Price, Usage};
use roost_domain::tool::{ToolCall, ToolCallId};
use roost_domain::unit::{MicroUsd, Tokens};
use roost_ports::model::{Chunk, Chunks, Description, Error, Models, Request};
use serde_json::Value;

/// What a test model answers to one call.
pub enum Reply {
    /// Says these pieces of text.
    Say(Vec<&'static str>),
    /// Wants these tools, after saying something.
    Use(&'static str, Vec<(&'static str, Value)>),
    /// Says these pieces and then is silent for ever.
    Hang(Vec<&'static str>),
    /// Says these pieces and then breaks off.
    Break(Vec<&'static str>),
    /// Refuses.
    Fail(Error),
}

impl Reply {
    /// Refuses the key, as a provider does whose key was revoked.
    pub fn refused() -> Self {
        let provider = "test".to_owned();
        Self::Fail(Error::Auth { provider, status: 401, message: "no such key".to_owned() })
    }
}

/// A model that says what the test tells it to.
///
/// Every model name of the providers `test` (free, no key needed), `paid` (a dollar per million tokens read, ten
/// per million written), `keyed` (free, needs a key) and `unpriced` (nobody knows what it costs) is served. A call that nobody prepared is answered by
/// repeating what the peer said.
#[derive(Default)]
pub struct TestModels {
    replies: Mutex<HashMap<String, VecDeque<Reply>>>,
    asked: Mutex<Vec<Conversation>>,
    wishes: Mutex<Vec<Wishes>>,
    keys: Mutex<Vec<Option<String>>>,
}

impl TestModels {
    /// Prepares answers for the conversation whose last message of the peer is `message`, in their order.
    pub fn when(&self, message: &str, replies: impl IntoIterator<Item = Reply>) {
        self.replies.lock().expect("no panic in here").entry(message.to_owned()).or_default().extend(replies);
    }

    /// Returns how the model was to answer, call by call.
    pub fn wishes(&self) -> Vec<Wishes> {
        self.wishes.lock().expect("no panic in here").clone()
    }

    /// Returns what the model was given to read, call by call.
    pub fn asked(&self) -> Vec<Conversation> {
        self.asked.lock().expect("no panic in here").clone()
    }
    /// Returns the keys that were used, call by call.
    pub fn keys(&self) -> Vec<Option<String>> {
        self.keys.lock().expect("no panic in here").clone()
    }
}

const USAGE: Usage =
    Usage { input: Tokens(100), cached: Tokens(40), cache_written: Tokens(0), output: Tokens(20) };

fn answer(text: &str, calls: Vec<ToolCall>) -> Answer {
    let stop = if calls.is_empty() { StopReason::EndTurn } else { StopReason::ToolUse };
    Answer { text: text.to_owned(), calls, stop, usage: USAGE }
}

fn last_said(conversation: &Conversation) -> &str {
    let said = conversation.messages.iter().rev().find_map(|message| match message {
        Message::User(text) => {
            let said = text.split_once("</recalled>\n\n").map_or(text.as_str(), |(_, said)| said);
            Some(said.rsplit("</context>\n\n").next().unwrap_or(said))
        }
        Message::Assistant { .. } | Message::ToolResult { .. } => None,
    });
    said.unwrap_or_default()
}

#[async_trait]
impl Models for TestModels {
    fn describe(&self, model: &ModelName) -> Result<Description, Error> {
        let price = match model.provider() {
            "test" | "keyed" | "unpriced" => Price::FREE,
            "paid" => Price {
                input: MicroUsd(1_000_000),
                cached: MicroUsd(100_000),
                cache_written: MicroUsd(1_000_000),
                output: MicroUsd(10_000_000),
            },
            _ => {
                let hint = "the providers are test, paid and keyed".to_owned();
                return Err(Error::UnknownModel { model: model.to_string(), hint });
            }
        };
        let priced = model.provider() != "unpriced";
        Ok(Description { price, priced, context: Tokens(100_000), max_output: Tokens(1_000) })
    }

    fn default_model(&self, provider: &str) -> Option<ModelName> {
        let usual = match provider {
            "anthropic" | "openai" | "google" | "keyed" => "keyed/usual",
            _ => return None,
        };
        usual.parse().ok()
    }

    fn has_own_access(&self, model: &ModelName) -> bool {
        model.provider() != "keyed"
    }

    fn listed(&self) -> Vec<ModelName> {
        ["paid/mid", "test/echo"].into_iter().filter_map(|name| name.parse().ok()).collect()
    }

    async fn stream(&self, permit: &Permit, request: Request) -> Result<Chunks, Error> {
        assert_eq!(permit.action().name(), "call_model", "the gate's leave is for something else");
        self.asked.lock().expect("no panic in here").push(request.conversation.clone());
        self.wishes.lock().expect("no panic in here").push(request.wishes.clone());
        let key = request.key.as_ref().map(|key| key.expose().to_owned());
        self.keys.lock().expect("no panic in here").push(key);
        let said = last_said(&request.conversation).to_owned();
        let reply =
            self.replies.lock().expect("no panic in here").get_mut(&said).and_then(VecDeque::pop_front);
        let text = |pieces: &[&str]| -> Vec<Result<Chunk, Error>> {
            pieces.iter().map(|piece| Ok(Chunk::Text((*piece).to_owned()))).collect()
        };
        let chunks = match reply {
            None => {
                let answer = answer(&format!("You said: {said}"), Vec::new());
                vec![Ok(Chunk::Text(answer.text.clone())), Ok(Chunk::End(answer))]
            }
            Some(Reply::Say(pieces)) => {
                let end = Ok(Chunk::End(answer(&pieces.concat(), Vec::new())));
                text(&pieces).into_iter().chain([end]).collect()
            }
            Some(Reply::Use(said, tools)) => {
                let call = |(index, (tool, arguments)): (usize, (&str, Value))| ToolCall {
                    id: ToolCallId::from_text(format!("provider-{index}")),
                    tool: tool.to_owned(),
                    arguments,
                };
                let calls = tools.into_iter().enumerate().map(call).collect();
                vec![Ok(Chunk::Text(said.to_owned())), Ok(Chunk::End(answer(said, calls)))]
            }
            Some(Reply::Hang(pieces)) => {
                return Ok(stream::iter(text(&pieces)).chain(stream::pending()).boxed());
            }
            Some(Reply::Break(pieces)) => {
                let broken = Err(Error::Broken { provider: "test".to_owned() });
                text(&pieces).into_iter().chain([broken]).collect()
            }
            Some(Reply::Fail(error)) => return Err(error),
        };
        Ok(stream::iter(chunks).boxed())
    }
}
