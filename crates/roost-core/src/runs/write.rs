//! Writes what was worked out for a run, all of it or nothing.

use jiff::Timestamp;
use roost_domain::agent::Agent;
use roost_domain::event::Offset;
use roost_domain::id::AgentId;
use roost_domain::page::Limit;
use roost_domain::run::{Run, RunEvent, State, Status};
use roost_ports::store::{FormStatus, KeptRun, RunProgress, Turn, TurnPhase, Writer};

use super::begin::open;
use super::prepare::{Effect, Prepared};
use super::turns;
use crate::log::Folded;
use crate::sessions::cancel_turn;
use crate::{Core, Error, log, triggers};

/// What came of writing.
pub(super) struct Written {
    pub(super) run: roost_domain::id::RunId,
    /// Where the log ends, with the state that led there; `None` if it went on meanwhile and nothing was written.
    pub(super) state: Option<(Offset, State)>,
    /// Turns that were cancelled, whose workers are to be told.
    pub(super) called_off: Vec<Turn>,
    /// Whether turns were begun.
    pub(super) began: bool,
}

/// Writes what is due in a run, unless its log went on meanwhile.
pub(super) fn write(
    core: &Core,
    writer: &mut dyn Writer,
    prepared: Prepared,
    now: Timestamp,
) -> Result<Written, Error> {
    let Prepared { kept, state, events, effects, goes_on } = prepared;
    let run = kept.run.id;
    let mut written = Written { run, state: None, called_off: Vec::new(), began: false };
    let stands = writer.run_of_any_account(run)?;
    let Some(stands) = stands.filter(|stands| stands.offset == kept.offset) else { return Ok(written) };
    let offset = if events.is_empty() { stands.offset } else { writer.append_run(run, now, &events)? };
    let progress = progress(&stands, &state, &events, goes_on, now);
    writer.set_run_progress(run, &progress)?;
    if !effects.is_empty()
        && let Some(agent) = writer.agent_of_any_account(stands.run.agent)?
    {
        for effect in effects {
            perform(core, writer, &agent, effect, &mut written, now)?;
        }
    }
    if progress.status.is_over() && !stands.run.status.is_over() {
        let_next_begin(core, writer, stands.run.agent, now)?;
        triggers::run_over(core, writer, run, now)?;
    }
    written.state = Some((offset, state));
    Ok(written)
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
        Effect::CallOff(turn) => {
            let Some(turn) = writer.turn(turn)?.filter(|turn| turn.phase != TurnPhase::Ended) else {
                return Ok(());
            };
            if !log::fold(writer, agent, &turn, &Folded::default())?.is_cancelled() {
                cancel_turn(core, writer, &turn, now)?;
                written.called_off.push(turn);
            }
        }
        Effect::Open(form) => writer.insert_form(&form)?,
        Effect::Close(form) => drop(writer.close_form(form, FormStatus::Closed, now)?),
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

/// Lets runs of an agent begin that waited for others to end.
pub(super) fn let_next_begin(
    core: &Core,
    writer: &mut dyn Writer,
    agent: AgentId,
    now: Timestamp,
) -> Result<(), Error> {
    const ONE: Limit = Limit::clamped(1, 1);
    while let Some(next) = writer.queued_runs(agent, ONE)?.into_iter().next() {
        let plan = core.plans.get(writer, agent, next.run.version)?;
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
