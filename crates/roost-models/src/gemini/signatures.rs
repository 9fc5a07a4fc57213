//! Thought signatures: what Gemini wants back with its calls.
//!
//! Gemini signs the calls it makes and refuses a history in which the signatures of the current turn are
//! missing. The neutral form has no place for them, so they are remembered here, beside it: by the conversation
//! that led to the answer, which is the same when the answer stands in the history of the next call. What is no
//! longer remembered, after a restart or for history that another model wrote, is sent with the text that Google
//! documents for foreign history.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use roost_domain::conversation::{Conversation, Message};
use roost_domain::tool::ToolCall;
use sha2::{Digest, Sha256};

use crate::draft::object_arguments;

/// What Google documents for calls that carry no signature of Gemini's.
pub(crate) const FOREIGN: &str = "skip_thought_signature_validator";
/// How many answers are remembered; the oldest is forgotten first.
const MAX_ANSWERS: usize = 4_096;
/// The longest signatures of one answer that are remembered, in bytes.
const MAX_BYTES: usize = 64 * 1024;

/// Names the answer to one conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Place([u8; 32]);

/// The signatures of an answer's calls, by their order.
pub(crate) type Signed = Vec<Option<String>>;

/// Remembers signatures. Bounded; shared by all calls of a server.
#[derive(Debug, Default)]
pub(crate) struct Signatures {
    memory: Mutex<Memory>,
}

#[derive(Debug, Default)]
struct Memory {
    answers: HashMap<Place, Signed>,
    order: VecDeque<Place>,
}

impl Signatures {
    /// Remembers the signatures of the answer at a place.
    pub(crate) fn keep(&self, place: Place, signed: Signed) {
        let bytes: usize = signed.iter().flatten().map(String::len).sum();
        if bytes == 0 || bytes > MAX_BYTES {
            return;
        }
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        if memory.answers.insert(place, signed).is_none() {
            memory.order.push_back(place);
        }
        while memory.order.len() > MAX_ANSWERS {
            if let Some(oldest) = memory.order.pop_front() {
                memory.answers.remove(&oldest);
            }
        }
    }

    /// Returns the signatures of the answer at a place, if they are remembered.
    pub(crate) fn find(&self, place: Place) -> Option<Signed> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner).answers.get(&place).cloned()
    }
}

/// Names the places of a conversation, message by message. Call ids do not count: the server gives calls names of
/// its own.
pub(crate) struct Walk(Sha256);

impl Walk {
    pub(crate) fn new(model: &str, system: &str) -> Self {
        let mut walk = Self(Sha256::new());
        walk.put(model);
        walk.put(system);
        walk
    }

    /// Returns the place of the answer that follows the messages so far.
    pub(crate) fn place(&self) -> Place {
        Place(self.0.clone().finalize().into())
    }

    pub(crate) fn step(&mut self, message: &Message) {
        match message {
            Message::User(text) => {
                self.put("user");
                self.put(text);
            }
            Message::Assistant { text, calls } => {
                self.put("assistant");
                self.put(text);
                calls.iter().for_each(|call| self.call(call));
            }
            Message::ToolResult { tool, text, is_error, call: _ } => {
                self.put(if *is_error { "error" } else { "result" });
                self.put(tool);
                self.put(text);
            }
        }
    }

    fn call(&mut self, call: &ToolCall) {
        self.put(&call.tool);
        self.put(&object_arguments(&call.arguments).to_string());
    }

    fn put(&mut self, part: &str) {
        self.0.update((part.len() as u64).to_be_bytes());
        self.0.update(part.as_bytes());
    }
}

/// Returns the place of the answer to a conversation.
pub(crate) fn place(model: &str, conversation: &Conversation) -> Place {
    let mut walk = Walk::new(model, &conversation.system);
    conversation.messages.iter().for_each(|message| walk.step(message));
    walk.place()
}
