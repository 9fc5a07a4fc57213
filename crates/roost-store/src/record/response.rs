//! The body of a response: `{"v":1,"asked":{…},"by":{"agent":{…}}}`.

use roost_domain::conversation::{Answer, Message};
use roost_domain::event::Offset;
use roost_domain::response::{AnsweredBy, Response};
use roost_domain::tool::ToolCall;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::event::asked::MessageV1;
use super::event::name::StopV1;
use super::event::turn::{CallV1, UsageV1};
use super::event::{Unreadable, parsed};

const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct ResponseV1 {
    v: u32,
    asked: Value,
    by: ByV1,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ByV1 {
    Agent { agent: String, session: String, turn: String, after: u64 },
    Model { model: String, said: Vec<MessageV1>, answer: AnswerV1 },
}

#[derive(Serialize, Deserialize)]
struct AnswerV1 {
    text: String,
    calls: Vec<CallV1>,
    stop: StopV1,
    usage: UsageV1,
}

/// Writes what is not in columns of its own.
pub(crate) fn encode(response: &Response) -> Result<String, serde_json::Error> {
    let by = match response.by.clone() {
        AnsweredBy::Agent { agent, session, turn, after } => ByV1::Agent {
            agent: agent.to_string(),
            session: session.to_string(),
            turn: turn.to_string(),
            after: after.0,
        },
        AnsweredBy::Model { model, said, answer } => ByV1::Model {
            model: model.to_string(),
            said: said.into_iter().map(MessageV1::from).collect(),
            answer: AnswerV1 {
                text: answer.text,
                calls: answer.calls.into_iter().map(CallV1::from).collect(),
                stop: answer.stop.into(),
                usage: answer.usage.into(),
            },
        },
    };
    serde_json::to_string(&ResponseV1 { v: VERSION, asked: response.asked.clone(), by })
}

/// Reads a body of any version there ever was.
pub(crate) fn decode(text: &str) -> Result<(Value, AnsweredBy), Unreadable> {
    #[derive(Deserialize)]
    struct Head {
        v: u32,
    }
    let head: Head = serde_json::from_str(text).map_err(Unreadable::Shape)?;
    if head.v != VERSION {
        return Err(Unreadable::Version(head.v));
    }
    let record: ResponseV1 = serde_json::from_str(text).map_err(Unreadable::Shape)?;
    let by = match record.by {
        ByV1::Agent { agent, session, turn, after } => AnsweredBy::Agent {
            agent: parsed("agent", &agent)?,
            session: parsed("session", &session)?,
            turn: parsed("turn", &turn)?,
            after: Offset(after),
        },
        ByV1::Model { model, said, answer } => AnsweredBy::Model {
            model: parsed("model", &model)?,
            said: said.into_iter().map(Message::from).collect(),
            answer: Answer {
                text: answer.text,
                calls: answer.calls.into_iter().map(ToolCall::from).collect(),
                stop: answer.stop.into(),
                usage: answer.usage.into(),
            },
        },
    };
    Ok((record.asked, by))
}

#[cfg(test)]
mod tests;
