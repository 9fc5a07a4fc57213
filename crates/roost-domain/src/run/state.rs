use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::plan::{Key, Node, Plan};
use super::{Doing, Ending, RunEvent, StepKey};
use crate::event::Problem;
use crate::id::TurnId;
use crate::model::Usage;
use crate::unit::{MicroUsd, Tokens};
use crate::workflow::{Step, StepId, StepKind};

/// A run as its events have left it.
#[derive(Debug, Clone)]
pub struct State {
    plan: Arc<Plan>,
    phase: Phase,
    created_at: Timestamp,
    input: Arc<Value>,
    tainted: bool,
    stop: Option<Stop>,
    steps: BTreeMap<Key, StepState>,
    /// The steps that are neither settled nor failed.
    active: BTreeSet<Key>,
    loops: BTreeMap<Key, Progress>,
    cost: MicroUsd,
    usage: Usage,
}

#[derive(Debug, Clone, PartialEq)]
enum Phase {
    New,
    Open,
    Ended(Ending),
}

/// Why nothing more begins.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Stop {
    Cancelled,
    Failed { step: StepKey, problem: Problem },
    TimedOut,
}

/// How far a for-each is.
#[derive(Debug, Clone, Default)]
pub(super) struct Progress {
    pub(super) total: u32,
    /// The first thing that was not begun.
    pub(super) next: u32,
    /// The things that were begun and are not done.
    pub(super) open: BTreeSet<u32>,
}

/// One step of a run as its events have left it.
#[derive(Debug, Clone, PartialEq)]
pub struct StepState {
    /// Where it is.
    pub status: StepStatus,
    /// Which try: 1, 2, …; 0 where it was taken over or skipped.
    pub attempt: u32,
    /// What the last try worked with.
    pub inputs: Arc<Value>,
    /// What was under way last.
    pub doing: Option<Doing>,
    /// When the last try is given up.
    pub deadline: Option<Timestamp>,
    /// Why the last try failed, where one did.
    pub problem: Option<Problem>,
    /// What all tries cost.
    pub cost: MicroUsd,
    /// What their models used.
    pub usage: Usage,
    /// Whether its output may come from outside.
    pub tainted: bool,
    /// When the first try began.
    pub started_at: Option<Timestamp>,
    /// When it was over.
    pub ended_at: Option<Timestamp>,
    /// Whether its output was taken over from another run.
    pub is_taken_over: bool,
}

/// Where a step is.
#[derive(Debug, Clone, PartialEq)]
pub enum StepStatus {
    /// A try is under way.
    Running {
        /// What is.
        doing: Doing,
    },
    /// It came to an output, which is still to be held to its criteria from this one on.
    Produced {
        /// The output.
        output: Arc<Value>,
        /// The first criterion that was not looked at.
        from: u32,
    },
    /// A model is asked about its output.
    Judging {
        /// The output.
        output: Arc<Value>,
        /// About which criterion.
        criterion: u32,
        /// The turn that answers.
        turn: TurnId,
    },
    /// The output is not good enough.
    Missed {
        /// Why.
        reason: String,
    },
    /// It is tried again.
    Retrying {
        /// When.
        at: Timestamp,
    },
    /// It is done.
    Done {
        /// What it came to.
        output: Arc<Value>,
    },
    /// It failed for good.
    Failed {
        /// Why.
        problem: Problem,
    },
    /// Its branch was not taken.
    Skipped,
}

/// An event that cannot follow what happened before it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a run in which {what} cannot take the event {event}")]
pub struct Unexpected {
    what: String,
    event: &'static str,
}

impl State {
    /// Returns a run in which nothing has happened yet.
    pub fn new(plan: Arc<Plan>) -> Self {
        Self {
            plan,
            phase: Phase::New,
            created_at: Timestamp::UNIX_EPOCH,
            input: Arc::new(Value::Null),
            tainted: false,
            stop: None,
            steps: BTreeMap::new(),
            active: BTreeSet::new(),
            loops: BTreeMap::new(),
            cost: MicroUsd::ZERO,
            usage: Usage::default(),
        }
    }

    /// Returns the workflow that it keeps to.
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// Returns how it ended, if it did.
    pub const fn ended(&self) -> Option<&Ending> {
        match &self.phase {
            Phase::Ended(ending) => Some(ending),
            Phase::New | Phase::Open => None,
        }
    }

    /// Tells whether nothing more begins: it was cancelled, failed, or took too long.
    pub const fn is_stopping(&self) -> bool {
        self.stop.is_some()
    }

    /// Tells whether anything in it may come from outside by now.
    pub const fn is_tainted(&self) -> bool {
        self.tainted
    }

    /// Returns what it was given.
    pub const fn input(&self) -> &Arc<Value> {
        &self.input
    }

    /// Returns when it was asked for.
    pub const fn created_at(&self) -> Timestamp {
        self.created_at
    }

    /// Returns what its steps cost, as far as is known.
    pub const fn cost(&self) -> MicroUsd {
        self.cost
    }

    /// Returns what its models used.
    pub const fn usage(&self) -> Usage {
        self.usage
    }

    /// Returns one step, if anything happened to it.
    pub fn step(&self, step: &StepKey) -> Option<&StepState> {
        self.at(&self.plan.key(step)?)
    }

    /// Returns every step to which something happened, in the order of the configuration.
    pub fn steps(&self) -> impl Iterator<Item = (StepKey, &StepState)> {
        self.steps.iter().map(|(key, step)| (self.plan.name(key), step))
    }

    /// Returns the outputs of the outermost steps that another try from one of them on takes over: those that are done
    /// and need it neither directly nor indirectly.
    pub fn given_before(&self, step: &StepId) -> Vec<(StepKey, Value)> {
        let again = self.plan.after(step);
        let outermost = self.steps().filter(|(key, _)| self.plan.outermost(&key.step) == Some(&key.step));
        let before = outermost.filter(|(key, _)| !again.contains(&key.step));
        before
            .filter_map(|(key, step)| match &step.status {
                StepStatus::Done { output } => Some((key, Value::clone(output))),
                StepStatus::Running { .. }
                | StepStatus::Produced { .. }
                | StepStatus::Judging { .. }
                | StepStatus::Missed { .. }
                | StepStatus::Retrying { .. }
                | StepStatus::Failed { .. }
                | StepStatus::Skipped => None,
            })
            .collect()
    }

    /// Returns what the run comes to where its workflow does not say: the output of the last step that was done.
    pub fn last_output(&self) -> Value {
        self.last_of(self.plan.list(super::plan::ROOT), &[])
    }

    /// Returns about how many bytes of memory it takes.
    pub fn weight(&self) -> usize {
        1_000 + self.steps.len() * 600 + self.steps.values().map(weight).sum::<usize>()
    }

    pub(super) const fn is_created(&self) -> bool {
        !matches!(self.phase, Phase::New)
    }

    pub(super) const fn stop(&self) -> Option<&Stop> {
        self.stop.as_ref()
    }

    pub(super) fn at(&self, key: &Key) -> Option<&StepState> {
        self.steps.get(key)
    }

    pub(super) fn active(&self) -> impl Iterator<Item = &Key> {
        self.active.iter()
    }

    pub(super) fn progress(&self, key: &Key) -> Option<&Progress> {
        self.loops.get(key)
    }

    /// Returns one of the things that a for-each is done for.
    pub(super) fn item(&self, key: &Key, place: u32) -> Option<&Value> {
        match self.at(key)?.doing.as_ref()? {
            Doing::Within { items, .. } => items.get(place as usize),
            Doing::Turn { .. } | Doing::Form { .. } | Doing::Question { .. } | Doing::Wait { .. } => None,
        }
    }

    pub(super) fn needs_are_settled(&self, key: &Key) -> bool {
        self.plan.node(key.node).needs.iter().all(|need| {
            let need = Key { node: *need, places: key.places.clone() };
            self.at(&need).is_some_and(is_settled)
        })
    }

    pub(super) fn waits_for_people_alone(&self) -> bool {
        let mut people = false;
        for key in &self.active {
            let Some(StepStatus::Running { doing }) = self.at(key).map(|step| &step.status) else {
                return false;
            };
            match doing {
                Doing::Form { .. } | Doing::Question { .. } => people = true,
                Doing::Within { .. } => {}
                Doing::Turn { .. } | Doing::Wait { .. } => return false,
            }
        }
        people
    }

    /// Returns what a step comes to that has others within it: the outputs of the last of each list.
    pub(super) fn output_of(&self, key: &Key) -> Value {
        let node = self.plan.node(key.node);
        match (&node.step.kind, self.at(key).and_then(|step| step.doing.as_ref())) {
            (StepKind::ForEach { .. }, _) => {
                let total = self.progress(key).map_or(0, |progress| progress.total);
                let of = |place: u32| {
                    self.last_of(self.plan.list(node.lists[0]), &[&key.places[..], &[place]].concat())
                };
                (0..total).map(of).collect()
            }
            (StepKind::Parallel { .. }, _) => {
                node.lists.iter().map(|list| self.last_of(self.plan.list(*list), &key.places)).collect()
            }
            (_, Some(Doing::Within { case: Some(case), .. })) => {
                let taken = node.lists.get(*case as usize);
                taken.map_or(Value::Null, |list| self.last_of(self.plan.list(*list), &key.places))
            }
            _ => Value::Null,
        }
    }

    fn last_of(&self, list: &[usize], places: &[u32]) -> Value {
        let outputs = list.iter().rev().filter_map(|node| {
            let step = self.at(&Key { node: *node, places: places.to_vec() })?;
            if let StepStatus::Done { output } = &step.status { Some(Value::clone(output)) } else { None }
        });
        outputs.into_iter().next().unwrap_or(Value::Null)
    }

    fn told(&self) -> String {
        match (&self.phase, &self.stop) {
            (Phase::New, _) => "nothing happened".to_owned(),
            (Phase::Ended(_), _) => "everything is over".to_owned(),
            (Phase::Open, Some(_)) => "everything is called off".to_owned(),
            (Phase::Open, None) => format!("{} steps are under way", self.active.len()),
        }
    }
}

fn is_settled(step: &StepState) -> bool {
    matches!(step.status, StepStatus::Done { .. } | StepStatus::Skipped)
}

fn weight(step: &StepState) -> usize {
    let output = match &step.status {
        StepStatus::Done { output }
        | StepStatus::Produced { output, .. }
        | StepStatus::Judging { output, .. } => size(output),
        StepStatus::Running { .. }
        | StepStatus::Missed { .. }
        | StepStatus::Retrying { .. }
        | StepStatus::Failed { .. }
        | StepStatus::Skipped => 0,
    };
    let items = match &step.doing {
        Some(Doing::Within { items, .. }) => size(items),
        Some(Doing::Turn { .. } | Doing::Form { .. } | Doing::Question { .. } | Doing::Wait { .. })
        | None => 0,
    };
    output + items + size(&step.inputs)
}

fn size(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 32,
        Value::String(text) => 32 + text.len(),
        Value::Array(items) => 32 + items.iter().map(size).sum::<usize>(),
        Value::Object(fields) => {
            32 + fields.iter().map(|(name, value)| 64 + name.len() + size(value)).sum::<usize>()
        }
    }
}

/// Folds one event into a run.
///
/// # Errors
///
/// [`Unexpected`] if the event cannot follow; in particular nothing follows the end.
pub fn step(mut state: State, event: &RunEvent, at: Timestamp) -> Result<State, Unexpected> {
    match apply(&mut state, event, at) {
        Some(()) => Ok(state),
        None => {
            let place =
                event.step().and_then(|step| Some(format!("{step} is {}", state.step(step)?.status.name())));
            let what = place.unwrap_or_else(|| state.told());
            Err(Unexpected { what, event: event.name() })
        }
    }
}

fn apply(state: &mut State, event: &RunEvent, at: Timestamp) -> Option<()> {
    match (&state.phase, event) {
        (Phase::New, RunEvent::Created { input, given, tainted }) => {
            state.phase = Phase::Open;
            state.created_at = at;
            state.input = Arc::new(input.clone());
            state.tainted = *tainted;
            for (key, output) in given {
                let key = state.plan.key(key)?;
                let status = StepStatus::Done { output: Arc::new(output.clone()) };
                state.steps.insert(key, StepState { is_taken_over: true, ..StepState::new(status) });
            }
            Some(())
        }
        (Phase::New | Phase::Ended(_), _) | (Phase::Open, RunEvent::Created { .. }) => None,
        (Phase::Open, RunEvent::TimedOut) => state.stop.is_none().then(|| state.stop = Some(Stop::TimedOut)),
        (Phase::Open, RunEvent::CancelRequested { .. }) => {
            state.stop.get_or_insert(Stop::Cancelled);
            Some(())
        }
        (Phase::Open, RunEvent::Ended { ending }) => {
            state.active.is_empty().then(|| state.phase = Phase::Ended(ending.clone()))
        }
        (Phase::Open, event) => {
            let name = event.step()?;
            let key = state.plan.key(name)?;
            apply_to_step(state, &key, event, at)
        }
    }
}

fn apply_to_step(state: &mut State, key: &Key, event: &RunEvent, at: Timestamp) -> Option<()> {
    let known = state.steps.get(key);
    let next = match event {
        RunEvent::StepStarted { attempt, inputs, doing, deadline, .. } => {
            may_begin(state, key, *attempt)?;
            let is_container = !state.plan.node(key.node).lists.is_empty();
            if is_container != matches!(doing, Doing::Within { .. }) {
                return None;
            }
            let status = StepStatus::Running { doing: doing.clone() };
            let mut step = known.cloned().unwrap_or_else(|| StepState::new(status.clone()));
            step.started_at.get_or_insert(at);
            let (inputs, doing) = (Arc::new(inputs.clone()), Some(doing.clone()));
            StepState { attempt: *attempt, status, inputs, doing, deadline: *deadline, ..step }
        }
        RunEvent::StepSkipped { .. } => {
            let is_new = known.is_none() && state.stop.is_none();
            is_new.then(|| StepState { ended_at: Some(at), ..StepState::new(StepStatus::Skipped) })?
        }
        RunEvent::StepFailed { attempt, problem, retry_at, .. } => {
            failed(state, key, *attempt, problem, *retry_at, at)?
        }
        RunEvent::Produced { .. }
        | RunEvent::JudgeAsked { .. }
        | RunEvent::Judged { .. }
        | RunEvent::Answered { .. }
        | RunEvent::StepSucceeded { .. } => went_on(known?, event, at)?,
        RunEvent::Created { .. }
        | RunEvent::TimedOut
        | RunEvent::CancelRequested { .. }
        | RunEvent::Ended { .. } => return None,
    };
    put(state, key, next, event);
    Some(())
}

/// Tells whether a try of a step may begin.
fn may_begin(state: &State, key: &Key, attempt: u32) -> Option<()> {
    let may = state.stop.is_none()
        && match state.steps.get(key) {
            None => attempt == 1 && may_be(state, key) && state.needs_are_settled(key),
            Some(StepState { status: StepStatus::Retrying { .. }, attempt: last, .. }) => attempt == last + 1,
            Some(_) => false,
        };
    may.then_some(())
}

/// Tells whether a step is one of those that are to be done: what it stands within is under way, and it belongs to
/// the case that was taken and to a thing that there is.
fn may_be(state: &State, key: &Key) -> bool {
    let node: &Node = state.plan.node(key.node);
    let Some((around, list)) = node.within else { return true };
    let loops = state.plan.node(around).loops.len();
    let outer = Key { node: around, places: key.places[..loops].to_vec() };
    let Some(StepStatus::Running { doing: Doing::Within { case, .. } }) =
        state.steps.get(&outer).map(|step| &step.status)
    else {
        return false;
    };
    if matches!(state.plan.node(around).step.kind, StepKind::ForEach { .. }) {
        state.progress(&outer).is_some_and(|progress| key.places[loops] < progress.total)
    } else {
        case.is_none_or(|case| case as usize == list)
    }
}

fn failed(
    state: &State,
    key: &Key,
    attempt: u32,
    problem: &Problem,
    retry_at: Option<Timestamp>,
    at: Timestamp,
) -> Option<StepState> {
    let known = match state.steps.get(key) {
        Some(step) if state.active.contains(key) => {
            let is_next = matches!(step.status, StepStatus::Retrying { .. }) && attempt == step.attempt + 1;
            (is_next || attempt == step.attempt).then(|| step.clone())?
        }
        Some(_) => return None,
        // It never began, since its templates cannot be filled in.
        None => {
            may_begin(state, key, attempt)?;
            StepState { started_at: Some(at), ..StepState::new(StepStatus::Skipped) }
        }
    };
    let status = match retry_at.filter(|_| state.stop.is_none()) {
        Some(at) => StepStatus::Retrying { at },
        None => StepStatus::Failed { problem: problem.clone() },
    };
    let ended_at = matches!(status, StepStatus::Failed { .. }).then_some(at);
    Some(StepState { status, attempt, problem: Some(problem.clone()), ended_at, ..known })
}

/// Returns what becomes of a step that is under way.
fn went_on(step: &StepState, event: &RunEvent, at: Timestamp) -> Option<StepState> {
    let output_of = |value: &Value| Arc::new(value.clone());
    let mut next = step.clone();
    next.status = match (&step.status, event) {
        (
            StepStatus::Running { doing: Doing::Turn { .. } },
            RunEvent::Produced { attempt, output, tainted, .. },
        ) if *attempt == step.attempt => {
            next.tainted |= tainted;
            StepStatus::Produced { output: output_of(output), from: 0 }
        }
        (
            StepStatus::Running { doing: Doing::Form { .. } | Doing::Question { .. } },
            RunEvent::Answered { answer, .. },
        ) => StepStatus::Produced { output: output_of(answer), from: 0 },
        (
            StepStatus::Produced { .. }
            | StepStatus::Running { doing: Doing::Within { .. } | Doing::Wait { .. } },
            RunEvent::JudgeAsked { criterion, output, turn, .. },
        ) => StepStatus::Judging { output: output_of(output), criterion: *criterion, turn: *turn },
        (
            StepStatus::Judging { output, criterion, .. },
            RunEvent::Judged { criterion: of, passes, reason, .. },
        ) if criterion == of => {
            if *passes {
                StepStatus::Produced { output: Arc::clone(output), from: criterion + 1 }
            } else {
                StepStatus::Missed { reason: reason.clone() }
            }
        }
        (StepStatus::Produced { .. }, RunEvent::StepSucceeded { output, tainted, .. })
        | (
            StepStatus::Running {
                doing: Doing::Turn { .. } | Doing::Within { .. } | Doing::Wait { .. }, ..
            },
            RunEvent::StepSucceeded { output, tainted, .. },
        ) => {
            next.tainted |= tainted;
            next.problem = None;
            next.ended_at = Some(at);
            StepStatus::Done { output: output_of(output) }
        }
        _ => return None,
    };
    Some(next)
}

/// Puts a step where it is now, and keeps what is known about the whole run in step with it.
fn put(state: &mut State, key: &Key, mut step: StepState, event: &RunEvent) {
    if let Some((cost, usage)) = spent(event) {
        step.cost = step.cost.saturating_add(cost);
        step.usage = sum(step.usage, usage);
        state.cost = state.cost.saturating_add(cost);
        state.usage = sum(state.usage, usage);
    }
    state.tainted |= step.tainted;
    if let StepStatus::Failed { problem } = &step.status
        && state.stop.is_none()
    {
        state.stop = Some(Stop::Failed { step: state.plan.name(key), problem: problem.clone() });
    }
    if let (StepKind::ForEach { .. }, RunEvent::StepStarted { doing: Doing::Within { items, .. }, .. }) =
        (&state.plan.node(key.node).step.kind, event)
    {
        let total = u32::try_from(items.as_array().map_or(0, Vec::len)).unwrap_or(u32::MAX);
        state.loops.insert(key.clone(), Progress { total, ..Progress::default() });
    }
    let is_active = !is_settled(&step) && !matches!(step.status, StepStatus::Failed { .. });
    if is_active {
        state.active.insert(key.clone());
    } else {
        state.active.remove(key);
    }
    let settled = is_settled(&step);
    state.steps.insert(key.clone(), step);
    note_progress(state, key, settled);
}

/// Counts a thing of a for-each as begun with its first step, and as done with its last.
fn note_progress(state: &mut State, key: &Key, settled: bool) {
    let Some((around, list)) = state.plan.node(key.node).within else { return };
    if !matches!(state.plan.node(around).step.kind, StepKind::ForEach { .. }) {
        return;
    }
    let Some((place, outer)) = key.places.split_last() else { return };
    let done = settled && {
        let list = state.plan.node(around).lists[list];
        let at = |node: &usize| Key { node: *node, places: key.places.clone() };
        state.plan.list(list).iter().all(|node| state.at(&at(node)).is_some_and(is_settled))
    };
    let Some(progress) = state.loops.get_mut(&Key { node: around, places: outer.to_vec() }) else { return };
    if *place >= progress.next {
        progress.open.extend(progress.next..=*place);
        progress.next = *place + 1;
    }
    if done {
        progress.open.remove(place);
    }
}

const fn spent(event: &RunEvent) -> Option<(MicroUsd, Usage)> {
    match event {
        RunEvent::Produced { cost, usage, .. }
        | RunEvent::Judged { cost, usage, .. }
        | RunEvent::StepSucceeded { cost, usage, .. }
        | RunEvent::StepFailed { cost, usage, .. } => Some((*cost, *usage)),
        RunEvent::Created { .. }
        | RunEvent::StepStarted { .. }
        | RunEvent::JudgeAsked { .. }
        | RunEvent::Answered { .. }
        | RunEvent::StepSkipped { .. }
        | RunEvent::TimedOut
        | RunEvent::CancelRequested { .. }
        | RunEvent::Ended { .. } => None,
    }
}

fn sum(one: Usage, other: Usage) -> Usage {
    let add = |one: Tokens, other: Tokens| one.saturating_add(other);
    Usage {
        input: add(one.input, other.input),
        cached: add(one.cached, other.cached),
        cache_written: add(one.cache_written, other.cache_written),
        output: add(one.output, other.output),
    }
}

impl StepState {
    fn new(status: StepStatus) -> Self {
        Self {
            status,
            attempt: 0,
            inputs: Arc::new(Value::Null),
            doing: None,
            deadline: None,
            problem: None,
            cost: MicroUsd::ZERO,
            usage: Usage::default(),
            tainted: false,
            started_at: None,
            ended_at: None,
            is_taken_over: false,
        }
    }
}

impl StepStatus {
    /// Returns its name on the wire.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Running { doing: Doing::Form { .. } | Doing::Question { .. } } => "waiting-for-input",
            Self::Running { .. } | Self::Produced { .. } | Self::Judging { .. } | Self::Missed { .. } => {
                "running"
            }
            Self::Retrying { .. } => "retrying",
            Self::Done { .. } => "completed",
            Self::Failed { .. } => "failed",
            Self::Skipped => "skipped",
        }
    }
}

impl Step {
    /// Tells whether what it comes to is read as JSON.
    pub fn is_json(&self) -> bool {
        let of = self.output.as_ref().and_then(|schema| schema.get("type"));
        self.output.is_some() && of.is_none_or(|of| of != "string")
    }
}
