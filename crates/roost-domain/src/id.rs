//! Ids: UUIDv7 with a prefix that says what they name.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

/// A text that is not an id of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not {expected}")]
pub struct InvalidId {
    /// What was given, cut to 80 characters.
    pub text: String,
    /// What would have been right, for example `a session id (sess_…)`.
    pub expected: &'static str,
}

macro_rules! id {
    ($name:ident, $prefix:literal, $expected:literal, $doc:literal) => {
        #[doc = $doc]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// What the text form begins with; empty where a contract asks for a bare UUID.
            pub const PREFIX: &'static str = $prefix;

            /// Wraps a UUID made by the id source (see `roost_ports::Ids`).
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// Returns the bare UUID, as it is stored.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                if Self::PREFIX.is_empty() {
                    write!(f, "{}", self.0.as_hyphenated())
                } else {
                    write!(f, "{}{}", Self::PREFIX, self.0.as_simple())
                }
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                parse(text, Self::PREFIX)
                    .map(Self)
                    .ok_or_else(|| InvalidId { text: text.chars().take(80).collect(), expected: $expected })
            }
        }
    };
}

/// Accepts only the canonical spelling, so that one id has one text.
fn parse(text: &str, prefix: &str) -> Option<Uuid> {
    let rest = text.strip_prefix(prefix)?;
    let expected_len = if prefix.is_empty() { 36 } else { 32 };
    if rest.len() != expected_len || rest.bytes().any(|b| b.is_ascii_uppercase()) {
        return None;
    }
    Uuid::try_parse(rest).ok()
}

id!(AccountId, "acct_", "an account id (acct_…)", "One tenant.");
id!(KeyId, "key_", "a key id (key_…)", "One API key; not the key's text.");
id!(AgentId, "", "an agent id (a UUID)", "One agent. Agento's contract shows a bare UUID.");
id!(SessionId, "sess_", "a session id (sess_…)", "One log of events between an agent and one peer.");
id!(TurnId, "turn_", "a turn id (turn_…)", "One pass of the agent loop.");
id!(ApprovalId, "apr_", "an approval id (apr_…)", "One question to a person about one exact effect.");
id!(SandboxId, "sbx_", "a sandbox id (sbx_…)", "One ephemeral machine for somebody's code.");
id!(SandboxRunId, "run_", "a run id (run_…)", "One run of code in a sandbox.");
id!(ScanId, "scan_", "a scan id (scan_…)", "One scan of code.");
id!(EndpointId, "we_", "a webhook endpoint's id (we_…)", "One place outside that is told what happens.");
id!(
    DeliveryId,
    "msg_",
    "a delivery's id (msg_…)",
    "One message to one webhook endpoint, over all its tries."
);
id!(SwarmId, "", "a swarm id (a UUID)", "A group of agents. Agento's contract shows a bare UUID.");
id!(KnowledgeId, "", "a knowledge entry's id (a UUID)", "One entry of a knowledge base.");
id!(InstalledSkillId, "as_", "an installed skill's id (as_…)", "One skill on one agent.");
id!(SnapshotId, "snap_", "a snapshot id (snap_…)", "One saved state of an agent.");
id!(ResponseId, "resp_", "a response id (resp_…)", "One answer that a caller can name later.");
id!(ModelCallId, "mc_", "a model call id (mc_…)", "One model call outside of any turn.");
id!(RunId, "wrun_", "a workflow run's id (wrun_…)", "One execution of a workflow.");
id!(FormId, "form_", "a form's id (form_…)", "One form of one run that waits for a person, or did.");
id!(ArtifactId, "art_", "an artifact's id (art_…)", "One version of something that a run made for people.");
id!(FileId, "file_", "a file's id (file_…)", "One file that somebody gave to a form of a run.");
id!(TriggerId, "trg_", "a trigger's id (trg_…)", "One of the things that start runs of an agent's workflow.");
id!(ConnectionId, "con_", "a connection's id (con_…)", "One grant to act at a service in somebody's name.");
id!(JobId, "job_", "a job id (job_…)", "One entry of the durable queue.");

impl AgentId {
    /// Returns the id of the agent's journal: the session that holds what happens to the agent itself
    /// (started, stopped, machine failed) rather than in a conversation.
    pub const fn journal(self) -> SessionId {
        SessionId(self.0)
    }
}

impl RunId {
    /// Returns the name under which watchers of live events know the run's log. Ids are UUIDs of one source, so no
    /// session ever has a run's.
    pub const fn log(self) -> SessionId {
        SessionId(self.0)
    }
}

impl SandboxId {
    /// Returns the name under which machine drivers know the sandbox's machine. Drivers key machines by agent; ids
    /// are UUIDs of one source, so no agent ever has a sandbox's.
    pub const fn machine(self) -> AgentId {
        AgentId(self.0)
    }

    /// Returns the sandbox whose machine has this name, if it is a sandbox's.
    pub const fn of_machine(machine: AgentId) -> Self {
        Self(machine.0)
    }
}

#[cfg(test)]
mod tests;
