//! Begins a turn for what a peer says, in the session where the conversation stands or in a new one.

use roost_domain::agent::{Agent, State};
use roost_domain::context;
use roost_domain::conversation::{Message, Wishes};
use roost_domain::event::{Body, Offset, TurnEvent};
use roost_domain::id::{ResponseId, TurnId};
use roost_domain::page::Limit;
use roost_domain::response::AnsweredBy;
use roost_domain::session::{Peer, Session};
use roost_ports::store::{Reader, Turn, TurnPhase, Writer};

use super::Ask;
use super::ask::{Placed, no_response};
use super::follow::{latest_input, retold};
use super::place::{cut, fingerprint};
use super::resume::attach;
use crate::log::Folded;
use crate::messages::open_session;
use crate::sessions::cancel_turn;
use crate::{Core, Ctx, Error, log};

/// Where a conversation stands.
enum Stands {
    /// At the end of a session, whose last turn is this.
    There(Box<Turn>),
    /// Nowhere; a session that begins with what was said before.
    Anew(Vec<Message>),
}

pub(super) fn begin(
    core: &Core,
    writer: &mut dyn Writer,
    ctx: &Ctx,
    agent: &Agent,
    peer: Peer,
    ask: &Ask,
) -> Result<Placed, Error> {
    if ask.is_retry
        && let Some(turn) = under_way(writer, agent, fingerprint(&peer, &ask.messages))?
    {
        return attach(writer, &turn);
    }
    let (before, new) = cut(&ask.messages);
    let stands = match ask.after {
        Some(response) => stands_after(writer, ctx, (agent, &peer), response, before)?,
        None => stands_at(writer, agent, &peer, before)?,
    };
    // What ends in results of tools that were called elsewhere is all history, and nothing is said.
    let (given, said) = divided(new);
    let (session, last, history) = match stands {
        Stands::There(turn) => {
            let session = writer
                .session(agent.id, turn.session)?
                .ok_or_else(|| Error::not_found("session", turn.session))?;
            (session, Some(*turn), given)
        }
        Stands::Anew(before) => {
            let session = open_session(core, writer, ctx, agent, peer)?;
            (session, None, speaking_first([before, given].concat()))
        }
    };
    if let Some(turn) = last.filter(|turn| turn.phase != TurnPhase::Ended)
        && let Some(placed) = answer(core, writer, ctx, agent, &turn, &said)?
    {
        return Ok(placed);
    }
    queue(core, writer, ctx, agent, &session, said, history, ask)
}

/// Splits what is new into what was brought and what the peer says at the end.
fn divided(new: &[Message]) -> (Vec<Message>, String) {
    let spoken = new.iter().rposition(|message| !matches!(message, Message::User(_)));
    let (given, said) = new.split_at(spoken.map_or(0, |index| index + 1));
    let said = said.iter().filter_map(|message| match message {
        Message::User(text) => Some(text.as_str()),
        Message::Assistant { .. } | Message::ToolResult { .. } => None,
    });
    (given.to_vec(), said.collect::<Vec<_>>().join("\n\n"))
}

/// Lets a conversation begin with somebody who speaks to the model, as providers want it.
pub(crate) fn speaking_first(mut messages: Vec<Message>) -> Vec<Message> {
    if matches!(messages.first(), Some(Message::Assistant { .. })) {
        messages.insert(0, Message::User("(The assistant speaks first.)".to_owned()));
    }
    messages
}

fn under_way(reader: &dyn Reader, agent: &Agent, mark: [u8; 32]) -> Result<Option<Turn>, Error> {
    let Some(id) = reader.marked(agent.id, mark)? else { return Ok(None) };
    Ok(reader.turn(id)?.filter(|turn| turn.phase != TurnPhase::Ended))
}

/// Finds where a conversation stands that is told whole.
fn stands_at(reader: &dyn Reader, agent: &Agent, peer: &Peer, before: &[Message]) -> Result<Stands, Error> {
    let Some((Message::Assistant { text, .. }, earlier)) = before.split_last() else {
        return Ok(Stands::Anew(Vec::new()));
    };
    let found = reader.marked(agent.id, fingerprint(peer, earlier))?;
    let turn = found.map(|id| reader.turn(id)).transpose()?.flatten();
    match turn {
        Some(turn) if is_last(reader, &turn)? && told(reader, &turn, text)? => {
            Ok(Stands::There(Box::new(turn)))
        }
        Some(_) | None => Ok(Stands::Anew(before.to_vec())),
    }
}

/// Tells whether nothing came into a session after a turn.
fn is_last(reader: &dyn Reader, turn: &Turn) -> Result<bool, Error> {
    let last = reader.last_events(turn.session, Limit::clamped(1, 1))?;
    Ok(last.iter().all(|event| matches!(&event.body, Body::Turn { turn: of, .. } if *of == turn.id)))
}

/// Tells whether a turn has answered with these words.
fn told(reader: &dyn Reader, turn: &Turn, words: &str) -> Result<bool, Error> {
    let events = reader.turn_events(turn.session, turn.id)?;
    let Some(after) = latest_input(&events) else { return Ok(false) };
    let (follow, over) = retold(turn.id, after, events);
    Ok(over.is_some() && follow.text().trim() == words.trim())
}

/// Finds where a conversation stands that goes on from a response.
fn stands_after(
    reader: &dyn Reader,
    ctx: &Ctx,
    (agent, peer): (&Agent, &Peer),
    response: ResponseId,
    before: &[Message],
) -> Result<Stands, Error> {
    let kept = reader.response(ctx.account(), response)?.ok_or_else(|| no_response(response))?;
    let AnsweredBy::Agent { agent: of, session, turn: id, .. } = kept.by else {
        let problem = "is an answer of a model; go on from it with a model";
        return Err(Error::invalid("previous_response_id", problem));
    };
    if of != agent.id {
        return Err(Error::invalid("previous_response_id", "is an answer of another agent"));
    }
    let turn = reader.turn(id)?.ok_or_else(|| no_response(response))?;
    // What another peer was told is nobody else's.
    let is_theirs = reader.session(agent.id, session)?.is_some_and(|session| session.peer == *peer);
    if !is_theirs {
        return Err(no_response(response));
    }
    if before.is_empty() && is_last(reader, &turn)? {
        return Ok(Stands::There(Box::new(turn)));
    }
    // Somebody went on from it before: this is another branch.
    let mut events = Vec::new();
    let mut offset = Offset::START;
    loop {
        let page = reader.events_after(session, offset, Limit::clamped(1_000, 1_000))?;
        let Some(last) = page.last() else { break };
        offset = last.offset;
        events.extend(page);
    }
    Ok(Stands::Anew([context::said(&events, id), before.to_vec()].concat()))
}

/// Answers the question of a turn that is open, or ends one that waits for tools of a caller who says something else.
fn answer(
    core: &Core,
    writer: &mut dyn Writer,
    ctx: &Ctx,
    agent: &Agent,
    turn: &Turn,
    said: &str,
) -> Result<Option<Placed>, Error> {
    let state = log::fold(writer, agent, turn, &Folded::default())?;
    if state.waits_for_caller() {
        cancel_turn(core, writer, turn, ctx.now)?;
        return Ok(None);
    }
    let Some(call) = state.question().cloned().filter(|_| !state.is_cancelled()) else { return Ok(None) };
    let answered = TurnEvent::QuestionAnswered { call, answer: said.to_owned() };
    let (_, events) = log::append(writer, agent, turn, &Folded::default(), ctx.now, vec![answered])?;
    log::wake(writer, &*core.ports.random, turn, ctx.now)?;
    let after = events.last().map_or(Offset::START, |event| event.offset);
    Ok(Some(Placed { session: turn.session, turn: turn.id, after }))
}

#[expect(clippy::too_many_arguments, reason = "one transaction's worth of what was found before")]
fn queue(
    core: &Core,
    writer: &mut dyn Writer,
    ctx: &Ctx,
    agent: &Agent,
    session: &Session,
    said: String,
    history: Vec<Message>,
    ask: &Ask,
) -> Result<Placed, Error> {
    let turn = Turn {
        id: core.ports.random.id::<TurnId>(ctx.now),
        account: agent.account,
        agent: agent.id,
        session: session.id,
        phase: TurnPhase::Queued,
        caller: None,
        run: None,
        created_at: ctx.now,
    };
    let is_first = writer.open_turns(session.id)?.is_empty();
    writer.insert_turn(&turn)?;
    let mut events = vec![TurnEvent::MessageReceived { text: said, context: ask.instructions.clone() }];
    if !history.is_empty() {
        events.push(TurnEvent::HistoryGiven { messages: history });
    }
    if !ask.tools.is_empty() || ask.wishes != Wishes::default() {
        events
            .push(TurnEvent::CallerAsked { tools: ask.tools.clone(), wishes: Box::new(ask.wishes.clone()) });
    }
    let (_, events) = log::append(writer, agent, &turn, &Folded::default(), ctx.now, events)?;
    if is_first && agent.state != State::Paused {
        log::activate(writer, &*core.ports.random, &turn, ctx.now)?;
    }
    let after = events.last().map_or(Offset::START, |event| event.offset);
    Ok(Placed { session: session.id, turn: turn.id, after })
}
