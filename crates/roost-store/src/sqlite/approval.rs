use jiff::Timestamp;
use roost_domain::approval::{Approval, Question, Status};
use roost_domain::effect::EffectHash;
use roost_domain::id::{AccountId, ApprovalId, TurnId};
use roost_domain::page::{Limit, Page};
use roost_domain::tool::ToolCallId;
use roost_ports::store::{ApprovalCursor, ApprovalFilter, Approvals, ApprovalsMut, Error};
use rusqlite::params;

use super::{Columns, LAST_ID, LAST_TIME, Noun, Tx, micros, noun};

const APPROVAL: Noun = noun!("approval");
const QUESTIONS: [Question; 2] = [Question::MayAct, Question::RunAgain];

impl Approvals for Tx<'_> {
    fn approval(&self, account: AccountId, id: ApprovalId) -> Result<Option<Approval>, Error> {
        self.first(
            APPROVAL,
            "select id, account_id, agent_id, session_id, turn_id, call, question, summary, reason, effect_hash,
                    status, requested_at, expires_at, decided_at, decided_by, note
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
        let account = account.uuid();
        let status = filter.status.map(Status::name);
        let agent = filter.agent.map(|agent| agent.uuid().into_bytes());
        let (requested_at, id) = after
            .map_or((LAST_TIME, LAST_ID), |last| (micros(last.requested_at), last.id.uuid().into_bytes()));
        // One row more than asked for tells whether there is a next page.
        let mut rows = self.all(
            APPROVAL,
            "select id, account_id, agent_id, session_id, turn_id, call, question, summary, reason, effect_hash,
                    status, requested_at, expires_at, decided_at, decided_by, note
             from approvals
             where account_id = $1 and (requested_at, id) < ($2, $3)
               and ($4 is null or status = $4) and ($5 is null or agent_id = $5)
             order by requested_at desc, id desc limit $6",
            params![account.as_bytes(), requested_at, id, status, agent, i64::from(limit.get()) + 1],
            approval,
        )?;
        let more = rows.len() > limit.get() as usize;
        rows.truncate(limit.get() as usize);
        let next = rows
            .last()
            .filter(|_| more)
            .map(|last| ApprovalCursor { requested_at: last.requested_at, id: last.id });
        let total = self.only(
            APPROVAL,
            "select count(*) from approvals
             where account_id = $1 and ($2 is null or status = $2) and ($3 is null or agent_id = $3)",
            params![account.as_bytes(), status, agent],
            |columns| columns.count(),
        )?;
        Ok(Page { rows, next, total })
    }

    fn turn_approvals(&self, turn: TurnId) -> Result<Vec<Approval>, Error> {
        // All of them, since what follows in the turn depends on each; the turn's rounds bound their number.
        self.all(
            APPROVAL,
            "select id, account_id, agent_id, session_id, turn_id, call, question, summary, reason, effect_hash,
                    status, requested_at, expires_at, decided_at, decided_by, note
             from approvals where turn_id = $1 order by requested_at, id",
            params![turn.uuid().as_bytes()],
            approval,
        )
    }

    fn overdue_approvals(&self, now: Timestamp, limit: Limit) -> Result<Vec<Approval>, Error> {
        self.all(
            APPROVAL,
            "select id, account_id, agent_id, session_id, turn_id, call, question, summary, reason, effect_hash,
                    status, requested_at, expires_at, decided_at, decided_by, note
             from approvals where status = 'pending' and expires_at <= $1 order by expires_at, id limit $2",
            params![micros(now), limit.get()],
            approval,
        )
    }
}

impl ApprovalsMut for Tx<'_> {
    fn insert_approval(&mut self, approval: &Approval) -> Result<(), Error> {
        self.change_one(
            APPROVAL,
            "insert into approvals (
                 id, account_id, agent_id, session_id, turn_id, call, question, summary, reason, effect_hash,
                 status, requested_at, expires_at, decided_at, decided_by, note)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
            params![
                approval.id.uuid().as_bytes(),
                approval.account.uuid().as_bytes(),
                approval.agent.uuid().as_bytes(),
                approval.session.uuid().as_bytes(),
                approval.turn.uuid().as_bytes(),
                approval.call.as_ref().map(ToolCallId::as_str),
                approval.question.name(),
                approval.summary,
                approval.reason,
                approval.effect.0,
                approval.status.name(),
                micros(approval.requested_at),
                micros(approval.expires_at),
                approval.decided_at.map(micros),
                approval.decided_by,
                approval.note,
            ],
        )
    }

    fn update_approval(&mut self, approval: &Approval) -> Result<(), Error> {
        // What is asked and for which effect never changes; only how it ends.
        self.change_one(
            APPROVAL,
            "update approvals
             set status = $1, expires_at = $2, decided_at = $3, decided_by = $4, note = $5
             where id = $6 and account_id = $7",
            params![
                approval.status.name(),
                micros(approval.expires_at),
                approval.decided_at.map(micros),
                approval.decided_by,
                approval.note,
                approval.id.uuid().as_bytes(),
                approval.account.uuid().as_bytes(),
            ],
        )
    }
}

fn approval(columns: &mut Columns<'_>) -> Result<Approval, Error> {
    Ok(Approval {
        id: columns.id()?,
        account: columns.id()?,
        agent: columns.id()?,
        session: columns.id()?,
        turn: columns.id()?,
        call: columns.take::<Option<String>>()?.map(ToolCallId::from_text),
        question: columns.named(&QUESTIONS, Question::name)?,
        summary: columns.take()?,
        reason: columns.take()?,
        effect: EffectHash(columns.take()?),
        status: columns.named(&Status::ALL, Status::name)?,
        requested_at: columns.time()?,
        expires_at: columns.time()?,
        decided_at: columns.time_if_any()?,
        decided_by: columns.take()?,
        note: columns.take()?,
    })
}
