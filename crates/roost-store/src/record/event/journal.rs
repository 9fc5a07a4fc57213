use roost_domain::event::{Body, Journal};
use serde::{Deserialize, Serialize};

use super::name::{CategoryV1, ChannelV1};
use super::{Unreadable, parsed};

/// What happens outside of turns.
#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum JournalV1 {
    SessionStarted {
        channel: ChannelV1,
    },
    AgentCreated,
    AgentStarted,
    AgentStopped,
    AgentRestarted,
    AgentPaused,
    AgentResumed,
    AgentFroze,
    AgentWoke,
    AgentChanged {
        what: String,
    },
    AgentSaved {
        snapshot: String,
        name: String,
    },
    AgentRestored {
        snapshot: String,
        name: String,
    },
    AgentForked {
        parent: String,
        name: String,
    },
    AgentFailed {
        category: CategoryV1,
        message: String,
    },
    AgentConnected {
        target: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        refused: Option<String>,
    },
}

impl From<&Journal> for JournalV1 {
    fn from(journal: &Journal) -> Self {
        match journal.clone() {
            Journal::Created => Self::AgentCreated,
            Journal::Started => Self::AgentStarted,
            Journal::Stopped => Self::AgentStopped,
            Journal::Restarted => Self::AgentRestarted,
            Journal::Paused => Self::AgentPaused,
            Journal::Resumed => Self::AgentResumed,
            Journal::Froze => Self::AgentFroze,
            Journal::Woke => Self::AgentWoke,
            Journal::Changed { what } => Self::AgentChanged { what },
            Journal::Saved { snapshot, name } => Self::AgentSaved { snapshot: snapshot.to_string(), name },
            Journal::Restored { snapshot, name } => {
                Self::AgentRestored { snapshot: snapshot.to_string(), name }
            }
            Journal::Forked { parent, name } => Self::AgentForked { parent: parent.to_string(), name },
            Journal::Failed { category, message } => Self::AgentFailed { category: category.into(), message },
            Journal::Connected { target, refused } => Self::AgentConnected { target, refused },
        }
    }
}

impl TryFrom<JournalV1> for Body {
    type Error = Unreadable;

    fn try_from(record: JournalV1) -> Result<Self, Unreadable> {
        Ok(Self::Journal(match record {
            JournalV1::SessionStarted { channel } => {
                return Ok(Self::SessionStarted { channel: channel.into() });
            }
            JournalV1::AgentCreated => Journal::Created,
            JournalV1::AgentStarted => Journal::Started,
            JournalV1::AgentStopped => Journal::Stopped,
            JournalV1::AgentRestarted => Journal::Restarted,
            JournalV1::AgentPaused => Journal::Paused,
            JournalV1::AgentResumed => Journal::Resumed,
            JournalV1::AgentFroze => Journal::Froze,
            JournalV1::AgentWoke => Journal::Woke,
            JournalV1::AgentChanged { what } => Journal::Changed { what },
            JournalV1::AgentSaved { snapshot, name } => {
                Journal::Saved { snapshot: parsed("snapshot", &snapshot)?, name }
            }
            JournalV1::AgentRestored { snapshot, name } => {
                Journal::Restored { snapshot: parsed("snapshot", &snapshot)?, name }
            }
            JournalV1::AgentForked { parent, name } => {
                Journal::Forked { parent: parsed("parent", &parent)?, name }
            }
            JournalV1::AgentFailed { category, message } => {
                Journal::Failed { category: category.into(), message }
            }
            JournalV1::AgentConnected { target, refused } => Journal::Connected { target, refused },
        }))
    }
}
