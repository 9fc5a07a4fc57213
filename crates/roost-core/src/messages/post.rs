use roost_domain::agent::{Agent, State};
use roost_domain::event::{Body, Offset, TurnEvent};
use roost_domain::id::{AgentId, SessionId, TurnId};
use roost_domain::key::Scope;
use roost_domain::session::{Channel, Peer, Session};
use roost_ports::store::{Turn, TurnPhase, Writer};

use super::Messages;
use crate::log::Folded;
use crate::sessions::cancel_turn;
use crate::{Core, Ctx, Error, Kind, Principal, log};

/// A message to an agent.
#[derive(Debug, Clone)]
pub struct PostMessage {
    /// The agent.
    pub agent: AgentId,
    /// The session; without one, the latest with the same peer, or a new one.
    pub session: Option<SessionId>,
    /// Who says it, 1 to 200 characters; without one, whoever holds the key.
    pub peer: Option<String>,
    /// What is said, 1 to 100,000 characters.
    pub text: String,
    /// What the caller tells about the peer, at most 2,000 characters as formatted.
    pub context: Option<String>,
}

/// Where a message went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Posted {
    /// The session.
    pub session: SessionId,
    /// The turn that answers it: a new one, or the one whose question it answers.
    pub turn: TurnId,
    /// Where the message stands; subscribe after it to see what follows.
    pub offset: Offset,
}

impl Messages<'_> {
    /// Posts a message: in one transaction it is in the log and its turn is queued. If the session's turn waits
    /// for an answer to a question of the agent's, the message is that answer.
    ///
    /// # Errors
    ///
    /// `InvalidInput` names the field; `NotFound` for the agent or the session; `InvalidState` with the code
    /// `agent_not_running`; `QuotaExceeded` if too many turns of the session are open.
    pub async fn post(&self, ctx: &Ctx, message: PostMessage) -> Result<Posted, Error> {
        ctx.require(Scope::Chat)?;
        check(&message)?;
        let (core, ctx, agent_id) = (self.0.clone(), ctx.clone(), message.agent);
        let posted = self.0.ports.store.write(move |writer| post(&core, writer, &ctx, message)).await?;
        self.0.hub.tick(posted.session);
        self.0.hub.tick(agent_id.journal());
        self.0.queued.notify_one();
        Ok(posted)
    }
}

fn check(message: &PostMessage) -> Result<(), Error> {
    let length = message.text.chars().count();
    if message.text.trim().is_empty() {
        return Err(Error::invalid("message", "is required and must not be empty"));
    }
    if length > 100_000 {
        return Err(Error::invalid(
            "message",
            format!("has {length} characters; at most 100,000 are allowed"),
        ));
    }
    if let Some(peer) = &message.peer
        && !(1..=200).contains(&peer.chars().count())
    {
        return Err(Error::invalid("peerId", "must have 1 to 200 characters"));
    }
    match message.context.as_ref().map(|context| context.chars().count()) {
        Some(length) if length > 2_000 => Err(Error::invalid(
            "context",
            format!("has {length} characters after formatting; at most 2,000 are allowed"),
        )),
        _ => Ok(()),
    }
}

fn post(core: &Core, writer: &mut dyn Writer, ctx: &Ctx, message: PostMessage) -> Result<Posted, Error> {
    let agent = writer
        .agent(ctx.account(), message.agent)?
        .ok_or_else(|| Error::not_found("agent", message.agent))?;
    if !agent.state.takes_messages() {
        return Err(not_running(&agent));
    }
    let session = find_session(core, writer, ctx, &agent, &message)?;
    let open = writer.open_turns(session.id)?;
    if let Some(posted) = answer_question(core, writer, ctx, &agent, &open, &message.text)? {
        return Ok(posted);
    }
    let open = without_waiting(core, writer, ctx, &agent, open)?;
    if open.len() >= core.settings.max_open_turns {
        return Err(Error::new(
            Kind::QuotaExceeded,
            "too_many_open_turns",
            format!(
                "{} messages of this session wait for an answer already; wait for one or cancel it",
                open.len()
            ),
        ));
    }
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
    writer.insert_turn(&turn)?;
    let received = TurnEvent::MessageReceived { text: message.text, context: message.context };
    let (_, events) = log::append(writer, &agent, &turn, &Folded::default(), ctx.now, vec![received])?;
    if open.is_empty() && agent.state != State::Paused {
        log::activate(writer, &*core.ports.random, &turn, ctx.now)?;
    }
    let offset = events.last().map_or(Offset::START, |event| event.offset);
    Ok(Posted { session: session.id, turn: turn.id, offset })
}

/// Says why an agent takes no messages.
pub(crate) fn not_running(agent: &Agent) -> Error {
    let why = match &agent.last_failure {
        Some(failure) if agent.state == State::Error => format!(" ({})", failure.message),
        _ => String::new(),
    };
    Error::new(
        Kind::InvalidState,
        "agent_not_running",
        format!("the agent is {}{why}; start it first", agent.state),
    )
}

fn find_session(
    core: &Core,
    writer: &mut dyn Writer,
    ctx: &Ctx,
    agent: &Agent,
    message: &PostMessage,
) -> Result<Session, Error> {
    let peer = peer_of(ctx, message.peer.as_deref());
    let found = match message.session {
        // Another peer's session is none of this caller's business, so it looks as if it were not there. Nobody
        // talks in an agent's journal, or in what agents say among themselves or do in
        // runs.
        Some(id) => Some(
            writer
                .session(agent.id, id)?
                .filter(|session| {
                    !matches!(session.peer, Peer::Agent | Peer::Colleague { .. } | Peer::Run(_))
                })
                .filter(|session| message.peer.is_none() || session.peer == peer)
                .ok_or_else(|| Error::not_found("session", id))?,
        ),
        None => writer.latest_session_with(agent.id, &peer)?,
    };
    match found {
        Some(session) => Ok(session),
        None => open_session(core, writer, ctx, agent, peer),
    }
}

/// Returns who a caller speaks for.
pub(crate) fn peer_of(ctx: &Ctx, named: Option<&str>) -> Peer {
    match (named, &ctx.principal) {
        (Some(name), _) => Peer::Named(name.to_owned()),
        (None, Principal::Key(key)) => Peer::Key(key.id),
        (None, Principal::Owner(_)) => Peer::Named("owner".to_owned()),
    }
}

/// Begins a session.
pub(crate) fn open_session(
    core: &Core,
    writer: &mut dyn Writer,
    ctx: &Ctx,
    agent: &Agent,
    peer: Peer,
) -> Result<Session, Error> {
    let session = Session {
        id: core.ports.random.id::<SessionId>(ctx.now),
        account: agent.account,
        agent: agent.id,
        peer,
        channel: Channel::Api,
        name: None,
        started_at: ctx.now,
    };
    writer.insert_session(&session)?;
    let started = Body::SessionStarted { channel: session.channel };
    writer.append_events(agent.id, session.id, ctx.now, vec![started])?;
    Ok(session)
}

/// Ends the turn that waits for the tools of a caller who says something else, and returns the turns that are open
/// still.
fn without_waiting(
    core: &Core,
    writer: &mut dyn Writer,
    ctx: &Ctx,
    agent: &Agent,
    open: Vec<Turn>,
) -> Result<Vec<Turn>, Error> {
    let Some(first) = open.first() else { return Ok(open) };
    if !log::fold(writer, agent, first, &Folded::default())?.waits_for_caller() {
        return Ok(open);
    }
    cancel_turn(core, writer, first, ctx.now)?;
    Ok(writer.open_turns(first.session)?)
}

fn answer_question(
    core: &Core,
    writer: &mut dyn Writer,
    ctx: &Ctx,
    agent: &Agent,
    open: &[Turn],
    text: &str,
) -> Result<Option<Posted>, Error> {
    // A turn that has just asked may not be parked yet: its worker sees the answer when it tries to.
    let Some(turn) = open.first() else { return Ok(None) };
    let state = log::fold(writer, agent, turn, &Folded::default())?;
    let Some(call) = state.question().cloned().filter(|_| !state.is_cancelled()) else { return Ok(None) };
    let answered = TurnEvent::QuestionAnswered { call, answer: text.to_owned() };
    let (_, events) = log::append(writer, agent, turn, &Folded::default(), ctx.now, vec![answered])?;
    log::wake(writer, &*core.ports.random, turn, ctx.now)?;
    let offset = events.last().map_or(Offset::START, |event| event.offset);
    Ok(Some(Posted { session: turn.session, turn: turn.id, offset }))
}
