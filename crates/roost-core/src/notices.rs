//! What people outside are told as it happens.

use jiff::Timestamp;
use roost_domain::approval::Approval;
use roost_domain::guard::Guard;
use roost_domain::policy::Ruling;
use roost_ports::store::{DecisionEntry, Writer};
use serde_json::{Value, json};

use crate::{Core, Error};

impl Core {
    /// Tells of an approval: that it was asked for, passed on or decided.
    pub(crate) fn announce_approval(
        &self,
        writer: &mut dyn Writer,
        kind: &'static str,
        approval: &Approval,
        at: Timestamp,
    ) -> Result<(), Error> {
        let data = json!({
            "approval_id": approval.id.to_string(),
            "agent_id": approval.subject.as_str(),
            "action": approval.tool,
            "parameters": approval.parameters,
            "summary": approval.summary,
            "reason": approval.reason,
            "risk_level": approval.risk.name(),
            "status": approval.status.name(),
            "requested_at": approval.requested_at.to_string(),
            "expires_at": approval.expires_at.to_string(),
            "escalated_to": approval.escalated.as_ref().and_then(|escalation| escalation.to.clone()),
            "decided_by": approval.decided_by,
            "note": approval.note,
        });
        self.announce(writer, approval.account, kind, data, at)
    }

    /// Tells of a call that was blocked, where the subject's policy wants that told.
    pub(crate) fn announce_blocked(
        &self,
        writer: &mut dyn Writer,
        guard: &Guard,
        entry: &DecisionEntry,
    ) -> Result<(), Error> {
        let Some((_, policy)) = &guard.policy else { return Ok(()) };
        let policy = policy.policy();
        if entry.ruling != Ruling::Block || !policy.on_block.alerts() {
            return Ok(());
        }
        let data = json!({
            "agent_id": entry.subject.as_str(),
            "tool_name": entry.tool,
            "decision": entry.ruling.name(),
            "code": entry.code,
            "reason": entry.reason,
            "policy_version": entry.version.map(|version| version.to_string()),
            "run_id": entry.run,
            "notify": policy.notify,
        });
        self.announce(writer, entry.account, "gate.blocked", data, entry.at)
    }

    fn announce(
        &self,
        _writer: &mut dyn Writer,
        _account: roost_domain::id::AccountId,
        _kind: &'static str,
        _data: Value,
        _at: Timestamp,
    ) -> Result<(), Error> {
        Ok(())
    }
}
