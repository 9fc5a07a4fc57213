//! Agents: making, changing, starting, stopping and watching them.

use roost_domain::agent::Agent;
use roost_domain::document::{Document, DocumentName};
use roost_domain::id::AgentId;
use roost_ports::store::Reader;

use crate::{Core, Ctx, Error};

mod create;
mod delete;
mod idle;
mod lifecycle;
mod list;
mod logs;
mod place;
mod status;
mod update;

pub use create::CreateAgent;
pub(crate) use create::{check_name, journal_of, within_quota};
pub(crate) use lifecycle::{cancel_turns, release_turns};
pub use list::ListAgents;
pub use logs::{LogLines, LogStream};
pub use status::{MachineView, StatusView};
pub use update::UpdateAgent;

/// The use cases of agents.
pub struct Agents<'a>(pub(crate) &'a Core);

/// An agent with the documents that shape it.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentView {
    /// The agent.
    pub agent: Agent,
    /// SOUL.md
    pub soul: Option<Document>,
    /// IDENTITY.md
    pub identity: Option<Document>,
    /// WORKFLOW.md
    pub workflow: Option<Document>,
}

impl AgentView {
    pub(crate) fn read(reader: &dyn Reader, agent: Agent) -> Result<Self, Error> {
        Ok(Self {
            soul: reader.document(agent.id, &DocumentName::Soul)?,
            identity: reader.document(agent.id, &DocumentName::Identity)?,
            workflow: reader.document(agent.id, &DocumentName::Workflow)?,
            agent,
        })
    }
}

/// Returns the caller's agent, or says that there is none, whosever it may be.
pub(crate) fn own(reader: &dyn Reader, ctx: &Ctx, id: AgentId) -> Result<Agent, Error> {
    reader.agent(ctx.account(), id)?.ok_or_else(|| Error::not_found("agent", id))
}
