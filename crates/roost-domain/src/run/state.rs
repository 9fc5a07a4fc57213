use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::plan::{Key, Plan};
use super::{Doing, Ending, StepKey};
use crate::event::Problem;
use crate::id::TurnId;
use crate::model::Usage;
use crate::unit::MicroUsd;
use crate::workflow::{Step, StepId, StepKind};

mod fold;

pub use fold::step;

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
    log_bytes: usize,
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
            log_bytes: 0,
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

    /// Returns about how many bytes its log has.
    pub const fn log_bytes(&self) -> usize {
        self.log_bytes
    }

    /// Returns to how many steps something happened; a step counts once for each thing that it is done for.
    pub fn instances(&self) -> usize {
        self.steps.len()
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

/// Returns about how many bytes a value takes.
pub fn size(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 32,
        Value::String(text) => 32 + text.len(),
        Value::Array(items) => 32 + items.iter().map(size).sum::<usize>(),
        Value::Object(fields) => {
            32 + fields.iter().map(|(name, value)| 64 + name.len() + size(value)).sum::<usize>()
        }
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
