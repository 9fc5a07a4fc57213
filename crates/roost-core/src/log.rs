//! Writing to the log: every event of a turn is checked against what happened before it, in the transaction that
//! writes it, whoever writes it.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use roost_domain::agent::{Agent, Settings};
use roost_domain::approval::{Act, Status};
use roost_domain::event::{Body, Ending, Event, Journal, Offset, Problem, TurnEvent};
use roost_domain::id::{AgentId, JobId, TurnId};
use roost_domain::page::Limit;
use roost_domain::turn::{State, step};
use roost_ports::random::Random;
use roost_ports::store::{Amounts, NewJob, Reader, Turn, TurnPhase, Writer};

use crate::turns::{call_off, hand_back};
use crate::usage::count;
use crate::{Core, Error, gate, runs};

/// The queue whose jobs are turns to be worked on.
pub(crate) const TURNS: &str = "turn";

/// How far a turn's events were folded before. Events never change, so what was read of them once, outside any
/// transaction that may roll back, stays true; a long turn is not folded anew at every step.
#[derive(Debug, Clone, Default)]
pub(crate) struct Folded(Arc<Mutex<Option<(Offset, State)>>>);

impl Folded {
    fn get(&self) -> Option<(Offset, State)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Folds what has been committed and remembers it.
    pub(crate) fn catch_up(&self, reader: &dyn Reader, agent: &Agent, turn: &Turn) -> Result<State, Error> {
        let (offset, state) = fold_on(reader, agent, turn, self.get())?;
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((offset, state.clone()));
        Ok(state)
    }
}

/// Returns a turn as its events have left it.
pub(crate) fn fold(reader: &dyn Reader, agent: &Agent, turn: &Turn, folded: &Folded) -> Result<State, Error> {
    Ok(fold_on(reader, agent, turn, folded.get())?.1)
}

fn fold_on(
    reader: &dyn Reader,
    agent: &Agent,
    turn: &Turn,
    folded: Option<(Offset, State)>,
) -> Result<(Offset, State), Error> {
    const BATCH: Limit = Limit::clamped(1_000, 1_000);
    let (mut offset, mut state, mut events) = match folded {
        Some((offset, state)) => (offset, state, reader.events_after(turn.session, offset, BATCH)?),
        None => {
            let state = State::new(Settings::read(&agent.config)?.max_rounds);
            (Offset::START, state, reader.turn_events(turn.session, turn.id)?)
        }
    };
    let from_the_middle = offset != Offset::START;
    loop {
        for event in &events {
            offset = event.offset;
            if let Body::Turn { turn: of, event } = &event.body
                && *of == turn.id
            {
                state = step(state, event).map_err(Error::internal)?.0;
            }
        }
        // A turn that is folded from its beginning was read whole.
        if !from_the_middle || events.is_empty() {
            return Ok((offset, state));
        }
        events = reader.events_after(turn.session, offset, BATCH)?;
    }
}

/// Appends events to a turn and returns the state they lead to, with the events as they stand in the log.
pub(crate) fn append(
    writer: &mut dyn Writer,
    agent: &Agent,
    turn: &Turn,
    folded: &Folded,
    at: Timestamp,
    events: Vec<TurnEvent>,
) -> Result<(State, Vec<Event>), Error> {
    let mut state = fold(writer, agent, turn, folded)?;
    for event in &events {
        state = step(state, event).map_err(Error::internal)?.0;
    }
    let bodies = events.into_iter().map(|event| Body::Turn { turn: turn.id, event }).collect();
    let written = writer.append_events(turn.agent, turn.session, at, bodies)?;
    Ok((state, written))
}

/// Appends to an agent's journal.
pub(crate) fn journal(
    writer: &mut dyn Writer,
    agent: AgentId,
    at: Timestamp,
    entry: Journal,
) -> Result<(), Error> {
    writer.append_events(agent, agent.journal(), at, vec![Body::Journal(entry)])?;
    Ok(())
}

/// Makes a turn active and queues the job that works on it.
pub(crate) fn activate(
    writer: &mut dyn Writer,
    random: &dyn Random,
    turn: &Turn,
    now: Timestamp,
) -> Result<(), Error> {
    writer.set_turn_phase(turn.id, TurnPhase::Active)?;
    writer.insert_job(&NewJob {
        id: random.id::<JobId>(now),
        queue: TURNS,
        agent: Some(turn.agent),
        key: turn.session.to_string(),
        payload: turn.id.to_string(),
        run_at: now,
    })?;
    Ok(())
}

/// Ends a turn: writes the end, withdraws what nobody needs to decide any more, and lets the session's next turn
/// begin unless the agent is paused.
pub(crate) fn end(
    writer: &mut dyn Writer,
    core: &Core,
    agent: &Agent,
    turn: &Turn,
    folded: &Folded,
    ending: Ending,
    now: Timestamp,
) -> Result<(), Error> {
    let answered = ending == Ending::Answered;
    let (state, _) = append(writer, agent, turn, folded, now, vec![TurnEvent::Ended { ending }])?;
    if answered && state.is_memorable() {
        crate::memory::queue(writer, core, agent, turn, now)?;
    }
    close(writer, core, agent, turn, now)
}

/// Puts a turn away that is over.
pub(crate) fn close(
    writer: &mut dyn Writer,
    core: &Core,
    agent: &Agent,
    turn: &Turn,
    now: Timestamp,
) -> Result<(), Error> {
    writer.set_turn_phase(turn.id, TurnPhase::Ended)?;
    hand_back(core, writer, turn, now)?;
    runs::outcome(core, writer, agent, turn, now)?;
    call_off(core, writer, turn.id, now)?;
    count(writer, agent, Some(turn.session), Amounts { turns: 1, ..Amounts::default() }, now)?;
    for approval in writer.turn_approvals(turn.id)? {
        if approval.status == Status::Pending {
            let withdrawn = approval.withdraw(now)?;
            writer.update_approval(&withdrawn)?;
            gate::record(
                writer,
                &withdrawn,
                Act::Withdrawn,
                "system",
                Some("its turn is over".to_owned()),
                now,
            )?;
            core.announce_approval(writer, "approval.withdrawn", &withdrawn, now)?;
        }
    }
    if agent.state.takes_messages() && agent.state != roost_domain::agent::State::Paused {
        let next = writer.open_turns(turn.session)?.into_iter().next();
        if let Some(next) = next.filter(|next| next.phase == TurnPhase::Queued) {
            activate(writer, &*core.ports.random, &next, now)?;
        }
    } else if agent.state == roost_domain::agent::State::Error {
        // Whoever asked must not wait until somebody starts it again.
        let next = writer.open_turns(turn.session)?.into_iter().next();
        if let Some(next) = next.filter(|next| next.phase == TurnPhase::Queued && next.caller.is_some()) {
            let code = "agent_not_running".to_owned();
            let problem = Problem { code, message: format!("{} is in error", agent.name) };
            end(writer, core, agent, &next, &Folded::default(), Ending::Failed(problem), now)?;
        }
    }
    Ok(())
}

/// Lets a turn that waits go on, now that something happened to it.
pub(crate) fn wake(
    writer: &mut dyn Writer,
    random: &dyn Random,
    turn: &Turn,
    now: Timestamp,
) -> Result<(), Error> {
    if turn.phase == TurnPhase::Waiting { activate(writer, random, turn, now) } else { Ok(()) }
}

/// Returns a turn that must be there.
pub(crate) fn turn(reader: &dyn Reader, id: TurnId) -> Result<Turn, Error> {
    reader.turn(id)?.ok_or_else(|| Error::not_found("turn", id))
}

/// Returns the agent of a turn, unless it was deleted meanwhile.
pub(crate) fn agent_of(reader: &dyn Reader, turn: &Turn) -> Result<Agent, Error> {
    reader.agent_of_any_account(turn.agent)?.ok_or_else(|| Error::not_found("agent", turn.agent))
}
