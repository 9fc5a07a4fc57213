use jiff::Timestamp;
use roost_domain::agent::{Agent, Arming};
use roost_domain::event::Offset;
use roost_domain::id::{AgentId, RunId};
use roost_domain::key::Scope;
use roost_domain::model::Usage;
use roost_domain::run::{Cause, Run, RunEvent, Status, StepKey};
use roost_domain::unit::MicroUsd;
use roost_domain::workflow::TriggerKind;
use roost_ports::store::{KeptRun, Reader, Writer};
use serde_json::Value;

use super::{RunView, Runs, criteria};
use crate::agents::own;
use crate::messages::not_running;
use crate::{Core, Ctx, Error, Kind};

/// The most bytes of what a run is given, as JSON.
const MOST_INPUT: usize = 1 << 20;

/// A run to be begun by hand.
#[derive(Debug, Clone)]
pub struct CreateRun {
    /// Whose workflow.
    pub agent: AgentId,
    /// What it is given.
    pub input: Value,
    /// Whether it begins only where the agent's triggers may start runs.
    pub only_armed: bool,
}

/// A run to be begun inside somebody's transaction.
#[derive(Debug, Clone)]
pub(crate) struct NewRun {
    /// What starts it.
    pub(crate) cause: Cause,
    /// What it is given, held to what the workflow takes.
    pub(crate) input: CheckedInput,
    /// Whether what it is given came from outside.
    pub(crate) tainted: bool,
    /// Outputs that are taken over from another run.
    pub(crate) given: Vec<(StepKey, Value)>,
}

impl NewRun {
    /// Returns a run that takes nothing over.
    pub(crate) const fn new(cause: Cause, input: CheckedInput, tainted: bool) -> Self {
        Self { cause, input, tainted, given: Vec::new() }
    }
}

/// What a run is given, held to what a version of its workflow takes. That takes a while, so it is done before anything
/// is written, and no longer true when the workflow changed meanwhile.
#[derive(Debug, Clone)]
pub(crate) struct CheckedInput {
    input: Value,
    version: u64,
    /// Whether it is to be the latest version.
    is_latest: bool,
}

impl Core {
    /// Holds what a run is to be given to what its workflow takes; without a version, to the latest.
    ///
    /// # Errors
    ///
    /// `NotFound` for the workflow or the version; `InvalidInput`.
    pub(crate) async fn checked_input(
        &self,
        agent: AgentId,
        version: Option<u64>,
        input: Value,
    ) -> Result<CheckedInput, Error> {
        let core = self.clone();
        let read = move |reader: &dyn Reader| {
            let number = match version {
                Some(version) => version,
                None => crate::workflows::latest(reader, agent)?.version,
            };
            Ok::<_, Error>((number, core.plans.get(reader, agent, number)?))
        };
        let (number, plan) = self.ports.store.read(read).await?;
        let core = self.clone();
        let check = move || {
            check_size(&input)?;
            if let Some(schema) = &plan.workflow().input {
                let validator = core.plans.input(agent, number, schema);
                let checked = validator.and_then(|validator| criteria::holds(&validator, &input));
                checked.map_err(|problem| Error::invalid("input", problem))?;
            }
            Ok(CheckedInput { input, version: number, is_latest: version.is_none() })
        };
        tokio::task::spawn_blocking(check).await.map_err(Error::internal)?
    }
}

/// Says that a workflow changed while a run was made ready.
pub(crate) fn workflow_changed() -> Error {
    let message = "the workflow was changed at the same moment, so no run began; ask again";
    Error::new(Kind::Conflict, "workflow_changed", message)
}

impl Runs<'_> {
    /// Begins a run. When this returns, the run is durable; what it does comes by itself.
    ///
    /// # Errors
    ///
    /// `NotFound` for the agent or its workflow; `InvalidInput` if the input is not what the workflow takes;
    /// `InvalidState` with the codes `agent_not_running` and `workflow_not_started`; `QuotaExceeded` with the code
    /// `too_many_runs`; `Conflict` with the code `workflow_changed` if that happened at the same moment.
    pub async fn create(&self, ctx: &Ctx, create: CreateRun) -> Result<RunView, Error> {
        ctx.require(Scope::Runs)?;
        let caller = ctx.clone();
        self.0.ports.store.read(move |reader| own(reader, &caller, create.agent).map(drop)).await?;
        let input = self.0.checked_input(create.agent, None, create.input).await?;
        let (core, caller) = (self.0.clone(), ctx.clone());
        let begun = move |writer: &mut dyn Writer| {
            let agent = own(writer, &caller, create.agent)?;
            if create.only_armed && agent.arming != Arming::Armed {
                let message =
                    format!("the workflow of {} is {}; start it first", agent.name, agent.arming.name());
                return Err(Error::new(Kind::InvalidState, "workflow_not_started", message));
            }
            let mut new = NewRun::new(Cause::manual(caller.who()), input, false);
            if let Some(trigger) = manual_trigger(&core, writer, &agent)? {
                new.cause.trigger = trigger;
            }
            begin(&core, writer, &agent, new, caller.now)
        };
        let id = self.0.ports.store.write(begun).await?;
        self.0.run_went_on(id);
        self.get(ctx, create.agent, id).await
    }
}

/// Returns what the workflow calls its manual trigger, if it names one.
fn manual_trigger(core: &Core, reader: &dyn Reader, agent: &Agent) -> Result<Option<String>, Error> {
    let Some(latest) = reader.latest_workflow(agent.id)? else { return Ok(None) };
    let plan = core.plans.get(reader, agent.id, latest.version)?;
    let mut triggers = plan.workflow().triggers.iter();
    let manual = triggers.find(|trigger| matches!(trigger.kind, TriggerKind::Manual));
    Ok(manual.map(|trigger| trigger.name.clone()))
}

/// Begins a run inside a transaction. Whoever calls tells the runtime afterwards, with [`Core::run_went_on`].
///
/// # Errors
///
/// As [`Runs::create`].
pub(crate) fn begin(
    core: &Core,
    writer: &mut dyn Writer,
    agent: &Agent,
    new: NewRun,
    now: Timestamp,
) -> Result<RunId, Error> {
    if !agent.state.takes_messages() {
        return Err(not_running(agent));
    }
    let CheckedInput { input, version, is_latest } = new.input;
    if is_latest && crate::workflows::latest(writer, agent.id)?.version != version {
        return Err(workflow_changed());
    }
    let plan = core.plans.get(writer, agent.id, version)?;
    let workflow = plan.workflow();
    let most =
        workflow.bounds.concurrency.unwrap_or(core.settings.max_open_runs).min(core.settings.max_open_runs);
    let is_queued = open(writer, agent.id, most)? >= most;
    if is_queued {
        let most = core.settings.max_queued_runs;
        if writer.count_runs(agent.id, Status::Queued, most)? >= most {
            let message = format!("{most} runs of {} wait for others already", agent.name);
            return Err(Error::new(Kind::QuotaExceeded, "too_many_runs", message));
        }
    }
    let id = core.ports.random.id::<RunId>(now);
    let run = Run {
        id,
        account: agent.account,
        agent: agent.id,
        version,
        status: if is_queued { Status::Queued } else { Status::Running },
        cause: new.cause,
        created_at: now,
        started_at: None,
        ended_at: None,
        cost: MicroUsd::ZERO,
        usage: Usage::default(),
    };
    // One that waits for others is looked at for its own time limit.
    let due_at = match (is_queued, workflow.bounds.timeout) {
        (false, _) => Some(now),
        (true, timeout) => timeout.and_then(|timeout| now.checked_add(timeout).ok()),
    };
    writer.insert_run(&KeptRun { run, offset: Offset::START, due_at, reserved: MicroUsd::ZERO })?;
    let created = RunEvent::Created { input, given: new.given, tainted: new.tainted };
    writer.append_run(id, now, &[created])?;
    Ok(id)
}

/// Counts the runs of an agent that are under way, no further than `most`.
pub(super) fn open(reader: &dyn Reader, agent: AgentId, most: u32) -> Result<u32, Error> {
    let running = reader.count_runs(agent, Status::Running, most)?;
    let waiting = reader.count_runs(agent, Status::WaitingForInput, most)?;
    Ok(running.saturating_add(waiting))
}

fn check_size(input: &Value) -> Result<(), Error> {
    let bytes = input.to_string().len();
    if bytes > MOST_INPUT {
        return Err(Error::invalid("input", format!("has {bytes} bytes; at most {MOST_INPUT} are allowed")));
    }
    Ok(())
}
