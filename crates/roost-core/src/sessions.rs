//! Sessions: conversations with one peer, and what can be done to the turn that is open in one.

use roost_domain::event::{Ending, TurnEvent};
use roost_domain::id::{AgentId, SessionId, TurnId};
use roost_domain::key::Scope;
use roost_domain::page::Limit;
use roost_domain::session::{Channel, Session};
use roost_ports::store::{Reader, TurnPhase, Writer};

use crate::log::Folded;
use crate::messages::{not_running, open_session, peer_of};
use crate::{Core, Ctx, Error, Kind, log};

mod tree;

pub use tree::TurnTree;

/// The use cases of sessions.
pub struct Sessions<'a>(pub(crate) &'a Core);

/// A session to be begun.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// The agent.
    pub agent: AgentId,
    /// With whom; without one, whoever holds the key.
    pub peer: Option<String>,
}

impl Sessions<'_> {
    /// Begins a session; messages of the same peer that name none go there from now on.
    ///
    /// # Errors
    ///
    /// `NotFound` for the agent; `InvalidState` with the code `agent_not_running`.
    pub async fn create(&self, ctx: &Ctx, new: NewSession) -> Result<Session, Error> {
        ctx.require(Scope::Chat)?;
        if let Some(peer) = &new.peer
            && !(1..=200).contains(&peer.chars().count())
        {
            return Err(Error::invalid("peerId", "must have 1 to 200 characters"));
        }
        let (core, ctx) = (self.0.clone(), ctx.clone());
        self.0
            .ports
            .store
            .write(move |writer| {
                let agent = writer
                    .agent(ctx.account(), new.agent)?
                    .ok_or_else(|| Error::not_found("agent", new.agent))?;
                if !agent.state.takes_messages() {
                    return Err(not_running(&agent));
                }
                let peer = peer_of(&ctx, new.peer.as_deref());
                open_session(&core, writer, &ctx, &agent, peer)
            })
            .await
    }

    /// Returns an agent's sessions, the one that began last first, and how many there are in all.
    ///
    /// # Errors
    ///
    /// `NotFound` for the agent.
    pub async fn list(&self, ctx: &Ctx, agent: AgentId, limit: Limit) -> Result<(Vec<Session>, u64), Error> {
        ctx.require(Scope::Chat)?;
        let account = ctx.account();
        self.0
            .ports
            .store
            .read(move |reader| {
                reader.agent(account, agent)?.ok_or_else(|| Error::not_found("agent", agent))?;
                Ok(reader.sessions(agent, limit)?)
            })
            .await
    }

    /// Cancels what is being worked on in a session: the turn that is open, and with it everything it started.
    /// Messages that queue behind it are answered next. Returns the turn that was cancelled.
    ///
    /// # Errors
    ///
    /// `NotFound` for the agent or the session; `InvalidState` with the code `nothing_to_cancel`.
    pub async fn cancel(&self, ctx: &Ctx, agent: AgentId, session: SessionId) -> Result<TurnId, Error> {
        ctx.require(Scope::Chat)?;
        let (core, ctx) = (self.0.clone(), ctx.clone());
        let cancelled = self
            .0
            .ports
            .store
            .write(move |writer| {
                writer.agent(ctx.account(), agent)?.ok_or_else(|| Error::not_found("agent", agent))?;
                conversation(writer, agent, session)?;
                let turn = writer.open_turns(session)?.into_iter().next().ok_or_else(|| {
                    let message = "nothing is being worked on in this session";
                    Error::new(Kind::InvalidState, "nothing_to_cancel", message)
                })?;
                cancel_turn(&core, writer, &turn, ctx.now)?;
                Ok::<_, Error>(turn)
            })
            .await?;
        self.0.went_on(&cancelled);
        self.0.queued.notify_one();
        Ok(cancelled.id)
    }
}

/// Returns a session in which somebody talks with the agent; its journal is none.
pub(crate) fn conversation(reader: &dyn Reader, agent: AgentId, id: SessionId) -> Result<Session, Error> {
    let session = reader.session(agent, id)?.filter(|session| session.channel != Channel::Journal);
    session.ok_or_else(|| Error::not_found("session", id))
}

/// Cancels a turn: at once if nobody works on it, else by telling its worker through the log.
pub(crate) fn cancel_turn(
    core: &Core,
    writer: &mut dyn Writer,
    turn: &roost_ports::store::Turn,
    now: jiff::Timestamp,
) -> Result<(), Error> {
    let agent = log::agent_of(writer, turn)?;
    let (state, _) =
        log::append(writer, &agent, turn, &Folded::default(), now, vec![TurnEvent::CancelRequested])?;
    let unattended = matches!(turn.phase, TurnPhase::Queued | TurnPhase::Waiting);
    if unattended && state.lost().is_empty() {
        log::end(writer, core, &agent, turn, &Folded::default(), Ending::Cancelled, now)?;
    }
    Ok(())
}
