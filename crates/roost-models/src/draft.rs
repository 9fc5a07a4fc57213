//! An answer while it is being received.

use std::time::Duration;

use roost_domain::conversation::{Answer, Conversation, Message, StopReason};
use roost_domain::model::Usage;
use roost_domain::tool::{ToolCall, ToolCallId};
use roost_domain::unit::Tokens;
use serde_json::{Map, Value};

/// The most text and arguments one answer may have, in bytes.
pub(crate) const MAX_ANSWER_BYTES: usize = 4 * 1024 * 1024;
/// The most tools one answer may ask for.
const MAX_CALLS: usize = 256;

/// The key under which arguments that are not JSON are handed on, so that the agent loop can show the model what
/// it wrote.
pub(crate) const INVALID_JSON: &str = "_invalid_json";

/// Why an answer cannot be read.
#[derive(Debug)]
pub(crate) enum Fault {
    /// It ended in the middle.
    Broken,
    /// It is not of the vendor's form.
    Nonsense(String),
    /// The vendor says that it failed.
    Reported(Reported),
}

/// A failure as a vendor reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reported {
    /// The HTTP status, or the one that the vendor documents for the kind of error.
    pub(crate) status: u16,
    /// What it says; not shortened yet and not yet free of keys.
    pub(crate) message: String,
    /// Whether asking again is of no use although the status says otherwise.
    pub(crate) lasting: bool,
    /// When it may help to ask again, where the body says so.
    pub(crate) retry_after: Option<Duration>,
}

impl Reported {
    pub(crate) fn new(status: u16, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), lasting: false, retry_after: None }
    }
}

/// What one event of a stream brought.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// More text.
    pub(crate) text: String,
    /// Whether the vendor said that nothing follows.
    pub(crate) done: bool,
}

impl Progress {
    pub(crate) const DONE: Self = Self { text: String::new(), done: true };
}

/// Reads a vendor's stream, event by event.
pub(crate) trait Decode: Send {
    /// Reads the data of one event.
    fn event(&mut self, data: &str) -> Result<Progress, Fault>;

    /// Whether anything of the answer has come; from then on the call is not tried again.
    fn begun(&self) -> bool;

    /// Ends the stream: the whole answer, or [`Fault::Broken`] if it is not whole.
    fn finish(&mut self) -> Result<Answer, Fault>;
}

/// The parts of an answer that have come.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    text: String,
    calls: Vec<DraftCall>,
    bytes: usize,
}

#[derive(Debug, Default)]
struct DraftCall {
    id: String,
    tool: String,
    /// Arguments that came whole, as JSON.
    given: Option<Value>,
    /// Arguments that came in pieces.
    raw: String,
}

impl Draft {
    pub(crate) fn is_empty(&self) -> bool {
        self.text.is_empty() && self.calls.is_empty()
    }

    pub(crate) fn push_text(&mut self, text: &str) -> Result<(), Fault> {
        self.grow(text.len())?;
        self.text.push_str(text);
        Ok(())
    }

    /// Begins a call and returns its place.
    pub(crate) fn open_call(&mut self, id: &str, tool: &str) -> Result<usize, Fault> {
        self.grow(id.len() + tool.len())?;
        if self.calls.len() == MAX_CALLS {
            return Err(Fault::Nonsense(format!("more than {MAX_CALLS} tool calls in one answer")));
        }
        self.calls.push(DraftCall { id: id.to_owned(), tool: tool.to_owned(), ..DraftCall::default() });
        Ok(self.calls.len() - 1)
    }

    /// Names a call whose beginning did not; a name or id once given stays.
    pub(crate) fn name_call(&mut self, place: usize, id: &str, tool: &str) -> Result<(), Fault> {
        self.grow(id.len() + tool.len())?;
        let call = self.call(place)?;
        if call.id.is_empty() {
            id.clone_into(&mut call.id);
        }
        if call.tool.is_empty() {
            tool.clone_into(&mut call.tool);
        }
        Ok(())
    }

    pub(crate) fn push_arguments(&mut self, place: usize, piece: &str) -> Result<(), Fault> {
        self.grow(piece.len())?;
        self.call(place)?.raw.push_str(piece);
        Ok(())
    }

    pub(crate) fn set_arguments(&mut self, place: usize, arguments: Value) -> Result<(), Fault> {
        self.grow(arguments.to_string().len())?;
        self.call(place)?.given = Some(arguments);
        Ok(())
    }

    fn call(&mut self, place: usize) -> Result<&mut DraftCall, Fault> {
        self.calls
            .get_mut(place)
            .ok_or_else(|| Fault::Nonsense("a piece of a tool call that never began".into()))
    }

    fn grow(&mut self, by: usize) -> Result<(), Fault> {
        self.bytes += by;
        if self.bytes > MAX_ANSWER_BYTES {
            return Err(Fault::Nonsense(format!("an answer of more than {MAX_ANSWER_BYTES} bytes")));
        }
        Ok(())
    }

    /// Makes the whole answer.
    ///
    /// Vendors disagree about how an answer that wants tools ends, so an answer with calls that ended by itself
    /// ends in [`StopReason::ToolUse`], one without never does. `seed` makes ids for calls without one.
    pub(crate) fn finish(&mut self, stop: StopReason, usage: Usage, seed: &str) -> Result<Answer, Fault> {
        let draft = std::mem::take(self);
        let stop = match stop {
            StopReason::EndTurn | StopReason::ToolUse if draft.calls.is_empty() => StopReason::EndTurn,
            StopReason::EndTurn | StopReason::ToolUse => StopReason::ToolUse,
            StopReason::MaxOutput | StopReason::Refused => stop,
        };
        let calls = draft
            .calls
            .into_iter()
            .enumerate()
            .map(|(place, call)| call.finish(place, stop, seed))
            .collect::<Result<_, _>>()?;
        Ok(Answer { text: draft.text, calls, stop, usage })
    }
}

impl DraftCall {
    fn finish(self, place: usize, stop: StopReason, seed: &str) -> Result<ToolCall, Fault> {
        if self.tool.is_empty() {
            return Err(Fault::Nonsense("a tool call without a name".into()));
        }
        let id = if self.id.is_empty() { format!("call_{seed}_{place}") } else { self.id };
        let arguments = match self.given {
            Some(given) if self.raw.is_empty() => given,
            Some(_) | None => read_arguments(&self.raw, stop),
        };
        Ok(ToolCall { id: ToolCallId::from_text(id), tool: self.tool, arguments })
    }
}

/// Reads arguments as a model wrote them. No text at all is how vendors write a call without arguments, unless
/// the answer was cut at its length: then they are missing, and the call must not be made without them.
fn read_arguments(raw: &str, stop: StopReason) -> Value {
    if raw.trim().is_empty() && stop != StopReason::MaxOutput {
        return Value::Object(Map::new());
    }
    serde_json::from_str(raw).unwrap_or_else(|_| {
        let mut wrong = Map::new();
        wrong.insert(INVALID_JSON.to_owned(), Value::String(raw.to_owned()));
        Value::Object(wrong)
    })
}

/// Returns arguments as vendors take them back: always an object.
pub(crate) fn object_arguments(arguments: &Value) -> Value {
    if arguments.is_object() {
        return arguments.clone();
    }
    let mut wrapped = Map::new();
    wrapped.insert("value".to_owned(), arguments.clone());
    Value::Object(wrapped)
}

/// Estimates what a call used, for servers that do not tell: on the high side, as [`Tokens::estimate`] is.
pub(crate) fn estimate_usage(input: Tokens, answer: &Answer) -> Usage {
    let arguments: u64 = answer
        .calls
        .iter()
        .map(|call| Tokens::estimate(&call.tool).0 + Tokens::estimate(&call.arguments.to_string()).0)
        .sum();
    Usage {
        input,
        cached: Tokens(0),
        cache_written: Tokens(0),
        output: Tokens(Tokens::estimate(&answer.text).0 + arguments),
    }
}

/// Estimates the tokens of all that a model reads. The same for the same story over every wire format, so ids
/// and schemas, which vendors rewrite, do not count.
pub(crate) fn estimate_input(conversation: &Conversation) -> Tokens {
    let mut total = Tokens::estimate(&conversation.system).0;
    for tool in &conversation.tools {
        total += Tokens::estimate(&tool.name).0 + Tokens::estimate(&tool.description).0;
    }
    for message in &conversation.messages {
        total += match message {
            Message::User(text) | Message::ToolResult { text, .. } => Tokens::estimate(text).0,
            Message::Assistant { text, calls } => {
                let arguments: u64 = calls
                    .iter()
                    .map(|call| Tokens::estimate(&object_arguments(&call.arguments).to_string()).0)
                    .sum();
                Tokens::estimate(text).0 + arguments
            }
        };
    }
    Tokens(total)
}

#[cfg(test)]
mod tests;
