//! API keys: shown once, stored hashed, limited to scopes.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

use crate::id::{AccountId, KeyId};

/// A key as it is stored: everything but its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its id.
    pub id: KeyId,
    /// The account it acts for.
    pub account: AccountId,
    /// What its owner calls it, 1 to 100 characters.
    pub name: String,
    /// Which product's keys it looks like.
    pub style: Style,
    /// What it may do, sorted, without repeats.
    pub scopes: Vec<Scope>,
    /// The last four characters of its text, to tell keys apart in lists.
    pub hint: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stopped working, if it did.
    pub revoked_at: Option<Timestamp>,
}

/// How a key's text begins. Any key works on every face, within its scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Style {
    /// `roost_live_…`
    Native,
    /// `ak_live_…`, 32 hexadecimal digits after it.
    Agento,
    /// `gopt_live_…`
    Gopilot,
    /// `sk_shinzo_…`
    Shinzo,
    /// `fp_live_…`
    Fullpilot,
    /// `ac_live_…`; AgentCop's documents show no prefix.
    Agentcop,
}

impl Style {
    /// Every style.
    pub const ALL: [Self; 6] =
        [Self::Native, Self::Agento, Self::Gopilot, Self::Shinzo, Self::Fullpilot, Self::Agentcop];

    /// Returns what the key's text begins with.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Native => "roost_live_",
            Self::Agento => "ak_live_",
            Self::Gopilot => "gopt_live_",
            Self::Shinzo => "sk_shinzo_",
            Self::Fullpilot => "fp_live_",
            Self::Agentcop => "ac_live_",
        }
    }

    /// Returns the name used on the command line and in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Agento => "agento",
            Self::Gopilot => "gopilot",
            Self::Shinzo => "shinzo",
            Self::Fullpilot => "fullpilot",
            Self::Agentcop => "agentcop",
        }
    }

    /// Returns the scopes a key of this style gets when none are named: all that its product's keys can have.
    pub const fn default_scopes(self) -> &'static [Scope] {
        match self {
            Self::Native | Self::Shinzo | Self::Fullpilot | Self::Agentcop => &Scope::ALL,
            Self::Agento => &[
                Scope::AgentsRead,
                Scope::AgentsWrite,
                Scope::AgentsDelete,
                Scope::Chat,
                Scope::KnowledgeRead,
                Scope::KnowledgeWrite,
                Scope::Logs,
                Scope::Skills,
                Scope::SwarmsRead,
                Scope::SwarmsWrite,
            ],
            Self::Gopilot => &[Scope::AgentsRead, Scope::AgentsWrite, Scope::AgentsDelete, Scope::UsageRead],
        }
    }
}

impl FromStr for Style {
    type Err = UnknownStyle;

    fn from_str(text: &str) -> Result<Self, UnknownStyle> {
        Self::ALL.into_iter().find(|style| style.name() == text).ok_or_else(|| UnknownStyle(text.to_owned()))
    }
}

/// A key style nobody knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a key style; use native, agento, gopilot, shinzo, fullpilot or agentcop")]
pub struct UnknownStyle(pub String);

macro_rules! scopes {
    ($($variant:ident = $name:literal, $doc:literal;)+) => {
        /// One thing a key may do. The union of the scopes of the APIs that Roost serves, and Roost's own.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Scope { $(#[doc = $doc] $variant,)+ }

        impl Scope {
            /// Every scope.
            pub const ALL: [Self; [$(Self::$variant),+].len()] = [$(Self::$variant),+];

            /// Returns its name on the wire.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }
        }
    };
}

scopes! {
    AgentsRead = "agents:read", "List, read and check agents.";
    AgentsWrite = "agents:write", "Create, update, start, stop, restart agents; their secrets and documents.";
    AgentsDelete = "agents:delete", "Delete agents.";
    Chat = "chat", "Send messages, read history, manage sessions.";
    KnowledgeRead = "knowledge:read", "List knowledge entries.";
    KnowledgeWrite = "knowledge:write", "Ingest and delete knowledge entries.";
    Logs = "logs", "Read and stream agents' logs.";
    Skills = "skills", "Install, remove and browse skills.";
    SwarmsRead = "swarms:read", "List and read swarms.";
    SwarmsWrite = "swarms:write", "Create, change and delete swarms.";
    UsageRead = "usage:read", "Read usage and cost.";
    Runs = "runs", "Start, read and steer workflow runs.";
    Files = "files", "Read and write agents' workspaces.";
    Channels = "channels", "Bind agents to chat channels.";
    Schedules = "schedules", "Manage schedules and triggers.";
    Gate = "gate", "Ask the gate before acting, and see how approvals stand; for agents that run elsewhere.";
    Policy = "policy", "Read and change policies and permissions.";
    Approvals = "approvals", "List and decide approvals.";
    Scans = "scans", "Scan code.";
    Sandboxes = "sandboxes", "Create sandboxes and run code in them.";
    Admin = "admin", "Manage keys and the account.";
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        Self::ALL.into_iter().find(|scope| scope.name() == text).ok_or_else(|| UnknownScope(text.to_owned()))
    }
}

/// A scope nobody knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a scope; one of {all}", all = Scope::ALL.map(Scope::name).join(", "))]
pub struct UnknownScope(pub String);

impl Key {
    /// Tells whether the key may do what `scope` names.
    ///
    /// Agento has no scope for deletion: there `agents:write` includes it. GoPilot has no scope for logs:
    /// there `agents:read` includes them.
    pub fn allows(&self, scope: Scope) -> bool {
        let has = |scope| self.scopes.contains(&scope);
        match (scope, self.style) {
            (Scope::AgentsDelete, Style::Agento) => has(scope) || has(Scope::AgentsWrite),
            (Scope::Logs, Style::Gopilot) => has(scope) || has(Scope::AgentsRead),
            _ => has(scope),
        }
    }
}
