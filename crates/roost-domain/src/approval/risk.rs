//! How bad it would be if an act went wrong, for the person who decides.

use std::fmt;
use std::str::FromStr;

use crate::effect::Action;
use crate::scan::Severity;

/// How bad it would be if an act went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Risk {
    /// Nothing leaves, nothing is lost.
    Low,
    /// Something changes, in a place of the agent's own, or money is spent.
    Medium,
    /// Something leaves, or cannot be taken back.
    High,
    /// Something leaves or runs that others may have put there.
    Critical,
}

impl Risk {
    /// Every level, lowest first.
    pub const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Critical];

    /// Returns its name on the wire and in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Low => "LOW",
            Self::Medium => "MEDIUM",
            Self::High => "HIGH",
            Self::Critical => "CRITICAL",
        }
    }

    /// Returns the level above.
    #[must_use]
    pub const fn raised(self) -> Self {
        match self {
            Self::Low => Self::Medium,
            Self::Medium => Self::High,
            Self::High | Self::Critical => Self::Critical,
        }
    }
}

impl fmt::Display for Risk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Risk {
    type Err = UnknownRisk;

    fn from_str(text: &str) -> Result<Self, UnknownRisk> {
        Self::ALL.into_iter().find(|risk| risk.name() == text).ok_or_else(|| UnknownRisk(text.to_owned()))
    }
}

/// A risk level nobody knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a risk level; use LOW, MEDIUM, HIGH or CRITICAL")]
pub struct UnknownRisk(pub String);

/// Words in a tool's name that say what it does, with the risk of doing that.
const WORDS: [(&[&str], Risk); 3] = [
    (
        &[
            "delete", "drop", "destroy", "purge", "pay", "transfer", "refund", "deploy", "publish", "revoke",
            "wipe",
        ],
        Risk::High,
    ),
    (
        &[
            "send", "post", "email", "mail", "upload", "share", "exec", "shell", "run", "execute", "bash",
            "http",
        ],
        Risk::High,
    ),
    (&["write", "create", "update", "edit", "set", "save", "add", "move", "install"], Risk::Medium),
];

/// Returns the risk of an act.
///
/// It begins with what the act does: looking and asking are low, changing the workspace and spending are medium,
/// running commands and sending data are high. Where only the tool's name is known, its words decide, and medium
/// where they say nothing. It is one level higher after text from outside has come into the session, and at
/// least as high as the worst thing that a scan found in what would run.
pub fn assess(action: Option<&Action>, tool: &str, tainted: bool, found: Option<Severity>) -> Risk {
    let base =
        match action {
            Some(
                Action::ReadFiles { .. }
                | Action::AskPeer
                | Action::HandOut { .. }
                | Action::ReadDocument { .. }
                | Action::ReadSkill { .. }
                | Action::SearchKnowledge { .. }
                | Action::FindOperations { .. },
            ) => Risk::Low,
            Some(
                Action::WriteFile { .. }
                | Action::CallModel { .. }
                | Action::ChangeDocument { .. }
                | Action::WriteKnowledge { .. }
                | Action::AskAgent { .. },
            ) => Risk::Medium,
            Some(Action::RunCommand { .. } | Action::RunRuntime { .. }) => Risk::High,
            Some(Action::SendHttp { method, .. }) => {
                if matches!(method.as_str(), "GET" | "HEAD" | "OPTIONS") { Risk::Medium } else { Risk::High }
            }
            None => by_name(tool),
        };
    let base = if tainted { base.raised() } else { base };
    base.max(found.map_or(Risk::Low, of_severity))
}

fn by_name(tool: &str) -> Risk {
    let lower = tool.to_lowercase();
    let words: Vec<_> = lower.split(|c: char| !c.is_alphanumeric()).collect();
    let known = WORDS.iter().filter(|(known, _)| words.iter().any(|word| known.contains(word)));
    if let Some(risk) = known.map(|(_, risk)| *risk).max() {
        return risk;
    }
    let looks = ["read", "get", "list", "search", "find", "fetch", "view", "show"];
    if words.iter().any(|word| looks.contains(word)) { Risk::Low } else { Risk::Medium }
}

const fn of_severity(severity: Severity) -> Risk {
    match severity {
        Severity::Info | Severity::Low => Risk::Low,
        Severity::Medium => Risk::Medium,
        Severity::High => Risk::High,
        Severity::Critical => Risk::Critical,
    }
}
