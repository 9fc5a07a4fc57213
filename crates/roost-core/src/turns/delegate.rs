//! Tasks that one agent hands to another of its swarm: the call waits in the log until the other's turn is over.

use jiff::Timestamp;
use roost_domain::agent::{Agent, State};
use roost_domain::event::{Body, Ending, TurnEvent};
use roost_domain::id::{AgentId, SessionId, TurnId};
use roost_domain::session::{Channel, Peer, Session};
use roost_domain::tool::{ToolCall, ToolCallId, ToolOutcome, ToolStatus};
use roost_domain::unit::MicroUsd;
use roost_ports::store::{AgentFilter, Caller, Reader, Turn, TurnPhase, Writer};

use super::inhouse::ask_agent;
use crate::gate::{MOST_CALLERS, callers};
use crate::log::Folded;
use crate::sessions::cancel_turn;
use crate::{Core, Error, log, runs};

/// The most of an answer that is handed back, in bytes.
const LONGEST_ANSWER: usize = 30_000;

/// Begins the other agent's turn and returns what is to be written in the one that asks: that it was asked, or why it
/// cannot be.
pub(super) fn hand_over(
    core: &Core,
    writer: &mut dyn Writer,
    (agent, turn): (&Agent, &Turn),
    call: &ToolCall,
    named: &str,
    now: Timestamp,
) -> Result<TurnEvent, Error> {
    let other = match find(core, writer, agent, turn, named)? {
        Ok(other) => other,
        Err(problem) => return Ok(finished(call.id.clone(), problem, ToolStatus::Failed)),
    };
    let task = match ask_agent::task(call) {
        Ok(task) => task.to_owned(),
        Err(problem) => return Ok(finished(call.id.clone(), problem.to_string(), ToolStatus::Failed)),
    };
    let session = session_for(core, writer, (agent, turn), &other, now)?;
    if let Some(taint) = writer.session_taint(turn.session)? {
        writer.taint_session(session.id, taint)?;
    }
    let begun = Turn {
        id: core.ports.random.id::<TurnId>(now),
        account: other.account,
        agent: other.id,
        session: session.id,
        phase: TurnPhase::Queued,
        caller: Some(Caller {
            turn: turn.id,
            agent: agent.id,
            session: turn.session,
            call: call.id.clone(),
            above: [&[agent.id], callers(turn)].concat(),
        }),
        // What it costs is the run's, too.
        run: turn.run.clone(),
        created_at: now,
    };
    let others = writer.open_turns(session.id)?;
    writer.insert_turn(&begun)?;
    let context = format!("A task from {}, an agent of your swarm. Your answer goes back to it.", agent.name);
    let received = TurnEvent::MessageReceived { text: task, context: Some(context) };
    log::append(writer, &other, &begun, &Folded::default(), now, vec![received])?;
    if others.is_empty() {
        log::activate(writer, &*core.ports.random, &begun, now)?;
    }
    Ok(TurnEvent::AgentAsked {
        call: call.id.clone(),
        agent: other.id,
        name: other.name,
        session: session.id,
        turn: begun.id,
    })
}

/// Returns the agent that is meant, or says to the model why it cannot be asked.
fn find(
    core: &Core,
    reader: &dyn Reader,
    agent: &Agent,
    turn: &Turn,
    named: &str,
) -> Result<Result<Agent, String>, Error> {
    let colleagues = colleagues(reader, agent)?;
    let id: Option<AgentId> = named.trim().parse().ok();
    let is_meant =
        |other: &&Agent| id == Some(other.id) || other.name.to_lowercase() == named.trim().to_lowercase();
    let meant: Vec<_> = colleagues.iter().filter(is_meant).collect();
    let other = match meant[..] {
        [other] => other,
        [] => {
            let names: Vec<_> = colleagues.iter().map(|other| other.name.as_str()).collect();
            let names = if names.is_empty() { "nobody".to_owned() } else { names.join(", ") };
            return Ok(Err(format!("There is no agent {named:?} in your swarm. There is {names}.")));
        }
        [..] => return Ok(Err(format!("Several agents are called {named:?}; name one by its id."))),
    };
    let above = callers(turn);
    if above.contains(&other.id) {
        return Ok(Err(format!(
            "{} waits for what you are doing now, so it cannot be asked in turn. Do it yourself, or say what you need.",
            other.name
        )));
    }
    if above.len() >= MOST_CALLERS {
        return Ok(Err(format!(
            "{} agents wait for one another already; no more can. Do it yourself.",
            above.len()
        )));
    }
    if !matches!(other.state, State::Running | State::Frozen) {
        return Ok(Err(format!("{} is {} and takes no tasks.", other.name, other.state)));
    }
    if other.runtime.is_hosted() {
        // What it does inside its machine is not decided act by act, so it could not be held to the rules of others.
        return Ok(Err(format!("{} runs a loop of its own and takes no tasks of other agents.", other.name)));
    }
    let waiting = reader.open_turns_of(other.id)?.len();
    if waiting >= core.settings.max_open_turns {
        return Ok(Err(format!("{} has {waiting} messages to answer already.", other.name)));
    }
    Ok(Ok(other.clone()))
}

/// Returns the other agents of an agent's swarm, newest first, at most 200.
pub(super) fn colleagues(reader: &dyn Reader, agent: &Agent) -> Result<Vec<Agent>, Error> {
    const MOST: roost_domain::page::Limit = roost_domain::page::Limit::clamped(200, 200);
    let Some(swarm) = agent.swarm else { return Ok(Vec::new()) };
    let filter = AgentFilter { swarm: Some(swarm), ..AgentFilter::default() };
    let mut agents = reader.agents(agent.account, &filter, None, MOST)?.rows;
    agents.retain(|other| other.id != agent.id);
    Ok(agents)
}

/// Returns the session in which an agent does the tasks of one session of another: each has its own, so that what
/// different peers want done never mixes.
fn session_for(
    core: &Core,
    writer: &mut dyn Writer,
    (agent, turn): (&Agent, &Turn),
    other: &Agent,
    now: Timestamp,
) -> Result<Session, Error> {
    let peer = Peer::Colleague { agent: agent.id, session: turn.session };
    if let Some(session) = writer.latest_session_with(other.id, &peer)? {
        return Ok(session);
    }
    let session = Session {
        id: core.ports.random.id::<SessionId>(now),
        account: other.account,
        agent: other.id,
        peer,
        channel: Channel::Agent,
        name: None,
        started_at: now,
    };
    writer.insert_session(&session)?;
    let started = Body::SessionStarted { channel: session.channel };
    writer.append_events(other.id, session.id, now, vec![started])?;
    Ok(session)
}

/// What a question comes to in a turn that works for another agent.
pub(super) fn nobody_to_ask(call: ToolCallId) -> TurnEvent {
    let text = "Nobody can be asked here: you work for another agent, or do a step of a workflow. Answer with what you \
                have, and say what you would need to know.";
    finished(call, text.to_owned(), ToolStatus::Failed)
}

/// Gives the turn that waits for a turn its outcome, now that it is over.
pub(crate) fn hand_back(
    core: &Core,
    writer: &mut dyn Writer,
    turn: &Turn,
    now: Timestamp,
) -> Result<(), Error> {
    let Some(caller) = &turn.caller else { return Ok(()) };
    let (text, status) = outcome(writer, turn)?;
    give(core, writer, turn, caller, finished(caller.call.clone(), text, status), now)
}

/// Tells the turn that waits for a turn that nobody will do it, since its agent goes.
pub(crate) fn orphan(core: &Core, writer: &mut dyn Writer, turn: &Turn, now: Timestamp) -> Result<(), Error> {
    let Some(caller) = &turn.caller else { return Ok(()) };
    let text = "The agent was deleted before it had answered.".to_owned();
    give(core, writer, turn, caller, finished(caller.call.clone(), text, ToolStatus::Failed), now)
}

fn give(
    core: &Core,
    writer: &mut dyn Writer,
    turn: &Turn,
    caller: &Caller,
    event: TurnEvent,
    now: Timestamp,
) -> Result<(), Error> {
    let Some(waiting) = writer.turn(caller.turn)?.filter(|turn| turn.phase != TurnPhase::Ended) else {
        return Ok(());
    };
    let Some(agent) = writer.agent_of_any_account(waiting.agent)? else { return Ok(()) };
    log::append(writer, &agent, &waiting, &Folded::default(), now, vec![event])?;
    if let Some(taint) = writer.session_taint(turn.session)? {
        writer.taint_session(waiting.session, taint)?;
    }
    log::wake(writer, &*core.ports.random, &waiting, now)
}

/// Returns what came of a turn that is over.
fn outcome(reader: &dyn Reader, turn: &Turn) -> Result<(String, ToolStatus), Error> {
    let (mut said, mut ended) = (String::new(), None);
    for event in reader.turn_events(turn.session, turn.id)? {
        if let Body::Turn { event: TurnEvent::ModelAnswered { text, .. }, .. } = event.body {
            said = text;
        } else if let Body::Turn { event: TurnEvent::Ended { ending }, .. } = event.body {
            ended = Some(ending);
        }
    }
    Ok(match ended {
        Some(Ending::Answered) => (shortened(said), ToolStatus::Done),
        Some(Ending::Failed(problem)) => {
            (format!("The agent could not do it: {}", problem.message), ToolStatus::Failed)
        }
        Some(Ending::Cancelled) | None => {
            ("The task was cancelled before it was done.".to_owned(), ToolStatus::Failed)
        }
    })
}

fn shortened(mut text: String) -> String {
    if text.len() > LONGEST_ANSWER {
        let mut end = LONGEST_ANSWER;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push_str("\n[The rest is left out: the answer is too long.]");
    }
    text
}

fn finished(call: ToolCallId, text: String, status: ToolStatus) -> TurnEvent {
    TurnEvent::ToolFinished { call, outcome: ToolOutcome { text, status } }
}

/// Cancels what others do for a turn, now that nobody waits for it. Returns their turns, whose workers are to be told.
pub(crate) fn call_off(
    core: &Core,
    writer: &mut dyn Writer,
    turn: TurnId,
    now: Timestamp,
) -> Result<Vec<Turn>, Error> {
    let mut open = writer.turns_for(turn)?;
    open.retain(|turn| turn.phase != TurnPhase::Ended);
    for turn in &open {
        cancel_turn(core, writer, turn, now)?;
    }
    Ok(open)
}

/// Returns whose budgets a turn's model calls count against: its agent's, and those of the agents for whom it works.
fn payers(turn: &Turn) -> Vec<AgentId> {
    let mut payers = vec![turn.agent];
    payers.extend_from_slice(callers(turn));
    payers
}

/// Holds back what a model call of a turn may cost, from whoever pays for it; from the run, too, whose step it is.
pub(super) fn reserve(writer: &mut dyn Writer, turn: &Turn, amount: MicroUsd) -> Result<(), Error> {
    for payer in payers(turn) {
        writer.reserve(payer, amount)?;
    }
    runs::pay(writer, turn, runs::Pay::Reserve(amount))
}

/// Gives back what was held for a model call and books what it cost.
pub(super) fn settle(
    writer: &mut dyn Writer,
    turn: &Turn,
    reserved: MicroUsd,
    cost: MicroUsd,
) -> Result<(), Error> {
    for payer in payers(turn) {
        writer.settle(payer, reserved, cost)?;
    }
    runs::pay(writer, turn, runs::Pay::Settle { reserved, cost })
}
