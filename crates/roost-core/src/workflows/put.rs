use jiff::Timestamp;
use roost_domain::agent::{Agent, Region, RuntimeKind};
use roost_domain::event::Journal;
use roost_domain::id::AgentId;
use roost_domain::key::Scope;
use roost_domain::machine::Size;
use roost_domain::model::ModelName;
use roost_domain::workflow::{Configuration, Faults, Step, StepKind};
use roost_ports::store::{WorkflowVersion, Writer};
use serde_json::Value;

use super::{WorkflowView, Workflows};
use crate::{Core, CreateAgent, Ctx, Error, Kind, UpdateAgent, log};

/// A configuration to be the next version of an agent's workflow.
#[derive(Debug, Clone)]
pub struct PutWorkflow {
    /// Whose.
    pub agent: AgentId,
    /// The configuration; `None` leaves it.
    pub config: Option<Value>,
    /// Tags of the agent, where the configuration names none.
    pub tags: Option<Vec<String>>,
    /// The version that the caller has seen, 0 being none; another latest version is a conflict. `None` does not ask.
    pub expected: Option<u64>,
}

/// An agent to be made of a configuration.
#[derive(Debug, Clone)]
pub struct CreateWorkflowAgent {
    /// The configuration, which has a name.
    pub config: Value,
    /// Tags of the agent, where the configuration names none.
    pub tags: Option<Vec<String>>,
}

impl Workflows<'_> {
    /// Gives an agent another version of its workflow. The agent's name, description, model and tags follow what the
    /// configuration says of them. Runs under way keep to the version that they began with. What is the latest
    /// version already is not kept again.
    ///
    /// # Errors
    ///
    /// `NotFound`; `InvalidInput` with everything that is wrong, each in a line of
    /// its own; `Conflict` with the code `version_conflict`. Nothing is changed then.
    pub async fn put(&self, ctx: &Ctx, put: PutWorkflow) -> Result<WorkflowView, Error> {
        ctx.require(Scope::AgentsWrite)?;
        let read = put.config.as_ref().map(|config| self.0.read_workflow(config)).transpose()?;
        let change = UpdateAgent {
            name: read.as_ref().and_then(|read| read.name.clone()),
            description: read.as_ref().and_then(|read| read.description.clone()),
            model: read.as_ref().and_then(|read| read.model.clone()),
            tags: read.and_then(|read| read.tags).or(put.tags),
            ..UpdateAgent::default()
        };
        let change = self.0.agents().checked(ctx, change)?;
        let caller = ctx.clone();
        let core = self.0.clone();
        let write = move |writer: &mut dyn Writer| {
            let (_, agent) = change.write(&core, writer, &caller, put.agent)?;
            let latest = writer.latest_workflow(agent.id)?;
            check_expected(put.expected, latest.as_ref())?;
            let version = match put.config {
                Some(config) => Some(add(&core, writer, &agent, &caller, latest, config)?),
                None => latest,
            };
            Ok::<_, Error>(WorkflowView { agent, version })
        };
        let view = self.0.ports.store.write(write).await?;
        self.0.hub.tick(view.agent.id.journal());
        Ok(view)
    }

    /// Makes an agent of a configuration. Nothing starts its workflow until it is armed.
    ///
    /// # Errors
    ///
    /// As [`Workflows::put`] and [`crate::Agents::create`]. Nothing is made then.
    pub async fn create(&self, ctx: &Ctx, create: CreateWorkflowAgent) -> Result<WorkflowView, Error> {
        let read = self.0.read_workflow(&create.config)?;
        let name = read.name.ok_or_else(|| invalid_workflow("name is required: what the agent is called"))?;
        let new = CreateAgent {
            name,
            description: read.description.unwrap_or_default(),
            model: read.model,
            runtime: RuntimeKind::Roost,
            size: Size::Medium,
            region: Region::Eu,
            swarm: None,
            avatar_url: None,
            tags: read.tags.or(create.tags).unwrap_or_default(),
            config: serde_json::Map::new(),
            soul: None,
            identity: None,
            workflow: None,
            secrets: std::collections::BTreeMap::new(),
        };
        let caller = ctx.clone();
        let config = create.config;
        let core = self.0.clone();
        let furnish =
            move |writer: &mut dyn Writer, agent: &Agent| add(&core, writer, agent, &caller, None, config);
        let (view, version) = self.0.agents().create_with(ctx, new, furnish).await?;
        Ok(WorkflowView { agent: view.agent, version: Some(version) })
    }
}

/// Adds a version, unless it says what the latest says.
fn add(
    core: &Core,
    writer: &mut dyn Writer,
    agent: &Agent,
    ctx: &Ctx,
    latest: Option<WorkflowVersion>,
    config: Value,
) -> Result<WorkflowVersion, Error> {
    let number = latest.as_ref().map_or(0, |latest| latest.version) + 1;
    if let Some(latest) = latest.filter(|latest| latest.config == config) {
        return Ok(latest);
    }
    let version = WorkflowVersion { version: number, config, author: ctx.who().to_owned(), at: ctx.now };
    writer.insert_workflow(agent.id, &version)?;
    log::journal(writer, agent.id, ctx.now, Journal::Changed { what: "workflow".to_owned() })?;
    kept(core, writer, agent, &version, ctx.now)?;
    Ok(version)
}

/// What follows from a new version, in its transaction.
fn kept(
    core: &Core,
    writer: &mut dyn Writer,
    agent: &Agent,
    version: &WorkflowVersion,
    now: Timestamp,
) -> Result<(), Error> {
    crate::triggers::follow(core, writer, agent, &super::read_kept(version)?, now)
}

fn check_expected(expected: Option<u64>, latest: Option<&WorkflowVersion>) -> Result<(), Error> {
    let now = latest.map_or(0, |latest| latest.version);
    match expected {
        Some(expected) if expected != now => {
            let message = format!(
                "the workflow is at version {now}, not {expected}; read it again and apply the change to it"
            );
            Err(Error::new(Kind::Conflict, "version_conflict", message))
        }
        Some(_) | None => Ok(()),
    }
}

fn invalid_workflow(faults: impl std::fmt::Display) -> Error {
    Error::new(Kind::InvalidInput, "invalid_request", faults.to_string())
}

impl From<Faults> for Error {
    fn from(faults: Faults) -> Self {
        invalid_workflow(faults)
    }
}

impl Core {
    /// Reads a configuration, and whether the models that its steps name are served.
    pub(crate) fn read_workflow(&self, config: &Value) -> Result<Configuration, Error> {
        let read = Configuration::read(config)?;
        let mut wrong = Vec::new();
        self.check_models(&read.workflow.steps, &mut wrong);
        if wrong.is_empty() { Ok(read) } else { Err(invalid_workflow(wrong.join("\n"))) }
    }

    fn check_models(&self, steps: &[Step], wrong: &mut Vec<String>) {
        for step in steps {
            if let Some(model) = model_of(&step.kind)
                && let Err(error) = self.ports.models.describe(model)
            {
                wrong.push(format!("the step {} names the model {model}: {}", step.id, Error::from(error)));
            }
            step.lists().into_iter().for_each(|steps| self.check_models(steps, wrong));
        }
    }
}

const fn model_of(kind: &StepKind) -> Option<&ModelName> {
    match kind {
        StepKind::GenerateText { model, .. } | StepKind::GenerateArtifact { model, .. } => model.as_ref(),
        StepKind::Form(_)
        | StepKind::Tool { .. }
        | StepKind::Http { .. }
        | StepKind::Agent { .. }
        | StepKind::Branch { .. }
        | StepKind::ForEach { .. }
        | StepKind::Parallel { .. }
        | StepKind::Wait { .. }
        | StepKind::Approve { .. } => None,
    }
}
