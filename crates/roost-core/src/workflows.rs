//! Workflows: what agents do step by step, in versions, and whether anything may start it.

use roost_domain::agent::Agent;
use roost_domain::id::AgentId;
use roost_domain::key::Scope;
use roost_domain::page::Limit;
use roost_domain::workflow::Workflow;
use roost_ports::store::{Reader, WorkflowVersion};

use crate::agents::own;
use crate::{Core, CreateRun, Ctx, Error, Kind, RunView};

mod arm;
mod connect;
mod put;
mod runtime;

pub use connect::Connect;
pub use put::{ConfigChange, CreateWorkflowAgent, PutWorkflow};

/// The use cases of workflows.
pub struct Workflows<'a>(pub(crate) &'a Core);

/// An agent with a version of its workflow.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkflowView {
    /// The agent.
    pub agent: Agent,
    /// The version; `None` if it has no workflow.
    pub version: Option<WorkflowVersion>,
    /// The services that it uses and is not connected to.
    pub missing: Vec<String>,
}

impl WorkflowView {
    pub(crate) fn read(
        reader: &dyn Reader,
        agent: Agent,
        version: Option<WorkflowVersion>,
    ) -> Result<Self, Error> {
        let missing = reader.missing_integrations(agent.id)?;
        Ok(Self { agent, version, missing })
    }

    fn latest(reader: &dyn Reader, agent: Agent) -> Result<Self, Error> {
        let version = reader.latest_workflow(agent.id)?;
        Self::read(reader, agent, version)
    }
}

/// Agents to list with their workflows, by pages.
#[derive(Debug, Clone, Copy)]
pub struct ListWorkflowAgents {
    /// Only those that are connected to all that they use, or only those that are not.
    pub ready: Option<bool>,
    /// How many to leave out.
    pub skip: u64,
    /// At most so many.
    pub limit: Limit,
}

impl Workflows<'_> {
    /// Returns an agent with the latest version of its workflow, if it has one.
    ///
    /// # Errors
    ///
    /// `NotFound` for the agent.
    pub async fn find(&self, ctx: &Ctx, agent: AgentId) -> Result<WorkflowView, Error> {
        ctx.require(Scope::AgentsRead)?;
        let ctx = ctx.clone();
        let read = move |reader: &dyn Reader| WorkflowView::latest(reader, own(reader, &ctx, agent)?);
        self.0.ports.store.read(read).await
    }

    /// Returns the account's agents with their workflows, newest first, and how many there are in all.
    ///
    /// # Errors
    ///
    /// `Internal` if the store fails.
    pub async fn list(&self, ctx: &Ctx, list: ListWorkflowAgents) -> Result<(Vec<WorkflowView>, u64), Error> {
        ctx.require(Scope::AgentsRead)?;
        let account = ctx.account();
        let read = move |reader: &dyn Reader| {
            let (agents, total) = reader.agents_by_readiness(account, list.ready, list.skip, list.limit)?;
            let views = agents.into_iter().map(|agent| WorkflowView::latest(reader, agent));
            Ok((views.collect::<Result<_, Error>>()?, total))
        };
        self.0.ports.store.read(read).await
    }

    /// Begins a run and returns it with its agent.
    ///
    /// # Errors
    ///
    /// As [`crate::Runs::create`].
    pub async fn run(&self, ctx: &Ctx, create: CreateRun) -> Result<(RunView, WorkflowView), Error> {
        let agent = create.agent;
        let run = self.0.runs().create(ctx, create).await?;
        let ctx = ctx.clone();
        let read = move |reader: &dyn Reader| WorkflowView::latest(reader, own(reader, &ctx, agent)?);
        Ok((run, self.0.ports.store.read(read).await?))
    }

    /// Returns a version of an agent's workflow; `None` is the latest.
    ///
    /// # Errors
    ///
    /// `NotFound` for the agent, its workflow or the version.
    pub async fn get(
        &self,
        ctx: &Ctx,
        agent: AgentId,
        version: Option<u64>,
    ) -> Result<WorkflowVersion, Error> {
        ctx.require(Scope::AgentsRead)?;
        let ctx = ctx.clone();
        let read = move |reader: &dyn Reader| {
            own(reader, &ctx, agent)?;
            match version {
                None => latest(reader, agent),
                Some(number) => {
                    let found = reader.workflow_version(agent, number)?;
                    found.ok_or_else(|| Error::not_found("version of this workflow", number))
                }
            }
        };
        self.0.ports.store.read(read).await
    }

    /// Returns the versions of an agent's workflow that are older than `before`, newest first.
    ///
    /// # Errors
    ///
    /// `NotFound` for the agent.
    pub async fn versions(
        &self,
        ctx: &Ctx,
        agent: AgentId,
        before: Option<u64>,
        limit: Limit,
    ) -> Result<Vec<WorkflowVersion>, Error> {
        ctx.require(Scope::AgentsRead)?;
        let ctx = ctx.clone();
        let read = move |reader: &dyn Reader| {
            own(reader, &ctx, agent)?;
            Ok(reader.workflow_versions(agent, before, limit)?)
        };
        self.0.ports.store.read(read).await
    }
}

/// Returns the latest version of an agent's workflow.
pub(crate) fn latest(reader: &dyn Reader, agent: AgentId) -> Result<WorkflowVersion, Error> {
    reader.latest_workflow(agent)?.ok_or_else(|| {
        let message = format!(
            "the agent {agent} has no workflow; give it one with PUT /v1/agents/{{id}}/workflow/config"
        );
        Error::new(Kind::NotFound, "workflow_missing", message)
    })
}

/// Reads a configuration that the store has.
///
/// # Errors
///
/// `Internal` if it cannot be read any more: it was read before it was kept.
pub(crate) fn read_kept(version: &WorkflowVersion) -> Result<Workflow, Error> {
    Workflow::read(&version.config).map_err(Error::internal)
}
