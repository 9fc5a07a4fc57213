//! Which permits cover which operations.

use roost_domain::effect::Action;
use roost_domain::gate::Permit;
use roost_domain::id::AgentId;
use roost_ports::machine::Error;

/// What is to be done with a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    Open,
    Run,
    Look,
    Change,
    Dial,
}

/// Checks that a permit is the agent's own and for this kind of act.
pub(crate) fn check(permit: &Permit, agent: AgentId, act: Act) -> Result<(), Error> {
    let covered = permit.agent() == agent
        && match permit.action() {
            Action::RunCommand { .. } => matches!(act, Act::Open | Act::Run | Act::Dial),
            // Whoever hosts a runtime prepares its files and speaks with it.
            Action::RunRuntime { .. } => true,
            Action::ReadFiles { .. } => matches!(act, Act::Open | Act::Look),
            // Who may change a file may look at what is there: an edit does.
            Action::WriteFile { .. } => matches!(act, Act::Open | Act::Look | Act::Change),
            Action::CallModel { .. }
            | Action::SendHttp { .. }
            | Action::AskPeer
            | Action::HandOut { .. }
            | Action::ReadDocument { .. }
            | Action::ChangeDocument { .. }
            | Action::ReadSkill { .. }
            | Action::SearchKnowledge { .. }
            | Action::FindOperations { .. }
            | Action::WriteKnowledge { .. }
            | Action::AskAgent { .. } => false,
        };
    if covered { Ok(()) } else { Err(Error::NotPermitted) }
}
