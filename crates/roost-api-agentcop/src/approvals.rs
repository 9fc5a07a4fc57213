//! **Source:** AgentCop's API reference, "Approvals API".

use axum::Json as Answer;
use axum::extract::State;
use jiff::Timestamp;
use roost_core::{ApprovalFilter, Core, DecideApproval, EntryFilter, EscalateApproval, ListEntries};
use roost_domain::approval::{Act, Approval, Entry, Status};
use roost_domain::id::ApprovalId;
use roost_http::{Caller, Failure, Json, Query, Segment, iso, iso_if};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::gate::subject;
use crate::paging;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    status: Option<String>,
    agent_id: Option<String>,
    page: Option<u64>,
    limit: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuditQuery {
    agent_id: Option<String>,
    /// Not in AgentCop's documents.
    approval_id: Option<String>,
    status: Option<String>,
    from: Option<String>,
    to: Option<String>,
    page: Option<u64>,
    limit: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApproveBody {
    approver: String,
    note: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DenyBody {
    approver: String,
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EscalateBody {
    approver: String,
    /// Who alone can approve it then; without, anybody else.
    to: Option<String>,
    note: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct Listed {
    approvals: Vec<ApprovalView>,
    total: u64,
    page: u64,
}

/// An approval. `summary`, `reason`, `quorum`, `votes`, `on_timeout` and what says of escalation are not in
/// AgentCop's documents.
#[derive(Serialize)]
pub(crate) struct ApprovalView {
    approval_id: String,
    agent_id: String,
    action: String,
    parameters: Value,
    risk_level: &'static str,
    status: &'static str,
    requested_at: String,
    expires_at: String,
    context: ContextView,
    summary: String,
    reason: String,
    quorum: u32,
    votes: Vec<VoteView>,
    on_timeout: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    escalated_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    escalated_to: Option<String>,
    #[serde(flatten)]
    ending: Ending,
}

#[derive(Serialize)]
struct ContextView {
    triggered_by: Option<String>,
    agent_run_id: Option<String>,
}

#[derive(Serialize)]
struct VoteView {
    by: String,
    at: String,
}

/// How an approval ended; nothing of it is there while it is pending.
#[derive(Serialize, Default)]
struct Ending {
    #[serde(skip_serializing_if = "Option::is_none")]
    approved_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    approved_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    action_executed_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    denied_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    denied_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

/// What became of a decision.
#[derive(Serialize)]
pub(crate) struct Approved {
    approval_id: String,
    status: &'static str,
    approved_by: Option<String>,
    approved_at: Option<String>,
    /// When the agent's step went on, where that is known; it goes on by itself after the answer.
    action_executed_at: Option<String>,
    votes: usize,
    quorum: u32,
}

#[derive(Serialize)]
pub(crate) struct Denied {
    approval_id: String,
    status: &'static str,
    denied_by: Option<String>,
    denied_at: Option<String>,
    reason: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct AuditView {
    entries: Vec<EntryView>,
    total: u64,
    page: u64,
}

#[derive(Serialize)]
struct EntryView {
    approval_id: String,
    agent_id: String,
    event: &'static str,
    actor: String,
    detail: Option<String>,
    timestamp: String,
}

pub(crate) async fn list(
    State(core): State<Core>,
    Caller(ctx): Caller,
    Query(query): Query<ListQuery>,
) -> Result<Answer<Listed>, Failure> {
    let (page, skip, limit) = paging::page(query.page, query.limit)?;
    let filter = ApprovalFilter {
        status: Some(status(query.status.as_deref().unwrap_or("pending"))?),
        subject: query.agent_id.as_deref().map(|id| subject("agent_id", id)).transpose()?,
    };
    let (approvals, total) = core.approvals().list_after(&ctx, filter, skip, limit).await?;
    let approvals = approvals.into_iter().map(ApprovalView::new).collect();
    Ok(Answer(Listed { approvals, total, page }))
}

pub(crate) async fn show(
    State(core): State<Core>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(ApprovalId,)>,
) -> Result<Answer<ApprovalView>, Failure> {
    Ok(Answer(ApprovalView::new(core.gate().approval(&ctx, id).await?)))
}

pub(crate) async fn approve(
    State(core): State<Core>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(ApprovalId,)>,
    Json(body): Json<ApproveBody>,
) -> Result<Answer<Approved>, Failure> {
    let by = Some(named("approver", body.approver)?);
    let decision = DecideApproval { id, approve: true, by, note: body.note };
    let approval = core.approvals().decide(&ctx, decision).await?;
    Ok(Answer(Approved {
        approval_id: approval.id.to_string(),
        status: approval.status.name(),
        approved_by: approval.decided_by,
        approved_at: iso_if(approval.decided_at),
        action_executed_at: iso_if(approval.executed_at),
        votes: approval.votes.len(),
        quorum: approval.terms.quorum,
    }))
}

pub(crate) async fn deny(
    State(core): State<Core>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(ApprovalId,)>,
    Json(body): Json<DenyBody>,
) -> Result<Answer<Denied>, Failure> {
    let by = Some(named("approver", body.approver)?);
    let note = Some(named("reason", body.reason)?);
    let approval = core.approvals().decide(&ctx, DecideApproval { id, approve: false, by, note }).await?;
    Ok(Answer(Denied {
        approval_id: approval.id.to_string(),
        status: approval.status.name(),
        denied_by: approval.decided_by,
        denied_at: iso_if(approval.decided_at),
        reason: approval.note,
    }))
}

pub(crate) async fn escalate(
    State(core): State<Core>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(ApprovalId,)>,
    Json(body): Json<EscalateBody>,
) -> Result<Answer<ApprovalView>, Failure> {
    let by = Some(named("approver", body.approver)?);
    let escalate = EscalateApproval { id, to: body.to, by, note: body.note };
    Ok(Answer(ApprovalView::new(core.approvals().escalate(&ctx, escalate).await?)))
}

pub(crate) async fn audit(
    State(core): State<Core>,
    Caller(ctx): Caller,
    Query(query): Query<AuditQuery>,
) -> Result<Answer<AuditView>, Failure> {
    let (page, skip, limit) = paging::page(query.page, query.limit)?;
    let approval = |id: &str| id.parse().map_err(|error| Failure::invalid("approval_id", error));
    let filter = EntryFilter {
        approval: query.approval_id.as_deref().map(approval).transpose()?,
        subject: query.agent_id.as_deref().map(|id| subject("agent_id", id)).transpose()?,
        act: query.status.as_deref().map(act).transpose()?,
        from: query.from.as_deref().map(|text| time("from", text)).transpose()?,
        to: query.to.as_deref().map(until).transpose()?,
    };
    let (entries, total) = core.approvals().entries(&ctx, ListEntries { filter, skip, limit }).await?;
    let entries = entries.into_iter().map(EntryView::new).collect();
    Ok(Answer(AuditView { entries, total, page }))
}

fn named(field: &str, text: String) -> Result<String, Failure> {
    if text.trim().is_empty() { Err(Failure::invalid(field, "must not be empty")) } else { Ok(text) }
}

fn status(name: &str) -> Result<Status, Failure> {
    let known = Status::ALL.into_iter().find(|status| status.name() == name);
    known.ok_or_else(|| Failure::invalid("status", "must be pending, approved, denied, expired or withdrawn"))
}

fn act(name: &str) -> Result<Act, Failure> {
    let known = Act::ALL.into_iter().find(|act| act.name() == name);
    let names = || Act::ALL.map(Act::name).join(", ");
    known.ok_or_else(|| Failure::invalid("status", format!("must be one of {}", names())))
}

/// Reads a time; a day alone begins at midnight, UTC.
fn time(field: &str, text: &str) -> Result<Timestamp, Failure> {
    let whole = text.parse::<Timestamp>().or_else(|_| format!("{text}T00:00:00Z").parse());
    whole.map_err(|_| Failure::invalid(field, "must be a time such as 2026-02-10T14:00:00Z"))
}

/// Reads a time up to and with which entries count; a day alone counts whole.
fn until(text: &str) -> Result<Timestamp, Failure> {
    if text.parse::<Timestamp>().is_ok() {
        time("to", text)
    } else {
        time("to", &format!("{text}T23:59:59.999999Z"))
    }
}

impl ApprovalView {
    fn new(approval: Approval) -> Self {
        let (escalated_at, escalated_to) = match approval.escalated {
            Some(escalation) => (Some(iso(escalation.at)), escalation.to),
            None => (None, None),
        };
        let (by, at) = (approval.decided_by, iso_if(approval.decided_at));
        let ending = match approval.status {
            Status::Approved => Ending {
                approved_by: by,
                approved_at: at,
                action_executed_at: iso_if(approval.executed_at),
                note: approval.note,
                ..Ending::default()
            },
            Status::Denied => {
                Ending { denied_by: by, denied_at: at, note: approval.note, ..Ending::default() }
            }
            Status::Pending | Status::Expired | Status::Withdrawn => Ending::default(),
        };
        Self {
            approval_id: approval.id.to_string(),
            agent_id: approval.subject.to_string(),
            action: approval.tool,
            parameters: approval.parameters,
            risk_level: approval.risk.name(),
            status: approval.status.name(),
            requested_at: iso(approval.requested_at),
            expires_at: iso(approval.expires_at),
            context: ContextView {
                triggered_by: approval.context.triggered_by,
                agent_run_id: approval.context.run,
            },
            summary: approval.summary,
            reason: approval.reason,
            quorum: approval.terms.quorum,
            votes: approval
                .votes
                .into_iter()
                .map(|vote| VoteView { by: vote.by, at: iso(vote.at) })
                .collect(),
            on_timeout: approval.terms.on_timeout.name(),
            escalated_at,
            escalated_to,
            ending,
        }
    }
}

impl EntryView {
    fn new(entry: Entry) -> Self {
        Self {
            approval_id: entry.approval.to_string(),
            agent_id: entry.subject.to_string(),
            event: entry.act.name(),
            actor: entry.actor,
            detail: entry.detail,
            timestamp: iso(entry.at),
        }
    }
}
