use roost_domain::agent::Agent;
use roost_domain::id::AgentId;
use roost_domain::key::Scope;
use roost_domain::machine::{Condition, Layer, Stats};

use super::{Agents, own};
use crate::{Ctx, Error};

/// An agent and its machine right now.
#[derive(Debug, Clone, PartialEq)]
pub struct StatusView {
    /// The agent.
    pub agent: Agent,
    /// Its machine.
    pub machine: MachineView,
}

/// A machine right now.
#[derive(Debug, Clone, PartialEq)]
pub struct MachineView {
    /// What it is doing.
    pub condition: Condition,
    /// What it uses; `None` when it is absent.
    pub stats: Option<Stats>,
    /// The walls around it on this host, with those that do not hold.
    pub layers: Vec<Layer>,
}

impl Agents<'_> {
    /// Returns an agent and what its machine is doing and using right now.
    ///
    /// # Errors
    ///
    /// `NotFound`; `Internal` if the host cannot tell.
    pub async fn status(&self, ctx: &Ctx, id: AgentId) -> Result<StatusView, Error> {
        ctx.require(Scope::AgentsRead)?;
        let caller = ctx.clone();
        let agent = self.0.ports.store.read(move |reader| own(reader, &caller, id)).await?;
        let machines = &self.0.ports.machines;
        let machine = MachineView {
            condition: machines.condition(id),
            stats: machines.stats(id).await?,
            layers: machines.layers(),
        };
        Ok(StatusView { agent, machine })
    }
}
