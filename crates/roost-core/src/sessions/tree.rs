use jiff::Timestamp;
use roost_domain::event::{Body, Ending, TurnEvent};
use roost_domain::id::{AgentId, SessionId, TurnId};
use roost_domain::key::Scope;
use roost_domain::unit::MicroUsd;
use roost_ports::store::{Reader, Turn, TurnPhase};

use super::Sessions;
use crate::{Ctx, Error};

/// A turn with the turns that other agents did for it.
#[derive(Debug, Clone, PartialEq)]
pub struct TurnTree {
    /// The turn.
    pub turn: TurnId,
    /// Whose it is.
    pub agent: AgentId,
    /// What that is called; empty if it was deleted.
    pub name: String,
    /// The session it stands in.
    pub session: SessionId,
    /// The call that it is done for.
    pub call: Option<String>,
    /// What was asked.
    pub message: String,
    /// What was said last.
    pub answer: String,
    /// Where it is, where it is not over.
    pub phase: TurnPhase,
    /// How it ended, if it did.
    pub ending: Option<Ending>,
    /// What its own model calls cost; those of the turns below are theirs.
    pub cost: MicroUsd,
    /// When its message came.
    pub created_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// The turns that were done for its calls, oldest first.
    pub below: Vec<TurnTree>,
}

/// How many turns a tree shows.
const MOST: usize = 500;

impl Sessions<'_> {
    /// Returns one turn of an agent with all that other agents did for it, at most 500 turns in all.
    ///
    /// # Errors
    ///
    /// `NotFound` for the agent or the turn.
    pub async fn turn(&self, ctx: &Ctx, agent: AgentId, turn: TurnId) -> Result<TurnTree, Error> {
        ctx.require(Scope::Chat)?;
        let account = ctx.account();
        let read = move |reader: &dyn Reader| {
            reader.agent(account, agent)?.ok_or_else(|| Error::not_found("agent", agent))?;
            let found = reader.turn(turn)?.filter(|turn| turn.agent == agent);
            let found = found.ok_or_else(|| Error::not_found("turn", turn))?;
            let mut room = MOST;
            tree(reader, found, &mut room)
        };
        self.0.ports.store.read(read).await
    }
}

/// Recursion is as deep as agents may wait for one another.
fn tree(reader: &dyn Reader, turn: Turn, room: &mut usize) -> Result<TurnTree, Error> {
    *room = room.saturating_sub(1);
    let name = reader.agent_of_any_account(turn.agent)?.map(|agent| agent.name).unwrap_or_default();
    let mut tree = TurnTree {
        turn: turn.id,
        agent: turn.agent,
        name,
        session: turn.session,
        call: turn.caller.map(|caller| caller.call.to_string()),
        message: String::new(),
        answer: String::new(),
        phase: turn.phase,
        ending: None,
        cost: MicroUsd::ZERO,
        created_at: turn.created_at,
        ended_at: None,
        below: Vec::new(),
    };
    for event in reader.turn_events(turn.session, turn.id)? {
        let Body::Turn { event: of_turn, .. } = event.body else { continue };
        if let TurnEvent::MessageReceived { text, .. } = of_turn {
            tree.message = text;
        } else if let TurnEvent::ModelAnswered { text, cost, .. } = of_turn {
            tree.cost = tree.cost.saturating_add(cost);
            tree.answer = text;
        } else if let TurnEvent::Ended { ending } = of_turn {
            tree.ending = Some(ending);
            tree.ended_at = Some(event.at);
        }
    }
    for below in reader.turns_for(turn.id)? {
        if *room == 0 {
            break;
        }
        tree.below.push(self::tree(reader, below, room)?);
    }
    Ok(tree)
}
