//! The gate's facts: what holds for an agent at the moment of a decision, read in the transaction that writes the
//! intent, so that nothing can change between the decision and the act.

use jiff::Timestamp;
use roost_domain::agent::{Agent, Settings};
use roost_domain::approval::{Approval, Question, Status};
use roost_domain::effect::{Action, Cause, Effect};
use roost_domain::event::TurnEvent;
use roost_domain::gate::{self, Decision, Permit, Rules};
use roost_domain::id::ApprovalId;
use roost_domain::tool::ToolCallId;
use roost_ports::store::{Reader, Turn, Writer};

use crate::Error;

/// Decides about an effect by the agent's rules, and by the approval that was given for it where they ask for one.
pub(crate) fn decide(
    reader: &dyn Reader,
    agent: &Agent,
    effect: &Effect,
    leave: Option<ApprovalId>,
) -> Result<Decision, Error> {
    let settings = Settings::read(&agent.config)?;
    let ledger = reader.ledger(agent.id)?;
    let rules = Rules {
        profile: settings.profile,
        network: &settings.network,
        budget: settings.budget,
        committed: ledger.committed(),
    };
    let decision = gate::decide(effect, &rules);
    // What is blocked stays blocked, whatever was approved before it was.
    if let (Decision::NeedsApproval(_), Some(id)) = (&decision, leave)
        && let Some(permit) = by_approval(reader, agent, effect, id)?
    {
        return Ok(Decision::Allowed(permit));
    }
    Ok(decision)
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
    let summary = summary(ask.effect);
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

/// Says all that a person has to see before they say yes. What is left out for its length is said to be.
fn summary(effect: &Effect) -> String {
    const CAP: usize = 4_000;
    let mut text = match (&effect.action, &effect.cause) {
        (Action::RunCommand { command }, _) => format!("run the command {command:?}"),
        (Action::SendHttp { .. } | Action::WriteFile { .. }, Cause::Tool(call)) => {
            format!("{}: {} {}", effect.action, call.tool, call.arguments)
        }
        (action, _) => action.to_string(),
    };
    if let Some((end, _)) = text.char_indices().nth(CAP) {
        let more = text[end..].chars().count();
        text.truncate(end);
        text.push_str(&format!("… and {more} more characters that stand in the session's events"));
    }
    text
}

fn cause_call(cause: &Cause) -> Option<ToolCallId> {
    match cause {
        Cause::Loop => None,
        Cause::Tool(call) => Some(call.id.clone()),
    }
}
