//! What people outside are told as it happens.

use jiff::Timestamp;
use roost_domain::agent::Agent;
use roost_domain::approval::Approval;
use roost_domain::connection::Missing;
use roost_domain::guard::Guard;
use roost_domain::id::{AccountId, DeliveryId};
use roost_domain::policy::Ruling;
use roost_domain::webhook::{Delivery, Status};
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
            "requested_at": iso(approval.requested_at),
            "expires_at": iso(approval.expires_at),
            "escalated_to": approval.escalated.as_ref().and_then(|escalation| escalation.to.clone()),
            "decided_by": approval.decided_by,
            "note": approval.note,
        });
        self.announce(writer, approval.account, kind, &data, at)
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
        self.announce(writer, entry.account, "gate.blocked", &data, entry.at)
    }

    /// Tells that an agent is connected to all that it needs, or is so no more.
    pub(crate) fn announce_readiness(
        &self,
        writer: &mut dyn Writer,
        agent: &Agent,
        missing: &[Missing],
        at: Timestamp,
    ) -> Result<(), Error> {
        let one = |one: &Missing| json!({"integration": one.integration, "reason": one.reason.name()});
        let kind = if missing.is_empty() { "agent.ready" } else { "agent.auth_required" };
        let data = json!({
            "agent_id": agent.id.to_string(),
            "name": agent.name,
            "missing": missing.iter().map(one).collect::<Vec<_>>(),
        });
        self.announce(writer, agent.account, kind, &data, at)
    }

    /// Writes a delivery for each endpoint that wants to be told, in the transaction in which it happens, so that
    /// what happened and that it will be told are kept or lost together.
    fn announce(
        &self,
        writer: &mut dyn Writer,
        account: AccountId,
        kind: &'static str,
        data: &Value,
        at: Timestamp,
    ) -> Result<(), Error> {
        let mut endpoints = writer.webhook_endpoints(account)?;
        endpoints.retain(|endpoint| endpoint.wants(kind));
        if endpoints.is_empty() {
            return Ok(());
        }
        let payload = json!({"type": kind, "timestamp": iso(at), "data": data}).to_string();
        for endpoint in endpoints {
            writer.insert_delivery(&Delivery {
                id: self.ports.random.id::<DeliveryId>(at),
                account,
                endpoint: endpoint.id,
                kind: kind.to_owned(),
                payload: payload.clone(),
                status: Status::Pending,
                attempts: 0,
                next_at: Some(at),
                last_status: None,
                last_error: None,
                created_at: at,
                delivered_at: None,
            })?;
        }
        // Whoever is woken before the commit asks the store, which answers after it.
        self.announced.notify_one();
        Ok(())
    }
}

/// Writes a time as the native API does.
fn iso(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}
