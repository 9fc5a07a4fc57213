use roost_domain::event::{Body, Journal};
use serde::{Deserialize, Serialize};

use super::name::{CategoryV1, ChannelV1};

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
            Journal::Failed { category, message } => Self::AgentFailed { category: category.into(), message },
            Journal::Connected { target, refused } => Self::AgentConnected { target, refused },
        }
    }
}

impl From<JournalV1> for Body {
    fn from(record: JournalV1) -> Self {
        Self::Journal(match record {
            JournalV1::SessionStarted { channel } => return Self::SessionStarted { channel: channel.into() },
            JournalV1::AgentCreated => Journal::Created,
            JournalV1::AgentStarted => Journal::Started,
            JournalV1::AgentStopped => Journal::Stopped,
            JournalV1::AgentRestarted => Journal::Restarted,
            JournalV1::AgentPaused => Journal::Paused,
            JournalV1::AgentResumed => Journal::Resumed,
            JournalV1::AgentFroze => Journal::Froze,
            JournalV1::AgentWoke => Journal::Woke,
            JournalV1::AgentChanged { what } => Journal::Changed { what },
            JournalV1::AgentFailed { category, message } => {
                Journal::Failed { category: category.into(), message }
            }
            JournalV1::AgentConnected { target, refused } => Journal::Connected { target, refused },
        })
    }
}
