//! Taint: text from outside has come into a session, and may try to steer the agent.

use crate::effect::Action;

/// Where text came from that others may have written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Taint {
    /// A web page, an API's answer, or a skill of the public registry.
    Web,
    /// The output of a command while which the machine connected to a host.
    Command,
}

impl Taint {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::Web, Self::Command];

    /// Returns its name on the wire and in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Command => "command",
        }
    }

    /// Returns what comes into a session with an act's outcome, if the act alone tells. `connected` tells whether the agent's
    /// machine was let connect to a host meanwhile.
    pub const fn of(action: &Action, connected: bool) -> Option<Self> {
        match action {
            Action::SendHttp { .. } => Some(Self::Web),
            Action::RunCommand { .. } if connected => Some(Self::Command),
            Action::RunCommand { .. }
            | Action::RunRuntime { .. }
            | Action::CallModel { .. }
            | Action::ReadFiles { .. }
            | Action::WriteFile { .. }
            | Action::AskPeer
            | Action::HandOut { .. }
            | Action::ReadDocument { .. }
            | Action::ChangeDocument { .. }
            | Action::ReadSkill { .. }
            | Action::SearchKnowledge { .. }
            | Action::FindOperations { .. }
            | Action::WriteKnowledge { .. }
            | Action::AskAgent { .. } => None,
        }
    }
}

/// Tells whether an act can carry data out of Roost, or text from outside on into other sessions: any request but one that only asks for a page by its path, and
/// any command in a machine that can reach hosts.
pub fn sends_out(action: &Action, reaches_hosts: bool) -> bool {
    match action {
        Action::SendHttp { method, url, carries, .. } => {
            *carries || !matches!(method.as_str(), "GET" | "HEAD") || url.contains(['?', '#'])
        }
        Action::RunCommand { .. } | Action::RunRuntime { .. } => reaches_hosts,
        // It would be recalled where nobody knows where it came from.
        Action::WriteKnowledge { .. } => true,
        // What another agent is asked carries its taint along; nothing of these leaves Roost.
        Action::CallModel { .. }
        | Action::ReadFiles { .. }
        | Action::WriteFile { .. }
        | Action::AskPeer
        | Action::HandOut { .. }
        | Action::ReadDocument { .. }
        | Action::ChangeDocument { .. }
        | Action::ReadSkill { .. }
        | Action::SearchKnowledge { .. }
        | Action::FindOperations { .. }
        | Action::AskAgent { .. } => false,
    }
}
