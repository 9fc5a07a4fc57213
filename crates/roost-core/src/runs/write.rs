//! Writes what was worked out for a run, all of it or nothing.

use jiff::Timestamp;
use roost_domain::agent::{Agent, State as AgentState};
use roost_domain::event::Offset;
use roost_domain::id::{AgentId, RunId, TurnId};
use roost_domain::page::Limit;
use roost_domain::run::{Run, RunEvent, State, Status};
use roost_ports::store::{FormStatus, KeptRun, RunProgress, Turn, TurnPhase, Writer};

use super::begin::open;
use super::give_up::{abandon, is_passing};
use super::prepare::{Effect, Prepared};
use super::turns;
use crate::error::with_causes;
use crate::log::Folded;
use crate::sessions::cancel_turn;
use crate::{Core, Error, log, triggers};

/// What came of writing.
pub(super) struct Written {
    pub(super) run: RunId,
    /// Where the log ends, with the state that led there; `None` if something changed meanwhile and nothing was written.
    pub(super) state: Option<(Offset, State)>,
    /// Turns that were cancelled, whose workers are to be told.
    pub(super) called_off: Vec<Turn>,
    /// Whether turns were begun.
    pub(super) began: bool,
    /// Other runs that were given up, whose watchers are to be told.
    pub(super) given_up: Vec<RunId>,
}

impl Written {
    /// Nothing, so far.
    pub(super) const fn nothing(run: RunId) -> Self {
        Self { run, state: None, called_off: Vec::new(), began: false, given_up: Vec::new() }
    }
}

/// Writes what is due in a run, unless anything changed meanwhile of what that was worked out from.
pub(super) fn write(
    core: &Core,
    writer: &mut dyn Writer,
    prepared: Prepared,
    now: Timestamp,
) -> Result<Written, Error> {
    let Prepared { kept, state, events, effects, goes_on, agent_is_stopped } = prepared;
    let run = kept.run.id;
    let mut written = Written::nothing(run);
    let stands = writer.run_of_any_account(run)?;
    let Some(stands) = stands.filter(|stands| is_as_it_was(stands, &kept)) else { return Ok(written) };
    let agent = writer.agent_of_any_account(stands.run.agent)?;
    // A stop wakes the agent's runs and writes no event; one that is due already is woken to no effect.
    let agent = agent.filter(|agent| (agent.state == AgentState::Stopped) == agent_is_stopped);
    let Some(agent) = agent else { return Ok(written) };
    let offset = if events.is_empty() { stands.offset } else { writer.append_run(run, now, &events)? };
    let progress = progress(&stands, &state, &events, goes_on, now);
    writer.set_run_progress(run, &progress)?;
    for effect in effects {
        perform(core, writer, &agent, effect, &mut written, now)?;
    }
    if progress.status.is_over() && !stands.run.status.is_over() {
        let_next_begin(core, writer, stands.run.agent, &mut written, now)?;
        triggers::run_over(core, writer, run, now)?;
    }
    written.state = Some((offset, state));
    Ok(written)
}

/// Tells whether a run is as it was when it was looked at. Some things wake a run, or let it begin, without an event.
fn is_as_it_was(stands: &KeptRun, kept: &KeptRun) -> bool {
    stands.offset == kept.offset && stands.due_at == kept.due_at && stands.run.status == kept.run.status
}

fn perform(
    core: &Core,
    writer: &mut dyn Writer,
    agent: &Agent,
    effect: Effect,
    written: &mut Written,
    now: Timestamp,
) -> Result<(), Error> {
    match effect {
        Effect::Begin(turn) => {
            turns::begin(core, writer, agent, *turn, now)?;
            written.began = true;
        }
        Effect::CallOff(turn) => call_off(core, writer, turn, written, now)?,
        Effect::Open(form) => writer.insert_form(&form)?,
        Effect::Close(form) => drop(writer.close_form(form, FormStatus::Closed, now)?),
    }
    Ok(())
}

/// Cancels a turn, unless it is over or was cancelled before.
pub(super) fn call_off(
    core: &Core,
    writer: &mut dyn Writer,
    turn: TurnId,
    written: &mut Written,
    now: Timestamp,
) -> Result<(), Error> {
    let turn = writer.turn(turn)?.filter(|turn| turn.phase != TurnPhase::Ended);
    let Some(turn) = turn else { return Ok(()) };
    let agent = log::agent_of(writer, &turn)?;
    if !log::fold(writer, &agent, &turn, &Folded::default())?.is_cancelled() {
        cancel_turn(core, writer, &turn, now)?;
        written.called_off.push(turn);
    }
    Ok(())
}

fn progress(
    stands: &KeptRun,
    state: &State,
    events: &[RunEvent],
    goes_on: bool,
    now: Timestamp,
) -> RunProgress {
    let Run { started_at, ended_at, status, .. } = stands.run;
    let due = state.due(now);
    let over = due.status.is_over();
    let is_queued = status == Status::Queued && !over && !state.is_stopping();
    let began = events
        .iter()
        .any(|event| matches!(event, RunEvent::StepStarted { .. } | RunEvent::StepFailed { .. }));
    RunProgress {
        status: if is_queued { Status::Queued } else { due.status },
        started_at: started_at.or_else(|| began.then_some(now)),
        ended_at: ended_at.or_else(|| over.then_some(now)),
        due_at: if goes_on { Some(now) } else { due.wake_at },
        usage: state.usage(),
    }
}

/// Lets runs of an agent begin that waited for others to end. One whose workflow cannot be read is given up.
pub(super) fn let_next_begin(
    core: &Core,
    writer: &mut dyn Writer,
    agent: AgentId,
    written: &mut Written,
    now: Timestamp,
) -> Result<(), Error> {
    const ONE: Limit = Limit::clamped(1, 1);
    while let Some(next) = writer.queued_runs(agent, ONE)?.into_iter().next() {
        let plan = match core.plans.get(writer, agent, next.run.version) {
            Ok(plan) => plan,
            Err(error) if is_passing(&error) => return Err(error),
            Err(error) => {
                tracing::error!(run = %next.run.id, error = %with_causes(&error), "a run cannot begin");
                abandon(core, writer, &next, written, now)?;
                written.given_up.push(next.run.id);
                continue;
            }
        };
        let most = core.settings.max_open_runs;
        let most = plan.workflow().bounds.concurrency.unwrap_or(most).min(most);
        if open(writer, agent, most)? >= most {
            return Ok(());
        }
        let Run { started_at, ended_at, usage, .. } = next.run;
        let progress =
            RunProgress { status: Status::Running, started_at, ended_at, due_at: Some(now), usage };
        writer.set_run_progress(next.run.id, &progress)?;
    }
    Ok(())
}
