//! Scripts: models whose answers come from a file.
//!
//! A script is stateless: what it answers follows from the conversation alone, so the same script tells the same
//! story in process and over every wire format. Only the counts of `error.times` and `break_times` live beside
//! it. The format is documented in `docs/scripted-models.md`.

mod expand;
mod play;
mod wire;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use regex::Regex;
use roost_domain::conversation::StopReason;
use roost_domain::model::Usage;
use serde_json::Value;

pub(crate) use play::{Performance, Play, ScriptFault};

/// A script, checked and ready. Clones share the counts of errors already given.
#[derive(Debug, Clone)]
pub struct Script {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    turns: Vec<Vec<Round>>,
    rules: Vec<Rule>,
    default: Vec<Round>,
    counts: Mutex<HashMap<(Place, Counted), u32>>,
}

/// Where a round stands in its script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Place {
    Turn { turn: usize, round: usize },
    Rule { rule: usize, round: usize },
    Default { round: usize },
}

/// What is counted of a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Counted {
    Errors,
    Breaks,
}

#[derive(Debug)]
struct Rule {
    when: Regex,
    then: Vec<Round>,
}

/// One answer of the model.
#[derive(Debug)]
struct Round {
    text: String,
    calls: Vec<Call>,
    stop: Option<StopReason>,
    usage: Option<Usage>,
    chunks: Option<usize>,
    delay: Duration,
    chunk_delay: Duration,
    error: Option<RoundError>,
    break_after: Option<usize>,
    break_times: Option<u32>,
}

#[derive(Debug)]
struct Call {
    tool: String,
    arguments: Value,
}

#[derive(Debug)]
struct RoundError {
    status: u16,
    message: Option<String>,
    retry_after: Option<Duration>,
    times: u32,
}

/// A script that cannot be used; the message says where and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidScript(pub String);

impl Script {
    /// Reads a script.
    ///
    /// # Errors
    ///
    /// [`InvalidScript`] with line and column for what is not of the format, or naming the turn, rule and round
    /// of a value that is out of bounds.
    pub fn parse(yaml: &str) -> Result<Self, InvalidScript> {
        let (turns, rules, default) = wire::read(yaml)?;
        Ok(Self { inner: Arc::new(Inner { turns, rules, default, counts: Mutex::new(HashMap::new()) }) })
    }

    /// Counts one more of something, as long as there are fewer than `limit`, and tells whether there were.
    fn count(&self, place: Place, counted: Counted, limit: u32) -> bool {
        let mut counts = self.inner.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry((place, counted)).or_default();
        let below = *count < limit;
        if below {
            *count += 1;
        }
        below
    }
}

#[cfg(test)]
mod tests;
