//! Policies: which tools an agent may use by itself, which after asking, and which not at all.
//!
//! A policy is read from a document ([`Policy::read`], whose errors name the place), made ready once
//! ([`Compiled`]) and then asked about each call ([`Compiled::judge`]). Blocking comes before asking, asking
//! before allowing, and a tool in no list gets the policy's default.

use std::fmt;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::scan::Severity;

mod check;
mod compiled;
mod constraint;
mod document;
mod pattern;
mod read;
mod suggest;

pub use check::{Problem, ProblemKind, check};
pub use compiled::{By, Compiled, Judged};
pub use constraint::{Constraint, Every, Test};
pub use document::InvalidDocument;
pub use pattern::{InvalidPattern, ToolPattern};
pub use suggest::{Observed, suggest};

pub(crate) use document::Place;

/// What becomes of a tool call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ruling {
    /// It is done.
    Allow,
    /// A person is asked first.
    RequireApproval,
    /// It is not done.
    Block,
}

impl Ruling {
    /// Every ruling, mildest first.
    pub const ALL: [Self; 3] = [Self::Allow, Self::RequireApproval, Self::Block];

    /// Returns its name in documents, on the wire and in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::RequireApproval => "require_approval",
            Self::Block => "block",
        }
    }
}

impl fmt::Display for Ruling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A policy as its document says it.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// What becomes of tools in no list.
    pub default: Ruling,
    /// The rules: all that block, then all that ask, then all that allow, each list in the document's order.
    pub rules: Vec<Rule>,
    /// What the parameters of tools have to be, wherever the tools are allowed.
    pub constraints: Vec<ToolConstraints>,
    /// Who hears of a call that was blocked.
    pub on_block: OnBlock,
    /// Whom else to tell of blocked calls; passed on with notifications.
    pub notify: Option<String>,
    /// What an approval becomes that nobody decides in time.
    pub on_timeout: OnTimeout,
    /// How approvals under this policy are decided.
    pub approvals: ApprovalTerms,
    /// Scripts and commands whose scan finds something at least this bad need approval.
    pub scan_fails_on: Severity,
    /// Keys that Roost keeps and gives back and does not act on: `environment`, `monitor`, `sandbox`,
    /// `scan.min_score`.
    pub kept: Map<String, Value>,
}

/// One entry of one of the three lists.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// The list it stands in.
    pub ruling: Ruling,
    /// Its place in that list, from 0.
    pub index: usize,
    /// The tools it is about.
    pub tool: ToolPattern,
    /// It applies to calls whose parameters are like this only.
    pub when: Vec<Parameter>,
}

/// What one parameter has to be.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// Its name; dots lead into objects.
    pub name: String,
    /// What it has to be.
    pub constraint: Constraint,
}

/// What the parameters of some tools have to be.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolConstraints {
    /// The tools.
    pub tool: ToolPattern,
    /// The parameters. One that a call leaves out breaks nothing.
    pub parameters: Vec<Parameter>,
}

/// Who hears of a call that was blocked. It is blocked whatever stands here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OnBlock {
    /// The agent, as an error.
    Raise,
    /// The gate's log alone; the agent is told no more than that it was refused.
    Log,
    /// Subscribers of `gate.blocked`.
    Alert,
    /// The agent and the subscribers.
    RaiseAndAlert,
}

impl OnBlock {
    /// Every choice.
    pub const ALL: [Self; 4] = [Self::Raise, Self::Log, Self::Alert, Self::RaiseAndAlert];

    /// Returns its name in documents.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Raise => "raise",
            Self::Log => "log",
            Self::Alert => "alert",
            Self::RaiseAndAlert => "raise_and_alert",
        }
    }

    /// Tells whether subscribers are told.
    pub const fn alerts(self) -> bool {
        matches!(self, Self::Alert | Self::RaiseAndAlert)
    }
}

/// What an approval becomes that nobody decides in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OnTimeout {
    /// It expires; the act is refused.
    Block,
    /// It counts as approved.
    Allow,
    /// Somebody else is asked, once; then it expires.
    Escalate,
}

impl OnTimeout {
    /// Every choice.
    pub const ALL: [Self; 3] = [Self::Block, Self::Allow, Self::Escalate];

    /// Returns its name in documents and records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Block => "block",
            Self::Allow => "allow",
            Self::Escalate => "escalate",
        }
    }
}

/// How approvals are decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalTerms {
    /// How many different people have to say yes, 1 to 10.
    pub quorum: u32,
    /// How long they have; `None` is the agent's own `config.approvalTtlSeconds`.
    pub ttl: Option<Duration>,
    /// Who is asked when an approval escalates.
    pub escalate_to: Option<String>,
    /// Whether those who say yes have to do it with different keys.
    pub distinct_keys: bool,
}

impl Default for ApprovalTerms {
    /// One person, in the agent's own time.
    fn default() -> Self {
        Self { quorum: 1, ttl: None, escalate_to: None, distinct_keys: false }
    }
}

/// The version of a subject's policy or permissions: `1.0`, `1.1`, …
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub u32);

impl Version {
    /// The first version.
    pub const FIRST: Self = Self(0);

    /// Returns the version after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1.{}", self.0)
    }
}

impl std::str::FromStr for Version {
    type Err = InvalidVersion;

    fn from_str(text: &str) -> Result<Self, InvalidVersion> {
        let number = text.strip_prefix("1.").and_then(|minor| minor.parse().ok()).map(Self);
        number.filter(|version| version.to_string() == text).ok_or_else(|| InvalidVersion(text.to_owned()))
    }
}

/// A text that is no version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a version; versions are 1.0, 1.1, …")]
pub struct InvalidVersion(pub String);

#[cfg(test)]
mod tests;
