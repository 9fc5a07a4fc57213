use jiff::Timestamp;
use roost_domain::event::Offset;
use roost_domain::id::{AccountId, AgentId, FormId, RunId, SessionId, TurnId};
use roost_domain::model::Usage;
use roost_domain::page::{Limit, Page};
use roost_domain::run::{Cause, Entry, Run, RunEvent, Status};
use roost_domain::session::Peer;
use roost_domain::unit::{MicroUsd, Tokens};
use roost_ports::store::{
    Error, FormStatus, KeptForm, KeptRun, RunCursor, RunFilter, RunProgress, Runs, RunsMut,
};
use rusqlite::params;

use super::{Columns, LAST_ID, LAST_TIME, Noun, Tx, corrupt, failed, micros, noun, signed};
use crate::record;

const RUN: Noun = noun!("run");
const ENTRY: Noun = noun!("run's log");
const FORM: Noun = noun!("form");

impl Runs for Tx<'_> {
    fn run(&self, account: AccountId, agent: AgentId, id: RunId) -> Result<Option<KeptRun>, Error> {
        let found = self.run_of_any_account(id)?;
        Ok(found.filter(|kept| kept.run.account == account && kept.run.agent == agent))
    }

    fn run_of_any_account(&self, id: RunId) -> Result<Option<KeptRun>, Error> {
        self.first(
            RUN,
            "select id, account_id, agent_id, version, status, trigger, trigger_kind, started_by, of_run, created_at,
                    started_at, ended_at, spent, input_tokens, cached_tokens, cache_written_tokens, output_tokens,
                    last_offset, due_at, reserved
             from runs where id = $1",
            params![id.uuid().as_bytes()],
            kept,
        )
    }

    fn runs(
        &self,
        filter: &RunFilter,
        after: Option<&RunCursor>,
        limit: Limit,
    ) -> Result<Page<Run, RunCursor>, Error> {
        let (time, id) = after
            .map_or((LAST_TIME, LAST_ID), |after| (micros(after.created_at), after.id.uuid().into_bytes()));
        // One row more than asked for tells whether there is a next page.
        let mut rows = self.all(
            RUN,
            "select id, account_id, agent_id, version, status, trigger, trigger_kind, started_by, of_run, created_at,
                    started_at, ended_at, spent, input_tokens, cached_tokens, cache_written_tokens, output_tokens
             from runs
             where agent_id = $1 and ($2 is null or status in ($2, $3)) and (created_at, id) < ($4, $5)
             order by created_at desc, id desc limit $6",
            params![
                filter.agent.uuid().as_bytes(),
                filter.status.map(Status::name),
                or_queued(filter),
                time,
                id,
                i64::from(limit.get()) + 1,
            ],
            run,
        )?;
        let more = rows.len() > limit.get() as usize;
        rows.truncate(limit.get() as usize);
        let cursor = |run: &Run| RunCursor { created_at: run.created_at, id: run.id };
        let next = rows.last().filter(|_| more).map(cursor);
        Ok(Page { rows, next, total: self.run_total(filter)? })
    }

    fn runs_from(&self, filter: &RunFilter, skip: u64, limit: Limit) -> Result<(Vec<Run>, u64), Error> {
        let rows = self.all(
            RUN,
            "select id, account_id, agent_id, version, status, trigger, trigger_kind, started_by, of_run, created_at,
                    started_at, ended_at, spent, input_tokens, cached_tokens, cache_written_tokens, output_tokens
             from runs
             where agent_id = $1 and ($2 is null or status in ($2, $3))
             order by created_at desc, id desc limit $4 offset $5",
            params![
                filter.agent.uuid().as_bytes(),
                filter.status.map(Status::name),
                or_queued(filter),
                limit.get(),
                i64::try_from(skip).unwrap_or(i64::MAX),
            ],
            run,
        )?;
        Ok((rows, self.run_total(filter)?))
    }

    fn run_entries(&self, run: RunId, after: Offset, limit: Limit) -> Result<Vec<Entry>, Error> {
        self.all(
            ENTRY,
            "select run_offset, at, body from run_events where run_id = $1 and run_offset > $2
             order by run_offset limit $3",
            params![run.uuid().as_bytes(), i64::try_from(after.0).unwrap_or(i64::MAX), limit.get()],
            |columns| {
                let (offset, at) = (Offset(columns.count()?), columns.time()?);
                let event = record::run::decode(&columns.take::<String>()?);
                Ok(Entry { run, offset, at, event: event.map_err(|error| corrupt(ENTRY.name, error))? })
            },
        )
    }

    fn due_runs(&self, by: Timestamp, limit: Limit) -> Result<Vec<KeptRun>, Error> {
        self.all(
            RUN,
            "select id, account_id, agent_id, version, status, trigger, trigger_kind, started_by, of_run, created_at,
                    started_at, ended_at, spent, input_tokens, cached_tokens, cache_written_tokens, output_tokens,
                    last_offset, due_at, reserved
             from runs where due_at <= $1 order by due_at limit $2",
            params![micros(by), limit.get()],
            kept,
        )
    }

    fn next_run_at(&self) -> Result<Option<Timestamp>, Error> {
        self.only(RUN, "select min(due_at) from runs where due_at is not null", params![], |columns| {
            columns.time_if_any()
        })
    }

    fn count_runs(&self, agent: AgentId, status: Status, most: u32) -> Result<u32, Error> {
        self.only(
            RUN,
            "select count(*) from (select 1 from runs where agent_id = $1 and status = $2 limit $3) as few",
            params![agent.uuid().as_bytes(), status.name(), most],
            |columns| columns.take(),
        )
    }

    fn queued_runs(&self, agent: AgentId, limit: Limit) -> Result<Vec<KeptRun>, Error> {
        self.all(
            RUN,
            "select id, account_id, agent_id, version, status, trigger, trigger_kind, started_by, of_run, created_at,
                    started_at, ended_at, spent, input_tokens, cached_tokens, cache_written_tokens, output_tokens,
                    last_offset, due_at, reserved
             from runs where agent_id = $1 and status = 'queued' order by created_at, id limit $2",
            params![agent.uuid().as_bytes(), limit.get()],
            kept,
        )
    }

    fn form(&self, id: FormId) -> Result<Option<KeptForm>, Error> {
        self.first(
            FORM,
            "select id, run_id, step, status, opened_at, expires_at, closed_at from forms where id = $1",
            params![id.uuid().as_bytes()],
            form,
        )
    }

    fn forms_of(&self, run: RunId, status: Option<FormStatus>, limit: Limit) -> Result<Vec<KeptForm>, Error> {
        self.all(
            FORM,
            "select id, run_id, step, status, opened_at, expires_at, closed_at
             from forms where run_id = $1 and ($2 is null or status = $2) order by opened_at, id limit $3",
            params![run.uuid().as_bytes(), status.map(FormStatus::name), limit.get()],
            form,
        )
    }

    fn open_turns_of_run(&self, run: RunId) -> Result<Vec<(TurnId, SessionId)>, Error> {
        self.all(
            RUN,
            "select id, session_id from turns where run_id = $1 and phase in ('queued', 'active', 'waiting')
             order by position limit 10000",
            params![run.uuid().as_bytes()],
            |columns| Ok((columns.id()?, columns.id()?)),
        )
    }
}

impl RunsMut for Tx<'_> {
    fn insert_run(&mut self, kept: &KeptRun) -> Result<(), Error> {
        let run = &kept.run;
        self.change_one(
            RUN,
            "insert into runs (
                 id, account_id, agent_id, version, status, trigger, trigger_kind, started_by, of_run, created_at,
                 started_at, ended_at, spent, input_tokens, cached_tokens, cache_written_tokens, output_tokens,
                 last_offset, due_at, reserved)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)",
            params![
                run.id.uuid().as_bytes(),
                run.account.uuid().as_bytes(),
                run.agent.uuid().as_bytes(),
                signed(RUN, run.version)?,
                run.status.name(),
                run.cause.trigger,
                run.cause.kind,
                run.cause.by,
                run.cause.of.map(|of| of.uuid().into_bytes()),
                micros(run.created_at),
                run.started_at.map(micros),
                run.ended_at.map(micros),
                run.cost.0,
                signed(RUN, run.usage.input.0)?,
                signed(RUN, run.usage.cached.0)?,
                signed(RUN, run.usage.cache_written.0)?,
                signed(RUN, run.usage.output.0)?,
                signed(RUN, kept.offset.0)?,
                kept.due_at.map(micros),
                kept.reserved.0,
            ],
        )
    }

    fn append_run(&mut self, run: RunId, at: Timestamp, events: &[RunEvent]) -> Result<Offset, Error> {
        let bytes = run.uuid();
        let last = self.first(
            RUN,
            "update runs set last_offset = last_offset + $1 where id = $2 returning last_offset",
            params![signed(RUN, events.len() as u64)?, bytes.as_bytes()],
            |columns| columns.count(),
        )?;
        let last = last.ok_or_else(|| failed(RUN.writing, rusqlite::Error::QueryReturnedNoRows))?;
        for (offset, event) in (last + 1 - events.len() as u64..).zip(events) {
            self.change_one(
                ENTRY,
                "insert into run_events (run_id, run_offset, at, body) values ($1, $2, $3, $4)",
                params![
                    bytes.as_bytes(),
                    signed(ENTRY, offset)?,
                    micros(at),
                    record::run::encode(event).map_err(|error| failed(ENTRY.writing, error))?,
                ],
            )?;
        }
        Ok(Offset(last))
    }

    fn set_run_progress(&mut self, run: RunId, progress: &RunProgress) -> Result<(), Error> {
        let RunProgress { status, started_at, ended_at, due_at, usage } = progress;
        self.change_one(
            RUN,
            "update runs
             set status = $1, started_at = $2, ended_at = $3, due_at = $4, input_tokens = $5, cached_tokens = $6,
                 cache_written_tokens = $7, output_tokens = $8
             where id = $9",
            params![
                status.name(),
                started_at.map(micros),
                ended_at.map(micros),
                due_at.map(micros),
                signed(RUN, usage.input.0)?,
                signed(RUN, usage.cached.0)?,
                signed(RUN, usage.cache_written.0)?,
                signed(RUN, usage.output.0)?,
                run.uuid().as_bytes(),
            ],
        )
    }

    fn wake_run(&mut self, run: RunId, at: Timestamp) -> Result<(), Error> {
        self.change(
            RUN,
            "update runs set due_at = min(coalesce(due_at, $1), $1)
             where id = $2 and status in ('queued', 'running', 'waiting-for-input')",
            params![micros(at), run.uuid().as_bytes()],
        )
        .map(|_rows| ())
    }

    fn wake_runs_of(&mut self, agent: AgentId, at: Timestamp) -> Result<u64, Error> {
        let woken = self.change(
            RUN,
            "update runs set due_at = min(coalesce(due_at, $1), $1)
             where agent_id = $2 and status in ('queued', 'running', 'waiting-for-input')",
            params![micros(at), agent.uuid().as_bytes()],
        )?;
        Ok(woken as u64)
    }

    fn reserve_of_run(&mut self, run: RunId, amount: MicroUsd) -> Result<(), Error> {
        self.change_one(
            RUN,
            "update runs set reserved = reserved + $1 where id = $2",
            params![amount.0, run.uuid().as_bytes()],
        )
    }

    fn settle_of_run(&mut self, run: RunId, reserved: MicroUsd, spent: MicroUsd) -> Result<(), Error> {
        self.change(
            RUN,
            "update runs set reserved = reserved - $1, spent = spent + $2 where id = $3",
            params![reserved.0, spent.0, run.uuid().as_bytes()],
        )
        .map(|_rows| ())
    }

    fn insert_form(&mut self, form: &KeptForm) -> Result<(), Error> {
        self.change_one(
            FORM,
            "insert into forms (id, run_id, step, status, opened_at, expires_at, closed_at)
             values ($1, $2, $3, $4, $5, $6, $7)",
            params![
                form.id.uuid().as_bytes(),
                form.run.uuid().as_bytes(),
                form.step.to_string(),
                form.status.name(),
                micros(form.opened_at),
                form.expires_at.map(micros),
                form.closed_at.map(micros),
            ],
        )
    }

    fn close_form(&mut self, id: FormId, status: FormStatus, at: Timestamp) -> Result<bool, Error> {
        let closed = self.change(
            FORM,
            "update forms set status = $1, closed_at = $2 where id = $3 and status = 'open'",
            params![status.name(), micros(at), id.uuid().as_bytes()],
        )?;
        Ok(closed > 0)
    }

    fn delete_run(&mut self, account: AccountId, agent: AgentId, id: RunId) -> Result<bool, Error> {
        if self.run(account, agent, id)?.is_none() {
            return Ok(false);
        }
        let peer = Peer::Run(id).to_string();
        let said = [
            "delete from secret_uses
             where turn_id in (
                 select turns.id from turns
                 where session_id in (select sessions.id from sessions where agent_id = $1 and peer = $2))",
            "delete from approvals
             where session_id in (select id from sessions where agent_id = $1 and peer = $2)",
            "delete from turns
             where session_id in (select id from sessions where agent_id = $1 and peer = $2)",
            "delete from events
             where session_id in (select id from sessions where agent_id = $1 and peer = $2)",
            "delete from sessions where agent_id = $1 and peer = $2",
        ];
        for sql in said {
            self.change(RUN, sql, params![agent.uuid().as_bytes(), peer])?;
        }
        let id = id.uuid();
        self.change(FORM, "delete from forms where run_id = $1", params![id.as_bytes()])?;
        self.change(ENTRY, "delete from run_events where run_id = $1", params![id.as_bytes()])?;
        self.change_one(RUN, "delete from runs where id = $1", params![id.as_bytes()])?;
        Ok(true)
    }
}

impl Tx<'_> {
    fn run_total(&self, filter: &RunFilter) -> Result<u64, Error> {
        self.only(
            RUN,
            "select count(*) from runs where agent_id = $1 and ($2 is null or status in ($2, $3))",
            params![filter.agent.uuid().as_bytes(), filter.status.map(Status::name), or_queued(filter)],
            |columns| columns.count(),
        )
    }
}

/// Returns the other status that a list may hold, or the same once more.
fn or_queued(filter: &RunFilter) -> Option<&'static str> {
    let other = if filter.or_queued { Some(Status::Queued) } else { filter.status };
    other.map(Status::name)
}

fn run(columns: &mut Columns<'_>) -> Result<Run, Error> {
    Ok(Run {
        id: columns.id()?,
        account: columns.id()?,
        agent: columns.id()?,
        version: columns.count()?,
        status: columns.named(&Status::ALL, Status::name)?,
        cause: Cause {
            trigger: columns.take()?,
            kind: columns.named(&Cause::KINDS, |kind| kind)?,
            by: columns.take()?,
            of: columns.id_if_any()?,
        },
        created_at: columns.time()?,
        started_at: columns.time_if_any()?,
        ended_at: columns.time_if_any()?,
        cost: MicroUsd(columns.take()?),
        usage: Usage {
            input: Tokens(columns.count()?),
            cached: Tokens(columns.count()?),
            cache_written: Tokens(columns.count()?),
            output: Tokens(columns.count()?),
        },
    })
}

fn kept(columns: &mut Columns<'_>) -> Result<KeptRun, Error> {
    Ok(KeptRun {
        run: run(columns)?,
        offset: Offset(columns.count()?),
        due_at: columns.time_if_any()?,
        reserved: MicroUsd(columns.take()?),
    })
}

fn form(columns: &mut Columns<'_>) -> Result<KeptForm, Error> {
    Ok(KeptForm {
        id: columns.id()?,
        run: columns.id()?,
        step: columns.parsed()?,
        status: columns.named(&FormStatus::ALL, FormStatus::name)?,
        opened_at: columns.time()?,
        expires_at: columns.time_if_any()?,
        closed_at: columns.time_if_any()?,
    })
}
