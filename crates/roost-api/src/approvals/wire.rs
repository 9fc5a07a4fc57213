use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use roost_http::{iso, iso_if};

/// A question to a person about one exact effect.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Approval {
    /// `apr_…`
    id: String,
    /// The agent, by its id, or by its name where it runs elsewhere.
    agent_id: String,
    /// Null where the agent runs elsewhere.
    session_id: Option<String>,
    /// Null where the agent runs elsewhere.
    turn_id: Option<String>,
    /// The tool call that waits; null where the next model call does, and where the agent runs elsewhere.
    call_id: Option<String>,
    /// What the agent calls the run.
    run_id: Option<String>,
    /// What set it off, as the agent told it.
    triggered_by: Option<String>,
    /// `may_act`, or `outcome_unknown`: the server died while it ran; may it run again?
    question: &'static str,
    /// The tool that would be used.
    tool: String,
    /// With which parameters.
    parameters: Value,
    /// What would be done.
    #[schema(example = "run the command \"git push\"")]
    summary: String,
    /// Why a person is asked, and what would allow it without asking.
    reason: String,
    /// How bad it would be if it went wrong: `LOW`, `MEDIUM`, `HIGH` or `CRITICAL`.
    risk_level: &'static str,
    /// SHA-256 of the exact effect; the approval is worth nothing for any other.
    effect_hash: String,
    /// `pending`, `approved`, `denied`, `expired` or `withdrawn` (its turn was cancelled)
    status: &'static str,
    /// How many different people have to say yes.
    quorum: u32,
    /// Who has said yes so far.
    votes: Vec<Vote>,
    /// What becomes of it when nobody decides in time: `block`, `allow` or `escalate`.
    on_timeout: &'static str,
    /// When it was passed on.
    escalated_at: Option<String>,
    /// Who alone can approve it since; null is anybody else than who passed it on.
    escalated_to: Option<String>,
    requested_at: String,
    /// Until when it can be decided.
    expires_at: String,
    decided_at: Option<String>,
    decided_by: Option<String>,
    note: Option<String>,
    /// When what was approved began, where that is known.
    executed_at: Option<String>,
}

/// A yes.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Vote {
    by: String,
    at: String,
}

impl Approval {
    pub(super) fn new(approval: roost_domain::approval::Approval) -> Self {
        let waiting = approval.waiting;
        let (escalated_at, escalated_to) = match approval.escalated {
            Some(escalation) => (Some(iso(escalation.at)), escalation.to),
            None => (None, None),
        };
        Self {
            id: approval.id.to_string(),
            agent_id: approval.subject.to_string(),
            session_id: waiting.as_ref().map(|waiting| waiting.session.to_string()),
            turn_id: waiting.as_ref().map(|waiting| waiting.turn.to_string()),
            call_id: waiting.and_then(|waiting| waiting.call).map(|call| call.to_string()),
            run_id: approval.context.run,
            triggered_by: approval.context.triggered_by,
            question: approval.question.name(),
            tool: approval.tool,
            parameters: approval.parameters,
            summary: approval.summary,
            reason: approval.reason,
            risk_level: approval.risk.name(),
            effect_hash: approval.effect.to_string(),
            status: approval.status.name(),
            quorum: approval.terms.quorum,
            votes: approval.votes.into_iter().map(|vote| Vote { by: vote.by, at: iso(vote.at) }).collect(),
            on_timeout: approval.terms.on_timeout.name(),
            escalated_at,
            escalated_to,
            requested_at: iso(approval.requested_at),
            expires_at: iso(approval.expires_at),
            decided_at: iso_if(approval.decided_at),
            decided_by: approval.decided_by,
            note: approval.note,
            executed_at: iso_if(approval.executed_at),
        }
    }
}

/// Something that happened to an approval.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ApprovalEntry {
    approval_id: String,
    agent_id: String,
    /// `requested`, `voted`, `escalated`, `approved`, `denied`, `expired`, `withdrawn` or `executed`
    act: &'static str,
    /// Who did it: a person, or `agent`, `policy` or `system`.
    actor: String,
    /// What they said, and with which key.
    detail: Option<String>,
    at: String,
}

impl ApprovalEntry {
    pub(super) fn new(entry: roost_domain::approval::Entry) -> Self {
        Self {
            approval_id: entry.approval.to_string(),
            agent_id: entry.subject.to_string(),
            act: entry.act.name(),
            actor: entry.actor,
            detail: entry.detail,
            at: iso(entry.at),
        }
    }
}
