//! Sessions: a log of events between an agent and one peer on one channel.

use std::fmt;

use jiff::Timestamp;

use crate::id::{AccountId, AgentId, KeyId, RunId, SessionId};

/// One session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// The account it belongs to.
    pub account: AccountId,
    /// The agent it is with.
    pub agent: AgentId,
    /// Who the agent talks with.
    pub peer: Peer,
    /// How they talk.
    pub channel: Channel,
    /// What people call it.
    pub name: Option<String>,
    /// When it began.
    pub started_at: Timestamp,
}

/// Who is on the other side of a session. Sessions and memory of different peers never mix.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Peer {
    /// A customer of the key's owner, by the name the owner gave them.
    Named(String),
    /// Whoever holds this API key.
    Key(KeyId),
    /// Another agent, which hands it tasks from one of its own sessions.
    Colleague {
        /// The other agent.
        agent: AgentId,
        /// The session that its tasks come from.
        session: SessionId,
    },
    /// A run of the agent's workflow, whose steps it does.
    Run(RunId),
    /// Nobody: the agent's own journal.
    Agent,
}

impl fmt::Display for Peer {
    /// Prints the form used in records and lists: `peer:…`, `key:…`, `agent:…/sess_…`, `run:wrun_…` or `agent`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(name) => write!(f, "peer:{name}"),
            Self::Key(key) => write!(f, "key:{key}"),
            Self::Colleague { agent, session } => write!(f, "agent:{agent}/{session}"),
            Self::Run(run) => write!(f, "run:{run}"),
            Self::Agent => f.write_str("agent"),
        }
    }
}

/// How a session is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Channel {
    /// Over an HTTP API.
    Api,
    /// With another agent, inside Roost.
    Agent,
    /// In a run of its workflow.
    Workflow,
    /// Not a conversation: what happened to the agent itself.
    Journal,
}

impl Channel {
    /// Returns its name on the wire and in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Agent => "agent",
            Self::Workflow => "workflow",
            Self::Journal => "journal",
        }
    }
}
