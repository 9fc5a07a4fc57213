use serde::Serialize;
use utoipa::ToSchema;

use crate::time::{iso, iso_if};

/// A question to a person about one exact effect.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Approval {
    /// `apr_…`
    id: String,
    agent_id: String,
    session_id: String,
    turn_id: String,
    /// The tool call that waits; null where the next model call does.
    call_id: Option<String>,
    /// `may_act`, or `outcome_unknown`: the server died while it ran; may it run again?
    question: &'static str,
    /// What would be done.
    #[schema(example = "run the command \"git push\"")]
    summary: String,
    /// Why a person is asked, and what would allow it without asking.
    reason: String,
    /// SHA-256 of the exact effect; the approval is worth nothing for any other.
    effect_hash: String,
    /// `pending`, `approved`, `denied`, `expired` or `withdrawn` (its turn was cancelled)
    status: &'static str,
    requested_at: String,
    /// Until when it can be decided.
    expires_at: String,
    decided_at: Option<String>,
    decided_by: Option<String>,
    note: Option<String>,
}

impl Approval {
    pub(super) fn new(approval: roost_domain::approval::Approval) -> Self {
        Self {
            id: approval.id.to_string(),
            agent_id: approval.agent.to_string(),
            session_id: approval.session.to_string(),
            turn_id: approval.turn.to_string(),
            call_id: approval.call.map(|call| call.to_string()),
            question: approval.question.name(),
            summary: approval.summary,
            reason: approval.reason,
            effect_hash: approval.effect.to_string(),
            status: approval.status.name(),
            requested_at: iso(approval.requested_at),
            expires_at: iso(approval.expires_at),
            decided_at: iso_if(approval.decided_at),
            decided_by: approval.decided_by,
            note: approval.note,
        }
    }
}
