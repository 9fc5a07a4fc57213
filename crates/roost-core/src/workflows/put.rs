use roost_domain::agent::{Agent, Region, RuntimeKind};
use roost_domain::event::Journal;
use roost_domain::id::AgentId;
use roost_domain::key::Scope;
use roost_domain::machine::Size;
use roost_domain::model::ModelName;
use roost_domain::workflow::{Configuration, Faults, Step, StepKind};
use roost_ports::store::{WorkflowVersion, Writer};
use serde_json::{Map, Value};

use super::runtime::check_runtime;
use super::{WorkflowView, Workflows};
use crate::agents::own;
use crate::{Core, CreateAgent, Ctx, Error, Kind, UpdateAgent, log, triggers};

/// A configuration to be the next version of an agent's workflow.
#[derive(Debug, Clone)]
pub struct PutWorkflow {
    /// Whose.
    pub agent: AgentId,
    /// The configuration.
    pub config: ConfigChange,
    /// Tags of the agent, whatever the configuration says of them.
    pub tags: Option<Vec<String>>,
    /// The version that the caller has seen, 0 being none; another latest version is a conflict. `None` does not ask.
    pub expected: Option<u64>,
}

/// What becomes of a configuration.
#[derive(Debug, Clone, PartialEq)]
pub enum ConfigChange {
    /// It stays.
    Keep,
    /// It is this from now on.
    Replace(Value),
    /// These keys of it change; a null removes one. An agent without a workflow begins with nothing.
    Merge(Map<String, Value>),
}

/// An agent to be made of a configuration.
#[derive(Debug, Clone)]
pub struct CreateWorkflowAgent {
    /// The configuration, which has a name.
    pub config: Value,
    /// Tags of the agent, whatever the configuration says of them.
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
        let caller = ctx.clone();
        let core = self.0.clone();
        let write = move |writer: &mut dyn Writer| {
            own(writer, &caller, put.agent)?;
            let latest = writer.latest_workflow(put.agent)?;
            check_expected(put.expected, latest.as_ref())?;
            let (config, said) = changed(put.config, latest.as_ref());
            let read = config.as_ref().map(|config| core.read_workflow(config)).transpose()?;
            let change = UpdateAgent { tags: put.tags, ..UpdateAgent::default() };
            let change = read.as_ref().map_or(change.clone(), |read| follow(read, &said, change));
            let change = core.agents().checked(&caller, change)?;
            let (_, agent) = change.write(&core, writer, &caller, put.agent)?;
            let version = match config.zip(read) {
                Some((config, read)) => Some(add(&core, writer, &agent, &caller, latest, (config, &read))?),
                None => latest,
            };
            WorkflowView::read(writer, agent, version)
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
        let name = read
            .name
            .clone()
            .ok_or_else(|| invalid_workflow("name is required: what the agent is called"))?;
        let new = CreateAgent {
            name,
            description: read.description.clone().unwrap_or_default(),
            model: read.model.clone(),
            runtime: RuntimeKind::Roost,
            size: Size::Medium,
            region: Region::Eu,
            swarm: None,
            avatar_url: None,
            tags: create.tags.or_else(|| read.tags.clone()).unwrap_or_default(),
            config: serde_json::Map::new(),
            soul: None,
            identity: None,
            workflow: None,
            secrets: std::collections::BTreeMap::new(),
        };
        let caller = ctx.clone();
        let config = create.config;
        let core = self.0.clone();
        let furnish = move |writer: &mut dyn Writer, agent: &Agent| {
            let version = add(&core, writer, agent, &caller, None, (config, &read))?;
            WorkflowView::read(writer, agent.clone(), Some(version))
        };
        let (_, view) = self.0.agents().create_with(ctx, new, furnish).await?;
        Ok(view)
    }
}

/// Returns the configuration as it is to be, with the keys that the caller said something of.
fn changed(change: ConfigChange, latest: Option<&WorkflowVersion>) -> (Option<Value>, Vec<String>) {
    match change {
        ConfigChange::Keep => (None, Vec::new()),
        ConfigChange::Replace(config) => {
            let said = config.as_object().map(|config| config.keys().cloned().collect());
            (Some(config), said.unwrap_or_default())
        }
        ConfigChange::Merge(keys) => {
            let said = keys.keys().cloned().collect();
            let mut config = latest.and_then(|latest| latest.config.as_object()).cloned().unwrap_or_default();
            for (key, value) in keys {
                if value.is_null() {
                    config.remove(&key);
                } else {
                    config.insert(key, value);
                }
            }
            (Some(Value::Object(config)), said)
        }
    }
}

/// Returns what changes of an agent by what was said of it.
fn follow(read: &Configuration, said: &[String], change: UpdateAgent) -> UpdateAgent {
    let says = |key: &str| said.iter().any(|name| name == key);
    UpdateAgent {
        name: read.name.clone().filter(|_| says("name")),
        description: read.description.clone().filter(|_| says("description")),
        model: read.model.clone().filter(|_| says("model")),
        tags: change.tags.or_else(|| read.tags.clone().filter(|_| says("tags"))),
        ..UpdateAgent::default()
    }
}

/// Adds a version, unless it says what the latest says.
fn add(
    core: &Core,
    writer: &mut dyn Writer,
    agent: &Agent,
    ctx: &Ctx,
    latest: Option<WorkflowVersion>,
    (config, read): (Value, &Configuration),
) -> Result<WorkflowVersion, Error> {
    check_runtime(agent, read)?;
    let number = latest.as_ref().map_or(0, |latest| latest.version) + 1;
    if let Some(latest) = latest.filter(|latest| latest.config == config) {
        return Ok(latest);
    }
    let version = WorkflowVersion { version: number, config, author: ctx.who().to_owned(), at: ctx.now };
    writer.insert_workflow(agent.id, &version)?;
    log::journal(writer, agent.id, ctx.now, Journal::Changed { what: "workflow".to_owned() })?;
    writer.set_integrations(agent.id, &read.workflow.integrations)?;
    triggers::follow(core, writer, agent, &read.workflow, ctx.now)?;
    Ok(version)
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

pub(super) fn invalid_workflow(faults: impl std::fmt::Display) -> Error {
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
