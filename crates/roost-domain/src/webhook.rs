//! Webhooks: what other people's systems are told, whom, and how often it is tried.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;

use crate::id::{AccountId, DeliveryId, EndpointId};

/// Every kind of event that is told, sorted. `docs/webhooks.md` explains each.
pub const KINDS: [&str; 10] = [
    "agent.auth_required",
    "agent.ready",
    "approval.approved",
    "approval.denied",
    "approval.escalated",
    "approval.expired",
    "approval.requested",
    "approval.voted",
    "approval.withdrawn",
    "gate.blocked",
];

/// Where an account wants to be told of events. Its secret is kept apart from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Its id.
    pub id: EndpointId,
    /// Whose it is.
    pub account: AccountId,
    /// Where messages are posted to.
    pub url: String,
    /// Which kinds are told; empty is all.
    pub kinds: Vec<KindPattern>,
    /// What its owner says about it; may be empty.
    pub description: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was turned off, if it is.
    pub disabled_at: Option<Timestamp>,
}

impl Endpoint {
    /// Tells whether it is to be told of events of a kind.
    pub fn wants(&self, kind: &str) -> bool {
        let chosen = self.kinds.is_empty() || self.kinds.iter().any(|pattern| pattern.matches(kind));
        chosen && self.disabled_at.is_none()
    }
}

/// One kind of event by its name, or all that begin alike: `approval.*`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KindPattern(String);

impl KindPattern {
    /// Tells whether a kind is meant.
    pub fn matches(&self, kind: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some(beginning) => kind.starts_with(beginning),
            None => kind == self.0,
        }
    }

    /// Tells whether any kind that there is today is meant.
    pub fn is_known(&self) -> bool {
        KINDS.iter().any(|kind| self.matches(kind))
    }

    /// Returns its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KindPattern {
    type Err = InvalidKindPattern;

    fn from_str(text: &str) -> Result<Self, InvalidKindPattern> {
        let words = text.strip_suffix(".*").unwrap_or(text);
        let is_word = |word: &str| {
            !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        };
        let ok = text.len() <= 100 && words.split('.').all(is_word);
        if ok { Ok(Self(text.to_owned())) } else { Err(InvalidKindPattern) }
    }
}

impl fmt::Display for KindPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that can mean no kind of event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be a kind of event, such as approval.requested, or the beginning of some, such as approval.*")]
pub struct InvalidKindPattern;

/// One message to one endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its id, by which a receiver knows a message again that comes twice.
    pub id: DeliveryId,
    /// Whose it is.
    pub account: AccountId,
    /// To whom it goes.
    pub endpoint: EndpointId,
    /// What happened.
    pub kind: String,
    /// The body, byte for byte the same in every try, since it is signed.
    pub payload: String,
    /// How it stands.
    pub status: Status,
    /// How often it was tried, the try under way included.
    pub attempts: u32,
    /// When it is tried next; `None` when it is over.
    pub next_at: Option<Timestamp>,
    /// The status of the last answer.
    pub last_status: Option<u16>,
    /// Why the last try failed.
    pub last_error: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When the endpoint took it.
    pub delivered_at: Option<Timestamp>,
}

/// How a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// It is tried, or will be.
    Pending,
    /// The endpoint took it.
    Delivered,
    /// It was given up.
    Failed,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Pending, Self::Delivered, Self::Failed];

    /// Returns its name on the wire and in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }
}

/// How a try ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The endpoint answered.
    Answered {
        /// With this status.
        status: u16,
        /// It wants to be left alone for so long.
        retry_after: Option<Duration>,
    },
    /// There was no answer; this is why.
    NoAnswer(String),
}

impl Outcome {
    /// Tells whether the endpoint is gone for good and wants no more.
    pub const fn is_gone(&self) -> bool {
        matches!(self, Self::Answered { status: 410, .. })
    }
}

impl Delivery {
    /// Writes down how a try ended, and when the next one is.
    #[must_use]
    pub fn tried(self, outcome: &Outcome, at: Timestamp) -> Self {
        let (last_status, problem, patience) = match outcome {
            Outcome::Answered { status: status @ 200..300, .. } => {
                return Self {
                    status: Status::Delivered,
                    next_at: None,
                    last_status: Some(*status),
                    last_error: None,
                    delivered_at: Some(at),
                    ..self
                };
            }
            Outcome::Answered { status: status @ 300..400, .. } => {
                (Some(*status), format!("the endpoint answered {status}; redirects are not followed"), None)
            }
            Outcome::Answered { status, retry_after } => {
                (Some(*status), format!("the endpoint answered {status}"), *retry_after)
            }
            Outcome::NoAnswer(why) => (None, why.clone(), None),
        };
        let wait = if outcome.is_gone() { None } else { wait_after(self.attempts) };
        let wait = wait.map(|wait| wait.max(patience.unwrap_or_default().min(LONGEST_WAIT)));
        let next_at = wait.and_then(|wait| at.checked_add(wait).ok());
        Self {
            status: if next_at.is_some() { Status::Pending } else { Status::Failed },
            next_at,
            last_status,
            last_error: Some(problem),
            ..self
        }
    }

    /// Begins anew with all its tries, the first at once.
    #[must_use]
    pub fn again(self, at: Timestamp) -> Self {
        Self { status: Status::Pending, attempts: 0, next_at: Some(at), delivered_at: None, ..self }
    }
}

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// The waits between tries in seconds: together almost a day.
const WAITS: [u64; 10] =
    [5, 30, 2 * MINUTE, 10 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR, 6 * HOUR, 10 * HOUR];

/// The longest that an endpoint can put off the next try.
const LONGEST_WAIT: Duration = Duration::from_secs(10 * HOUR);

/// Returns how long to wait after so many tries; `None` gives up.
pub fn wait_after(attempts: u32) -> Option<Duration> {
    let tried = usize::try_from(attempts).ok()?.saturating_sub(1);
    WAITS.get(tried).copied().map(Duration::from_secs)
}

#[cfg(test)]
mod tests;
