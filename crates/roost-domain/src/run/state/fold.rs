//! What each event makes of a run.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::super::due::called_off;
use super::super::plan::{Key, Node};
use super::super::{Doing, RunEvent};
use super::{Phase, Progress, State, StepState, StepStatus, Stop, Unexpected, is_settled};
use crate::event::Problem;
use crate::model::Usage;
use crate::unit::{MicroUsd, Tokens};
use crate::workflow::StepKind;

/// Folds one event into a run.
///
/// # Errors
///
/// [`Unexpected`] if the event cannot follow; in particular nothing follows the end.
pub fn step(mut state: State, event: &RunEvent, at: Timestamp) -> Result<State, Unexpected> {
    match apply(&mut state, event, at) {
        Some(()) => {
            state.log_bytes = state.log_bytes.saturating_add(event.size());
            Ok(state)
        }
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
            if ending.is_given_up() {
                give_up_steps(state, at);
            }
            state.active.is_empty().then(|| state.phase = Phase::Ended(ending.clone()))
        }
        (Phase::Open, event) => {
            let name = event.step()?;
            let key = state.plan.key(name)?;
            apply_to_step(state, &key, event, at)
        }
    }
}

/// Calls off every step that is under way, since the run ends without them.
fn give_up_steps(state: &mut State, at: Timestamp) {
    for key in std::mem::take(&mut state.active) {
        if let Some(step) = state.steps.get_mut(&key) {
            step.status = StepStatus::Failed { problem: called_off() };
            step.problem = Some(called_off());
            step.ended_at = Some(at);
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
            RunEvent::Answered { answer, tainted, .. },
        ) => {
            next.tainted |= tainted;
            StepStatus::Produced { output: output_of(answer), from: 0 }
        }
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
