//! Goes on with a turn that has waited for its caller's tools.

use roost_domain::agent::Agent;
use roost_domain::event::{Offset, TurnEvent};
use roost_domain::id::TurnId;
use roost_domain::session::Peer;
use roost_domain::tool::{ToolCallId, ToolOutcome, ToolStatus};
use roost_domain::turn::State;
use roost_ports::store::{Turn, Writer};

use super::Ask;
use super::ask::{Placed, Results};
use super::follow::latest_input;
use super::outside_id::outside;
use crate::log::Folded;
use crate::{Core, Ctx, Error, Kind, log};

/// What a question is answered with whose peer brought only the results of its tools.
const NO_ANSWER: &str = "(No answer: only the results of the tools came back.)";

pub(super) fn go_on(
    core: &Core,
    writer: &mut dyn Writer,
    ctx: &Ctx,
    agent: &Agent,
    id: TurnId,
    results: Results,
    ask: &Ask,
) -> Result<Placed, Error> {
    let turn = writer
        .turn(id)?
        .filter(|turn| turn.account == ctx.account() && turn.agent == agent.id)
        .ok_or_else(|| unknown(id, &results))?;
    if let Some(peer) = &ask.peer {
        let session = writer.session(agent.id, turn.session)?;
        let is_theirs = session.is_some_and(|session| session.peer == Peer::Named(peer.clone()));
        if !is_theirs {
            return Err(unknown(id, &results));
        }
    }
    let state = log::fold(writer, agent, &turn, &Folded::default())?;
    let calls: Vec<&ToolCallId> = state.handed_out().into_iter().map(|call| &call.id).collect();
    let is_open = !state.is_cancelled() && state.ended().is_none();
    if is_open && calls.is_empty() && ask.is_retry {
        return attach(writer, &turn);
    }
    if !is_open || results.iter().any(|(call, _)| !calls.contains(&call)) {
        return Err(settled(&state));
    }
    let missing: Vec<String> = calls
        .iter()
        .filter(|call| !results.iter().any(|(brought, _)| brought == **call))
        .map(|call| outside(id, call).to_string())
        .collect();
    if !missing.is_empty() {
        let problem = format!(
            "must have a message of the role tool for each call that was handed out; missing are {}",
            missing.join(", ")
        );
        return Err(Error::invalid("messages", problem));
    }
    let mut events =
        vec![TurnEvent::CallerAsked { tools: ask.tools.clone(), wishes: Box::new(ask.wishes.clone()) }];
    events.extend(
        state
            .question()
            .map(|call| TurnEvent::QuestionAnswered { call: call.clone(), answer: NO_ANSWER.to_owned() }),
    );
    events.extend(results.into_iter().map(|(call, text)| TurnEvent::CallReturned {
        call,
        outcome: ToolOutcome { text, status: ToolStatus::Done },
    }));
    let (_, written) = log::append(writer, agent, &turn, &Folded::default(), ctx.now, events)?;
    log::wake(writer, &*core.ports.random, &turn, ctx.now)?;
    let after = written.last().map_or(Offset::START, |event| event.offset);
    Ok(Placed { session: turn.session, turn: turn.id, after })
}

/// Listens again to a turn that is under way.
pub(super) fn attach(writer: &dyn Writer, turn: &Turn) -> Result<Placed, Error> {
    let events = writer.turn_events(turn.session, turn.id)?;
    let after = latest_input(&events).unwrap_or(Offset::START);
    Ok(Placed { session: turn.session, turn: turn.id, after })
}

fn unknown(turn: TurnId, results: &Results) -> Error {
    let ids: Vec<String> = results.iter().map(|(call, _)| outside(turn, call).to_string()).collect();
    let message = format!("messages bring results of calls that were never handed out: {}", ids.join(", "));
    Error::new(Kind::InvalidInput, "unknown_tool_call", message)
}

fn settled(state: &State) -> Error {
    let why = if state.is_cancelled() || state.ended().is_some() {
        "the answer that they belong to has ended"
    } else {
        "their results were brought already, or others are waited for"
    };
    let message =
        format!("these calls wait for no result: {why}. Send the whole conversation without them to go on");
    Error::new(Kind::Conflict, "tool_call_settled", message)
}
