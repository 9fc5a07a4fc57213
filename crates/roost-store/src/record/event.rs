//! The body of an event: `{"v":1,"turn":"turn_…","kind":"tool_started",…}`. What stands in a turn names it and
//! is one of [`turn::TurnV1`]; everything else is one of [`journal::JournalV1`].

use std::borrow::Cow;

use roost_domain::event::{Body, TurnEvent};
use roost_domain::id::TurnId;
use serde::{Deserialize, Serialize};

use self::journal::JournalV1;
use self::turn::TurnV1;

pub(crate) mod asked;
mod journal;
pub(crate) mod name;
pub(crate) mod turn;

const VERSION: u32 = 1;

/// Why a record cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreadable {
    /// It was written by a newer version of the server.
    #[error("version {0} of the record is not known, only {VERSION} is")]
    Version(u32),
    /// It is no JSON, or a kind or a field is not known. The text says which.
    #[error("{0}")]
    Shape(serde_json::Error),
    /// A field holds what cannot be.
    #[error("{field}: {problem}")]
    Field {
        /// Which.
        field: &'static str,
        /// What is wrong with it.
        problem: String,
    },
}

/// Writes a body.
pub(crate) fn encode(body: &Body) -> Result<String, serde_json::Error> {
    match body {
        Body::Journal(journal) => written(None, &JournalV1::from(journal)),
        Body::SessionStarted { channel } => {
            written(None, &JournalV1::SessionStarted { channel: (*channel).into() })
        }
        Body::Turn { turn, event } => written(Some(turn.to_string()), &TurnV1::from(event)),
    }
}

fn written<K: Serialize>(turn: Option<String>, kind: &K) -> Result<String, serde_json::Error> {
    serde_json::to_string(&Written { v: VERSION, turn, kind })
}

/// Reads a body of any version there ever was.
pub(crate) fn decode(text: &str) -> Result<Body, Unreadable> {
    let head: Head<'_> = serde_json::from_str(text).map_err(Unreadable::Shape)?;
    if head.v != VERSION {
        return Err(Unreadable::Version(head.v));
    }
    match head.turn {
        Some(turn) => {
            let turn: TurnId = parsed("turn", &turn)?;
            let event: TurnV1 = serde_json::from_str(text).map_err(Unreadable::Shape)?;
            Ok(Body::Turn { turn, event: TurnEvent::try_from(event)? })
        }
        None => {
            let journal: JournalV1 = serde_json::from_str(text).map_err(Unreadable::Shape)?;
            Body::try_from(journal)
        }
    }
}

#[derive(Deserialize)]
struct Head<'a> {
    v: u32,
    #[serde(borrow, default)]
    turn: Option<Cow<'a, str>>,
}

#[derive(Serialize)]
struct Written<'a, K> {
    v: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    turn: Option<String>,
    #[serde(flatten)]
    kind: &'a K,
}

pub(crate) fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(
    field: &'static str,
    text: &str,
) -> Result<T, Unreadable> {
    text.parse().map_err(|error: T::Err| Unreadable::Field { field, problem: error.to_string() })
}

#[cfg(test)]
mod tests;
