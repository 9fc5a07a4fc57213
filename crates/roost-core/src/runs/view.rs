use std::sync::Arc;

use jiff::Timestamp;
use roost_domain::approval::Status as ApprovalStatus;
use roost_domain::event::{Offset, Problem};
use roost_domain::id::{AgentId, ApprovalId, FormId, RunId, SessionId, TurnId};
use roost_domain::key::Scope;
use roost_domain::model::Usage;
use roost_domain::page::{Limit, Page};
use roost_domain::run::{Doing, Ending, Plan, Run, State, Status, StepKey, StepState, StepStatus};
use roost_domain::unit::MicroUsd;
use roost_domain::workflow::{Field, Step, StepId};
use roost_ports::store::{FormStatus, KeptRun, Reader, RunCursor, RunFilter, TurnPhase};
use serde_json::Value;

use super::Runs;
use super::answer::fields;
use super::states::fold;
use crate::agents::own;
use crate::{Ctx, Error};

/// How many steps a view has.
const MOST_STEPS: usize = 1_000;

/// Runs to be listed, with a cursor.
#[derive(Debug, Clone, Copy)]
pub struct ListRuns {
    /// Whose, and which of them.
    pub filter: RunFilter,
    /// Where to begin.
    pub after: Option<RunCursor>,
    /// At most so many.
    pub limit: Limit,
}

/// Runs to be listed, by pages.
#[derive(Debug, Clone, Copy)]
pub struct PageRuns {
    /// Whose, and which of them.
    pub filter: RunFilter,
    /// Which page: 1, 2, 3, …
    pub page: u64,
    /// How many runs a page has.
    pub limit: Limit,
}

/// A run, with what happened in it.
#[derive(Debug, Clone, PartialEq)]
pub struct RunView {
    /// The run.
    pub run: Run,
    /// Where its log ends; subscribe after it to see what follows.
    pub offset: Offset,
    /// What it was given.
    pub input: Arc<Value>,
    /// What it came to.
    pub output: Option<Value>,
    /// Why it could not go on, with the step that failed.
    pub problem: Option<(Option<StepKey>, Problem)>,
    /// Its steps, in the order of the workflow, at most 1,000: those to which something happened, and those outside of
    /// for-eachs that are still to come.
    pub steps: Vec<StepView>,
    /// How many steps there are, those included that are not shown.
    pub steps_total: usize,
    /// The forms and questions that wait for an answer.
    pub forms: Vec<FormView>,
}

impl RunView {
    /// Tells whether anything is still to come.
    pub const fn is_in_progress(&self) -> bool {
        !self.run.status.is_over()
    }
}

/// A step of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct StepView {
    /// Which.
    pub key: StepKey,
    /// What people call it.
    pub name: String,
    /// What kind of step it is: `generate-text`, …
    pub kind: &'static str,
    /// Where it is: `pending`, `running`, `waiting-for-input`, `retrying`, `completed`, `failed`, `skipped`,
    /// `cancelled`.
    pub status: &'static str,
    /// How often it was tried.
    pub attempts: u32,
    /// What the last try worked with.
    pub inputs: Arc<Value>,
    /// What it came to.
    pub output: Option<Arc<Value>>,
    /// Why the last try failed.
    pub problem: Option<Problem>,
    /// When it is tried again.
    pub retry_at: Option<Timestamp>,
    /// When the try is given up.
    pub deadline: Option<Timestamp>,
    /// What all tries cost.
    pub cost: MicroUsd,
    /// What their models used.
    pub usage: Usage,
    /// When the first try began.
    pub started_at: Option<Timestamp>,
    /// When it was over.
    pub ended_at: Option<Timestamp>,
    /// Where the last try was done, for those that are turns of the agent.
    pub session: Option<SessionId>,
    /// Approvals for which it waits.
    pub approvals: Vec<ApprovalId>,
    /// The form that it waits for, or did.
    pub form: Option<FormId>,
    /// Whether its output was taken over from another run.
    pub is_taken_over: bool,
}

/// A form or a question that waits for an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct FormView {
    /// Its id.
    pub id: FormId,
    /// The step that asks.
    pub step: StepKey,
    /// What stands above it; for a question, the question.
    pub title: String,
    /// What is explained.
    pub description: Option<String>,
    /// What is asked.
    pub fields: Vec<Field>,
    /// Why the answer before was not taken.
    pub problem: Option<Problem>,
    /// Since when people can answer.
    pub opened_at: Timestamp,
    /// Until when; `None` is without limit.
    pub expires_at: Option<Timestamp>,
}

impl Runs<'_> {
    /// Returns runs of an agent, the one that was asked for last first.
    ///
    /// # Errors
    ///
    /// `NotFound` for the agent.
    pub async fn list(&self, ctx: &Ctx, list: ListRuns) -> Result<Page<Run, RunCursor>, Error> {
        ctx.require(Scope::Runs)?;
        let caller = ctx.clone();
        let read = move |reader: &dyn Reader| {
            own(reader, &caller, list.filter.agent)?;
            Ok(reader.runs(&list.filter, list.after.as_ref(), list.limit)?)
        };
        self.0.ports.store.read(read).await
    }

    /// Returns a page of the runs of an agent, in the same order, and how many there are in all.
    ///
    /// # Errors
    ///
    /// `NotFound` for the agent.
    pub async fn page(&self, ctx: &Ctx, page: PageRuns) -> Result<(Vec<Run>, u64), Error> {
        ctx.require(Scope::Runs)?;
        let caller = ctx.clone();
        let read = move |reader: &dyn Reader| {
            own(reader, &caller, page.filter.agent)?;
            let skip = page.page.saturating_sub(1).saturating_mul(u64::from(page.limit.get()));
            Ok(reader.runs_from(&page.filter, skip, page.limit)?)
        };
        self.0.ports.store.read(read).await
    }

    /// Returns a run with all that happened in it.
    ///
    /// # Errors
    ///
    /// `NotFound` for the agent or the run.
    pub async fn get(&self, ctx: &Ctx, agent: AgentId, run: RunId) -> Result<RunView, Error> {
        ctx.require(Scope::Runs)?;
        let (core, caller) = (self.0.clone(), ctx.clone());
        let read = move |reader: &dyn Reader| {
            own(reader, &caller, agent)?;
            let kept = reader.run(caller.account(), agent, run)?;
            let kept = kept.ok_or_else(|| Error::not_found("run", run))?;
            let plan = core.plans.get(reader, agent, kept.run.version)?;
            view(reader, &plan, kept)
        };
        self.0.ports.store.read(read).await
    }
}

/// Returns a run as it stands.
pub(crate) fn view(reader: &dyn Reader, plan: &Arc<Plan>, kept: KeptRun) -> Result<RunView, Error> {
    let (offset, state) = fold(reader, plan, kept.run.id, None)?;
    let is_over = kept.run.status.is_over();
    let (output, problem) = match state.ended() {
        Some(Ending::Completed { output }) => (Some(output.clone()), None),
        Some(Ending::Failed { step, problem }) => (None, Some((step.clone(), problem.clone()))),
        Some(Ending::Cancelled) | None => (None, None),
    };
    let mut steps = Vec::new();
    let mut happened: std::collections::HashMap<&StepId, Vec<(StepKey, &StepState)>> =
        std::collections::HashMap::new();
    let all: Vec<_> = state.steps().collect();
    for (key, step) in &all {
        if let Some(known) = plan.step(&key.step) {
            happened.entry(&known.id).or_default().push((key.clone(), step));
        }
    }
    let mut total = 0;
    for (step, is_looped) in plan.steps() {
        let known = happened.remove(&step.id).unwrap_or_default();
        total += known.len();
        if known.is_empty() && !is_looped && !is_over {
            total += 1;
            steps.push(pending(step));
        }
        for (key, now) in known {
            if steps.len() < MOST_STEPS {
                steps.push(step_view(reader, step, key, now, is_over)?);
            }
        }
    }
    steps.truncate(MOST_STEPS);
    let forms = if is_over { Vec::new() } else { forms(reader, &state, kept.run.id)? };
    let mut run = kept.run;
    // The row says what is certain; between an event and the next look at the run, the log knows more.
    run.usage = state.usage();
    Ok(RunView {
        run,
        offset,
        input: Arc::clone(state.input()),
        output,
        problem,
        steps,
        steps_total: total,
        forms,
    })
}

fn pending(step: &Step) -> StepView {
    StepView {
        key: StepKey { step: step.id.clone(), places: Vec::new() },
        name: step.name.clone(),
        kind: step.kind.name(),
        status: "pending",
        attempts: 0,
        inputs: Arc::new(Value::Null),
        output: None,
        problem: None,
        retry_at: None,
        deadline: None,
        cost: MicroUsd::ZERO,
        usage: Usage::default(),
        started_at: None,
        ended_at: None,
        session: None,
        approvals: Vec::new(),
        form: None,
        is_taken_over: false,
    }
}

fn step_view(
    reader: &dyn Reader,
    step: &Step,
    key: StepKey,
    now: &StepState,
    is_over: bool,
) -> Result<StepView, Error> {
    let (output, retry_at, waits_for) = match &now.status {
        StepStatus::Done { output } | StepStatus::Produced { output, .. } => {
            (Some(Arc::clone(output)), None, None)
        }
        StepStatus::Judging { output, turn, .. } => (Some(Arc::clone(output)), None, Some(*turn)),
        StepStatus::Retrying { at } => (None, Some(*at), None),
        StepStatus::Running { doing: Doing::Turn { turn, .. } } => (None, None, Some(*turn)),
        StepStatus::Running { .. }
        | StepStatus::Missed { .. }
        | StepStatus::Failed { .. }
        | StepStatus::Skipped => (None, None, None),
    };
    let called_off = now.problem.as_ref().is_some_and(|problem| problem.code == "called_off");
    let name = now.status.name();
    let is_cancelled = if name == "failed" { called_off } else { is_over && name == "running" };
    let status = if is_cancelled { "cancelled" } else { name };
    Ok(StepView {
        status,
        attempts: now.attempt,
        inputs: Arc::clone(&now.inputs),
        output,
        problem: now.problem.clone(),
        retry_at,
        deadline: now.deadline,
        cost: now.cost,
        usage: now.usage,
        started_at: now.started_at,
        ended_at: now.ended_at,
        session: now.doing.as_ref().and_then(session),
        approvals: waits_for.map(|turn| approvals(reader, turn)).transpose()?.unwrap_or_default(),
        form: now.doing.as_ref().and_then(form),
        is_taken_over: now.is_taken_over,
        key,
        ..pending(step)
    })
}

const fn session(doing: &Doing) -> Option<SessionId> {
    match doing {
        Doing::Turn { session, .. } => Some(*session),
        Doing::Form { .. } | Doing::Question { .. } | Doing::Wait { .. } | Doing::Within { .. } => None,
    }
}

const fn form(doing: &Doing) -> Option<FormId> {
    match doing {
        Doing::Form { form, .. } | Doing::Question { form, .. } => Some(*form),
        Doing::Turn { .. } | Doing::Wait { .. } | Doing::Within { .. } => None,
    }
}

/// Returns the approvals for which a turn waits, and those for which turns wait that work for it.
fn approvals(reader: &dyn Reader, turn: TurnId) -> Result<Vec<ApprovalId>, Error> {
    let mut waiting = Vec::new();
    for approval in reader.turn_approvals(turn)? {
        if approval.status == ApprovalStatus::Pending {
            waiting.push(approval.id);
        }
    }
    for below in reader.turns_for(turn)? {
        if below.phase != TurnPhase::Ended {
            waiting.extend(approvals(reader, below.id)?);
        }
    }
    Ok(waiting)
}

/// Returns the forms of a run that wait for an answer.
fn forms(reader: &dyn Reader, state: &State, run: RunId) -> Result<Vec<FormView>, Error> {
    const MOST: Limit = Limit::clamped(1_000, 1_000);
    let open = reader.forms_of(run, Some(FormStatus::Open), MOST)?;
    let view = |form: roost_ports::store::KeptForm| {
        let step = state.plan().step(&form.step.step)?;
        let now = state.step(&form.step)?;
        let (title, description) = match now.doing.as_ref()? {
            Doing::Form { title, description, .. } => (title.clone(), description.clone()),
            Doing::Question { question, .. } => (question.clone(), None),
            Doing::Turn { .. } | Doing::Wait { .. } | Doing::Within { .. } => return None,
        };
        Some(FormView {
            id: form.id,
            title,
            description,
            fields: fields(step),
            problem: now.problem.clone(),
            opened_at: form.opened_at,
            expires_at: form.expires_at,
            step: form.step,
        })
    };
    Ok(open.into_iter().filter_map(view).collect())
}

impl ListRuns {
    /// Returns the first runs of an agent.
    pub const fn first(agent: AgentId, status: Option<Status>, limit: Limit) -> Self {
        Self { filter: RunFilter { agent, status, or_queued: false }, after: None, limit }
    }
}
