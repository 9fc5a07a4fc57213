use roost_domain::agent::Agent;
use roost_domain::id::AgentId;
use roost_domain::key::Scope;
use roost_domain::page::{Limit, Page};
use roost_ports::store::{AgentCursor, AgentFilter};

use super::{AgentView, Agents, own};
use crate::{Ctx, Error};

/// Which agents to list.
#[derive(Debug, Clone)]
pub struct ListAgents {
    /// Which ones.
    pub filter: AgentFilter,
    /// Where to begin.
    pub after: Option<AgentCursor>,
    /// At most so many.
    pub limit: Limit,
}

impl Agents<'_> {
    /// Returns one agent.
    ///
    /// # Errors
    ///
    /// `NotFound`.
    pub async fn get(&self, ctx: &Ctx, id: AgentId) -> Result<AgentView, Error> {
        ctx.require(Scope::AgentsRead)?;
        let ctx = ctx.clone();
        self.0
            .ports
            .store
            .read(move |reader| {
                let agent = own(reader, &ctx, id)?;
                AgentView::read(reader, agent)
            })
            .await
    }

    /// Returns the account's agents, newest first.
    ///
    /// # Errors
    ///
    /// `Internal` if the store fails.
    pub async fn list(&self, ctx: &Ctx, list: ListAgents) -> Result<Page<Agent, AgentCursor>, Error> {
        ctx.require(Scope::AgentsRead)?;
        let account = ctx.account();
        self.0
            .ports
            .store
            .read(move |reader| Ok(reader.agents(account, &list.filter, list.after, list.limit)?))
            .await
    }
}
