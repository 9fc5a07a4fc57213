//! The gate's facts: what holds for an agent at the moment of a decision, read in the transaction that writes the
//! intent, so that nothing can change between the decision and the act.

use jiff::Timestamp;
use roost_domain::agent::{Agent, Settings};
use roost_domain::approval::{Approval, Question, Status};
use roost_domain::effect::{Cause, Effect};
use roost_domain::event::TurnEvent;
use roost_domain::gate::{self, Decision, Permit, Rules};
use roost_domain::id::ApprovalId;
use roost_domain::tool::ToolCallId;
use roost_ports::store::{Reader, Turn, Writer};

use crate::Error;

/// Decides about an effect, by an approval that was given for it or else by the agent's rules.
pub(crate) fn decide(
    reader: &dyn Reader,
    agent: &Agent,
    effect: &Effect,
    leave: Option<ApprovalId>,
) -> Result<Decision, Error> {
    if let Some(permit) = leave.map(|id| by_approval(reader, agent, effect, id)).transpose()?.flatten() {
        return Ok(Decision::Allowed(permit));
    }
    let settings = Settings::read(&agent.config)?;
    let ledger = reader.ledger(agent.id)?;
    let rules = Rules {
        profile: settings.profile,
        network: &settings.network,
        budget: settings.budget,
        committed: ledger.committed(),
    };
    Ok(gate::decide(effect, &rules))
}

/// Returns leave if the approval was given for exactly this effect. If it was given for another, the effect is
/// decided anew: the agent's configuration may have changed what the same call does.
fn by_approval(
    reader: &dyn Reader,
    agent: &Agent,
    effect: &Effect,
    id: ApprovalId,
) -> Result<Option<Permit>, Error> {
    let Some(approval) = reader.approval(agent.account, id)? else { return Ok(None) };
    match approval.permit(effect) {
        Ok(permit) => Ok(Some(permit)),
        Err(why) => {
            tracing::warn!(approval = %id, %why, "an approval does not cover the effect it was asked for");
            Ok(None)
        }
    }
}

/// What to ask a person.
pub(crate) struct Ask<'a> {
    pub(crate) id: ApprovalId,
    pub(crate) turn: &'a Turn,
    pub(crate) effect: &'a Effect,
    pub(crate) question: Question,
    pub(crate) reason: String,
    pub(crate) expires_at: Timestamp,
}

/// Writes an approval and returns the event that goes with it.
pub(crate) fn ask(writer: &mut dyn Writer, ask: Ask<'_>, now: Timestamp) -> Result<TurnEvent, Error> {
    let call = cause_call(&ask.effect.cause);
    let summary = ask.effect.action.to_string();
    writer.insert_approval(&Approval {
        id: ask.id,
        account: ask.turn.account,
        agent: ask.turn.agent,
        session: ask.turn.session,
        turn: ask.turn.id,
        call: call.clone(),
        question: ask.question,
        summary: summary.clone(),
        reason: ask.reason.clone(),
        effect: ask.effect.hash(),
        status: Status::Pending,
        requested_at: now,
        expires_at: ask.expires_at,
        decided_at: None,
        decided_by: None,
        note: None,
    })?;
    Ok(TurnEvent::ApprovalRequested {
        approval: ask.id,
        call,
        question: ask.question,
        summary,
        reason: ask.reason,
        expires_at: ask.expires_at,
    })
}

fn cause_call(cause: &Cause) -> Option<ToolCallId> {
    match cause {
        Cause::Loop => None,
        Cause::Tool(call) => Some(call.id.clone()),
    }
}
