use std::time::Duration;

use jiff::Timestamp;
use roost_domain::approval::{
    Act, Approval, Context, Entry, Escalation, Question, Risk, Status, Terms, Waiting,
};
use roost_domain::effect::EffectHash;
use roost_domain::id::{AccountId, AgentId, ApprovalId, SessionId, TurnId};
use roost_domain::page::{Limit, Page};
use roost_domain::policy::OnTimeout;
use roost_domain::subject::Subject;
use roost_domain::tool::ToolCallId;
use roost_ports::store::{ApprovalCursor, ApprovalFilter, Approvals, ApprovalsMut, EntryFilter, Error};
use rusqlite::params;
use uuid::Uuid;

use super::{Columns, LAST_ID, LAST_TIME, Noun, Tx, corrupt, failed, micros, noun, signed};
use crate::record::votes;

const APPROVAL: Noun = noun!("approval");
const ENTRY: Noun = noun!("approval's record");
const QUESTIONS: [Question; 2] = [Question::MayAct, Question::RunAgain];

impl Approvals for Tx<'_> {
    fn approval(&self, account: AccountId, id: ApprovalId) -> Result<Option<Approval>, Error> {
        self.first(
            APPROVAL,
            "select id, account_id, subject, agent_id, session_id, turn_id, call, run, triggered_by, question, tool,
                    parameters, summary, reason, risk, effect_hash, quorum, ttl, on_timeout, escalate_to, distinct_keys, status,
                    requested_at, expires_at, votes, escalated_at, escalated_by, escalated_to, decided_at, decided_by,
                    note, executed_at
             from approvals where id = $1 and account_id = $2",
            params![id.uuid().as_bytes(), account.uuid().as_bytes()],
            approval,
        )
    }

    fn approvals(
        &self,
        account: AccountId,
        filter: &ApprovalFilter,
        after: Option<ApprovalCursor>,
        limit: Limit,
    ) -> Result<Page<Approval, ApprovalCursor>, Error> {
        let status = filter.status.map(Status::name);
        let subject = filter.subject.as_ref().map(Subject::as_str);
        let (requested_at, id) = after
            .map_or((LAST_TIME, LAST_ID), |last| (micros(last.requested_at), last.id.uuid().into_bytes()));
        // One row more than asked for tells whether there is a next page.
        let mut rows = self.all(
            APPROVAL,
            "select id, account_id, subject, agent_id, session_id, turn_id, call, run, triggered_by, question, tool,
                    parameters, summary, reason, risk, effect_hash, quorum, ttl, on_timeout, escalate_to, distinct_keys, status,
                    requested_at, expires_at, votes, escalated_at, escalated_by, escalated_to, decided_at, decided_by,
                    note, executed_at
             from approvals
             where account_id = $1 and (requested_at, id) < ($2, $3)
               and ($4 is null or status = $4) and ($5 is null or subject = $5)
             order by requested_at desc, id desc limit $6",
            params![account.uuid().as_bytes(), requested_at, id, status, subject, i64::from(limit.get()) + 1],
            approval,
        )?;
        let more = rows.len() > limit.get() as usize;
        rows.truncate(limit.get() as usize);
        let next = rows
            .last()
            .filter(|_| more)
            .map(|last| ApprovalCursor { requested_at: last.requested_at, id: last.id });
        let total = self.count_approvals(account, filter)?;
        Ok(Page { rows, next, total })
    }

    fn approvals_after(
        &self,
        account: AccountId,
        filter: &ApprovalFilter,
        skip: u64,
        limit: Limit,
    ) -> Result<(Vec<Approval>, u64), Error> {
        let rows = self.all(
            APPROVAL,
            "select id, account_id, subject, agent_id, session_id, turn_id, call, run, triggered_by, question, tool,
                    parameters, summary, reason, risk, effect_hash, quorum, ttl, on_timeout, escalate_to, distinct_keys, status,
                    requested_at, expires_at, votes, escalated_at, escalated_by, escalated_to, decided_at, decided_by,
                    note, executed_at
             from approvals
             where account_id = $1 and ($2 is null or status = $2) and ($3 is null or subject = $3)
             order by requested_at desc, id desc limit $4 offset $5",
            params![
                account.uuid().as_bytes(),
                filter.status.map(Status::name),
                filter.subject.as_ref().map(Subject::as_str),
                limit.get(),
                signed(APPROVAL, skip)?,
            ],
            approval,
        )?;
        Ok((rows, self.count_approvals(account, filter)?))
    }

    fn approval_entries(
        &self,
        account: AccountId,
        filter: &EntryFilter,
        skip: u64,
        limit: Limit,
    ) -> Result<(Vec<Entry>, u64), Error> {
        let (from, to) = (filter.from.map_or(i64::MIN, micros), filter.to.map_or(i64::MAX, micros));
        let approval = filter.approval.map(|id| id.uuid().into_bytes());
        let subject = filter.subject.as_ref().map(Subject::as_str);
        let act = filter.act.map(Act::name);
        let rows = self.all(
            ENTRY,
            "select approval_id, subject, act, actor, detail, at
             from approval_entries
             where account_id = $1 and at between $2 and $3 and ($4 is null or approval_id = $4)
               and ($5 is null or subject = $5) and ($6 is null or act = $6)
             order by at desc, seq desc limit $7 offset $8",
            params![
                account.uuid().as_bytes(),
                from,
                to,
                approval,
                subject,
                act,
                limit.get(),
                signed(ENTRY, skip)?
            ],
            entry,
        )?;
        let total = self.only(
            ENTRY,
            "select count(*) from approval_entries
             where account_id = $1 and at between $2 and $3 and ($4 is null or approval_id = $4)
               and ($5 is null or subject = $5) and ($6 is null or act = $6)",
            params![account.uuid().as_bytes(), from, to, approval, subject, act],
            |columns| columns.count(),
        )?;
        Ok((rows, total))
    }

    fn turn_approvals(&self, turn: TurnId) -> Result<Vec<Approval>, Error> {
        // All of them, since what follows in the turn depends on each; the turn's rounds bound their number.
        self.all(
            APPROVAL,
            "select id, account_id, subject, agent_id, session_id, turn_id, call, run, triggered_by, question, tool,
                    parameters, summary, reason, risk, effect_hash, quorum, ttl, on_timeout, escalate_to, distinct_keys, status,
                    requested_at, expires_at, votes, escalated_at, escalated_by, escalated_to, decided_at, decided_by,
                    note, executed_at
             from approvals where turn_id = $1 order by requested_at, id",
            params![turn.uuid().as_bytes()],
            approval,
        )
    }

    fn overdue_approvals(&self, now: Timestamp, limit: Limit) -> Result<Vec<Approval>, Error> {
        self.all(
            APPROVAL,
            "select id, account_id, subject, agent_id, session_id, turn_id, call, run, triggered_by, question, tool,
                    parameters, summary, reason, risk, effect_hash, quorum, ttl, on_timeout, escalate_to, distinct_keys, status,
                    requested_at, expires_at, votes, escalated_at, escalated_by, escalated_to, decided_at, decided_by,
                    note, executed_at
             from approvals where status = 'pending' and expires_at <= $1 order by expires_at, id limit $2",
            params![micros(now), limit.get()],
            approval,
        )
    }
}

impl Tx<'_> {
    fn count_approvals(&self, account: AccountId, filter: &ApprovalFilter) -> Result<u64, Error> {
        self.only(
            APPROVAL,
            "select count(*) from approvals
             where account_id = $1 and ($2 is null or status = $2) and ($3 is null or subject = $3)",
            params![
                account.uuid().as_bytes(),
                filter.status.map(Status::name),
                filter.subject.as_ref().map(Subject::as_str),
            ],
            |columns| columns.count(),
        )
    }
}

impl ApprovalsMut for Tx<'_> {
    fn insert_approval(&mut self, approval: &Approval) -> Result<(), Error> {
        let waiting = approval.waiting.as_ref();
        let ttl = i64::try_from(approval.terms.ttl.as_micros()).unwrap_or(i64::MAX);
        let votes = votes::encode(&approval.votes).map_err(|error| failed(APPROVAL.writing, error))?;
        self.change_one(
            APPROVAL,
            "insert into approvals (
                 id, account_id, subject, agent_id, session_id, turn_id, call, run, triggered_by, question, tool,
                    parameters, summary, reason, risk, effect_hash, quorum, ttl, on_timeout, escalate_to, distinct_keys, status,
                    requested_at, expires_at, votes, escalated_at, escalated_by, escalated_to, decided_at, decided_by,
                    note, executed_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,
                     $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32)",
            params![
                approval.id.uuid().as_bytes(),
                approval.account.uuid().as_bytes(),
                approval.subject.as_str(),
                waiting.map(|waiting| waiting.agent.uuid().into_bytes()),
                waiting.map(|waiting| waiting.session.uuid().into_bytes()),
                waiting.map(|waiting| waiting.turn.uuid().into_bytes()),
                waiting.and_then(|waiting| waiting.call.as_ref()).map(ToolCallId::as_str),
                approval.context.run,
                approval.context.triggered_by,
                approval.question.name(),
                approval.tool,
                approval.parameters.to_string(),
                approval.summary,
                approval.reason,
                approval.risk.name(),
                approval.effect.0,
                approval.terms.quorum,
                ttl,
                approval.terms.on_timeout.name(),
                approval.terms.escalate_to,
                approval.terms.distinct_keys,
                approval.status.name(),
                micros(approval.requested_at),
                micros(approval.expires_at),
                votes,
                approval.escalated.as_ref().map(|escalation| micros(escalation.at)),
                approval.escalated.as_ref().and_then(|escalation| escalation.by.as_deref()),
                approval.escalated.as_ref().and_then(|escalation| escalation.to.as_deref()),
                approval.decided_at.map(micros),
                approval.decided_by,
                approval.note,
                approval.executed_at.map(micros),
            ],
        )
    }

    fn update_approval(&mut self, approval: &Approval) -> Result<(), Error> {
        let votes = votes::encode(&approval.votes).map_err(|error| failed(APPROVAL.writing, error))?;
        // What is asked and for which effect never changes; only how it ends.
        self.change_one(
            APPROVAL,
            "update approvals
             set status = $1, expires_at = $2, votes = $3, escalated_at = $4, escalated_by = $5, escalated_to = $6,
                 decided_at = $7, decided_by = $8, note = $9, executed_at = $10
             where id = $11 and account_id = $12",
            params![
                approval.status.name(),
                micros(approval.expires_at),
                votes,
                approval.escalated.as_ref().map(|escalation| micros(escalation.at)),
                approval.escalated.as_ref().and_then(|escalation| escalation.by.as_deref()),
                approval.escalated.as_ref().and_then(|escalation| escalation.to.as_deref()),
                approval.decided_at.map(micros),
                approval.decided_by,
                approval.note,
                approval.executed_at.map(micros),
                approval.id.uuid().as_bytes(),
                approval.account.uuid().as_bytes(),
            ],
        )
    }

    fn insert_approval_entry(&mut self, account: AccountId, entry: &Entry) -> Result<(), Error> {
        self.change_one(
            ENTRY,
            "insert into approval_entries (account_id, approval_id, subject, act, actor, detail, at)
             values ($1, $2, $3, $4, $5, $6, $7)",
            params![
                account.uuid().as_bytes(),
                entry.approval.uuid().as_bytes(),
                entry.subject.as_str(),
                entry.act.name(),
                entry.actor,
                entry.detail,
                micros(entry.at),
            ],
        )
    }
}

fn approval(columns: &mut Columns<'_>) -> Result<Approval, Error> {
    Ok(Approval {
        id: columns.id()?,
        account: columns.id()?,
        subject: columns.parsed()?,
        waiting: waiting(columns)?,
        context: Context { run: columns.take()?, triggered_by: columns.take()? },
        question: columns.named(&QUESTIONS, Question::name)?,
        tool: columns.take()?,
        parameters: columns.json()?,
        summary: columns.take()?,
        reason: columns.take()?,
        risk: columns.named(&Risk::ALL, Risk::name)?,
        effect: EffectHash(columns.take()?),
        terms: Terms {
            quorum: columns.take()?,
            ttl: Duration::from_micros(columns.count()?),
            on_timeout: columns.named(&OnTimeout::ALL, OnTimeout::name)?,
            escalate_to: columns.take()?,
            distinct_keys: columns.take()?,
        },
        status: columns.named(&Status::ALL, Status::name)?,
        requested_at: columns.time()?,
        expires_at: columns.time()?,
        votes: votes::decode(&columns.take::<String>()?).map_err(|error| corrupt(APPROVAL.name, error))?,
        escalated: escalation(columns)?,
        decided_at: columns.time_if_any()?,
        decided_by: columns.take()?,
        note: columns.take()?,
        executed_at: columns.time_if_any()?,
    })
}

fn waiting(columns: &mut Columns<'_>) -> Result<Option<Waiting>, Error> {
    let agent = columns.take::<Option<[u8; 16]>>()?.map(|id| AgentId::from_uuid(Uuid::from_bytes(id)));
    let session = columns.take::<Option<[u8; 16]>>()?.map(|id| SessionId::from_uuid(Uuid::from_bytes(id)));
    let turn = columns.take::<Option<[u8; 16]>>()?.map(|id| TurnId::from_uuid(Uuid::from_bytes(id)));
    let call = columns.take::<Option<String>>()?.map(ToolCallId::from_text);
    Ok(match (agent, session, turn) {
        (Some(agent), Some(session), Some(turn)) => Some(Waiting { agent, session, turn, call }),
        _ => None,
    })
}

fn escalation(columns: &mut Columns<'_>) -> Result<Option<Escalation>, Error> {
    let (at, by, to) = (columns.time_if_any()?, columns.take()?, columns.take()?);
    Ok(at.map(|at| Escalation { at, by, to }))
}

fn entry(columns: &mut Columns<'_>) -> Result<Entry, Error> {
    Ok(Entry {
        approval: columns.id()?,
        subject: columns.parsed()?,
        act: columns.named(&Act::ALL, Act::name)?,
        actor: columns.take()?,
        detail: columns.take()?,
        at: columns.time()?,
    })
}
