use roost_domain::agent::{Agent, Arming};
use roost_domain::event::Journal;
use roost_domain::id::AgentId;
use roost_domain::key::Scope;
use roost_ports::store::Reader;

use super::{WorkflowView, Workflows, latest};
use crate::agents::own;
use crate::{Ctx, Error, Kind};

impl Workflows<'_> {
    /// Lets triggers and people start runs of an agent's workflow.
    ///
    /// # Errors
    ///
    /// `NotFound` for the agent; `InvalidState` with the code `workflow_missing` if it has no workflow.
    pub async fn arm(&self, ctx: &Ctx, agent: AgentId) -> Result<WorkflowView, Error> {
        self.check_has_one(ctx, agent).await?;
        self.set(ctx, agent, Arming::Armed).await
    }

    /// Arms an agent and starts it, if it is not running.
    ///
    /// # Errors
    ///
    /// As [`Workflows::arm`].
    pub async fn start(&self, ctx: &Ctx, agent: AgentId) -> Result<WorkflowView, Error> {
        self.check_has_one(ctx, agent).await?;
        let (core, now) = (self.0.clone(), ctx.now);
        let start = move |agent: Agent| {
            Ok(core.settings.regions.placed(Agent { arming: Arming::Armed, ..agent.start(now) }))
        };
        let agent = self.0.agents().shifted(ctx, agent, Journal::Started, start).await?;
        self.shown(agent).await
    }

    /// Lets nothing start runs any more. Those under way go on to their end.
    ///
    /// # Errors
    ///
    /// `NotFound`.
    pub async fn disarm(&self, ctx: &Ctx, agent: AgentId) -> Result<WorkflowView, Error> {
        self.set(ctx, agent, Arming::Off).await
    }

    /// Lets nothing start runs for the time being. Those under way go on to their end.
    ///
    /// # Errors
    ///
    /// `NotFound`.
    pub async fn pause_triggers(&self, ctx: &Ctx, agent: AgentId) -> Result<WorkflowView, Error> {
        self.set(ctx, agent, Arming::Paused).await
    }

    async fn check_has_one(&self, ctx: &Ctx, agent: AgentId) -> Result<(), Error> {
        ctx.require(Scope::AgentsWrite)?;
        let ctx = ctx.clone();
        let read = move |reader: &dyn Reader| {
            own(reader, &ctx, agent)?;
            let missing = |error: Error| Error::new(Kind::InvalidState, error.code(), error.public());
            latest(reader, agent).map(|_| ()).map_err(missing)
        };
        self.0.ports.store.read(read).await
    }

    async fn set(&self, ctx: &Ctx, agent: AgentId, arming: Arming) -> Result<WorkflowView, Error> {
        let entry = Journal::Changed { what: "triggers".to_owned() };
        let set = move |agent: Agent| Ok(Agent { arming, ..agent });
        let agent = self.0.agents().shifted(ctx, agent, entry, set).await?;
        self.shown(agent).await
    }

    async fn shown(&self, agent: Agent) -> Result<WorkflowView, Error> {
        self.0.ports.store.read(move |reader| WorkflowView::latest(reader, agent)).await
    }
}
