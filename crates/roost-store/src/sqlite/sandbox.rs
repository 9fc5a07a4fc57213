use std::time::Duration;

use jiff::Timestamp;
use roost_domain::id::{AccountId, SandboxId, SandboxRunId};
use roost_domain::page::{Limit, Page};
use roost_domain::sandbox::{
    Language, Mode, Output, Program, Run, RunStatus, Sandbox, Status, Violation, ViolationKind,
};
use roost_ports::store::{Error, SandboxCursor, Sandboxes, SandboxesMut};
use rusqlite::params;

use super::{Columns, LAST_ID, LAST_TIME, Noun, Tx, corrupt, failed, micros, noun, signed};
use crate::record;

const SANDBOX: Noun = noun!("sandbox");
const RUN: Noun = noun!("run of a sandbox");

impl Sandboxes for Tx<'_> {
    fn sandbox(&self, account: AccountId, id: SandboxId) -> Result<Option<Sandbox>, Error> {
        Ok(self.sandbox_of_any_account(id)?.filter(|sandbox| sandbox.account == account))
    }

    fn sandbox_of_any_account(&self, id: SandboxId) -> Result<Option<Sandbox>, Error> {
        self.first(
            SANDBOX,
            "select id, account_id, subject, mode, settings, status, created_at, expires_at, destroyed_at
             from sandboxes where id = $1",
            params![id.uuid().as_bytes()],
            sandbox,
        )
    }

    fn sandboxes(
        &self,
        account: AccountId,
        subject: Option<&str>,
        after: Option<SandboxCursor>,
        limit: Limit,
    ) -> Result<Page<Sandbox, SandboxCursor>, Error> {
        let account = account.uuid();
        let (created_at, id) =
            after.map_or((LAST_TIME, LAST_ID), |last| (micros(last.created_at), last.id.uuid().into_bytes()));
        // One row more than asked for tells whether there is a next page.
        let mut rows = self.all(
            SANDBOX,
            "select id, account_id, subject, mode, settings, status, created_at, expires_at, destroyed_at
             from sandboxes
             where account_id = $1 and (created_at, id) < ($2, $3) and ($4 is null or subject = $4)
             order by created_at desc, id desc limit $5",
            params![account.as_bytes(), created_at, id, subject, i64::from(limit.get()) + 1],
            sandbox,
        )?;
        let more = rows.len() > limit.get() as usize;
        rows.truncate(limit.get() as usize);
        let next = rows
            .last()
            .filter(|_| more)
            .map(|last| SandboxCursor { created_at: last.created_at, id: last.id });
        let total = self.only(
            SANDBOX,
            "select count(*) from sandboxes where account_id = $1 and ($2 is null or subject = $2)",
            params![account.as_bytes(), subject],
            |columns| columns.count(),
        )?;
        Ok(Page { rows, next, total })
    }

    fn live_sandboxes(&self, account: AccountId) -> Result<u64, Error> {
        self.only(
            SANDBOX,
            "select count(*) from sandboxes where account_id = $1 and destroyed_at is null",
            params![account.uuid().as_bytes()],
            |columns| columns.count(),
        )
    }

    fn overdue_sandboxes(&self, now: Timestamp, limit: Limit) -> Result<Vec<Sandbox>, Error> {
        self.all(
            SANDBOX,
            "select id, account_id, subject, mode, settings, status, created_at, expires_at, destroyed_at
             from sandboxes where destroyed_at is null and expires_at <= $1
             order by expires_at, id limit $2",
            params![micros(now), limit.get()],
            sandbox,
        )
    }

    fn sandbox_run(&self, account: AccountId, id: SandboxRunId) -> Result<Option<Run>, Error> {
        self.first(
            RUN,
            "select id, sandbox_id, account_id, language, code, timeout_ms, status, exit_code, stdout, stdout_cut,
                    stderr, stderr_cut, violation, violation_detail, created_at, started_at, finished_at
             from sandbox_runs where id = $1 and account_id = $2",
            params![id.uuid().as_bytes(), account.uuid().as_bytes()],
            run,
        )
    }

    fn open_sandbox_run(&self, sandbox: SandboxId) -> Result<Option<Run>, Error> {
        self.first(
            RUN,
            "select id, sandbox_id, account_id, language, code, timeout_ms, status, exit_code, stdout, stdout_cut,
                    stderr, stderr_cut, violation, violation_detail, created_at, started_at, finished_at
             from sandbox_runs where sandbox_id = $1 and finished_at is null",
            params![sandbox.uuid().as_bytes()],
            run,
        )
    }

    fn queued_sandbox_runs(&self, limit: Limit) -> Result<Vec<Run>, Error> {
        self.open_runs(RunStatus::Queued, limit)
    }

    fn running_sandbox_runs(&self, limit: Limit) -> Result<Vec<Run>, Error> {
        self.open_runs(RunStatus::Running, limit)
    }
}

impl Tx<'_> {
    fn open_runs(&self, status: RunStatus, limit: Limit) -> Result<Vec<Run>, Error> {
        self.all(
            RUN,
            "select id, sandbox_id, account_id, language, code, timeout_ms, status, exit_code, stdout, stdout_cut,
                    stderr, stderr_cut, violation, violation_detail, created_at, started_at, finished_at
             from sandbox_runs where status = $1 and finished_at is null
             order by position limit $2",
            params![status.name(), limit.get()],
            run,
        )
    }
}

impl SandboxesMut for Tx<'_> {
    fn insert_sandbox(&mut self, sandbox: &Sandbox) -> Result<(), Error> {
        let settings = record::sandbox::encode(&sandbox.settings);
        self.change_one(
            SANDBOX,
            "insert into sandboxes
                 (id, account_id, subject, mode, settings, status, created_at, expires_at, destroyed_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            params![
                sandbox.id.uuid().as_bytes(),
                sandbox.account.uuid().as_bytes(),
                sandbox.subject,
                sandbox.mode.name(),
                settings.map_err(|error| failed(SANDBOX.writing, error))?,
                sandbox.status.name(),
                micros(sandbox.created_at),
                micros(sandbox.expires_at),
                sandbox.destroyed_at.map(micros),
            ],
        )
    }

    fn update_sandbox(&mut self, sandbox: &Sandbox) -> Result<(), Error> {
        self.change_one(
            SANDBOX,
            "update sandboxes set status = $1, destroyed_at = $2 where id = $3 and account_id = $4",
            params![
                sandbox.status.name(),
                sandbox.destroyed_at.map(micros),
                sandbox.id.uuid().as_bytes(),
                sandbox.account.uuid().as_bytes(),
            ],
        )
    }

    fn insert_sandbox_run(&mut self, run: &Run) -> Result<(), Error> {
        let timeout_ms = u64::try_from(run.timeout.as_millis()).unwrap_or(u64::MAX);
        self.change_one(
            RUN,
            "insert into sandbox_runs
                 (id, sandbox_id, account_id, language, code, timeout_ms, status, exit_code, stdout, stdout_cut,
                  stderr, stderr_cut, violation, violation_detail, created_at, started_at, finished_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
            params![
                run.id.uuid().as_bytes(),
                run.sandbox.uuid().as_bytes(),
                run.account.uuid().as_bytes(),
                run.program.language.name(),
                run.program.code,
                signed(RUN, timeout_ms)?,
                run.status.name(),
                run.exit_code,
                run.stdout.text,
                run.stdout.cut,
                run.stderr.text,
                run.stderr.cut,
                run.violation.as_ref().map(|violation| violation.kind.name()),
                run.violation.as_ref().map(|violation| violation.detail.as_str()),
                micros(run.created_at),
                run.started_at.map(micros),
                run.finished_at.map(micros),
            ],
        )
    }

    fn update_sandbox_run(&mut self, run: &Run) -> Result<(), Error> {
        self.change_one(
            RUN,
            "update sandbox_runs
             set status = $1, exit_code = $2, stdout = $3, stdout_cut = $4, stderr = $5, stderr_cut = $6,
                 violation = $7, violation_detail = $8, started_at = $9, finished_at = $10
             where id = $11 and account_id = $12",
            params![
                run.status.name(),
                run.exit_code,
                run.stdout.text,
                run.stdout.cut,
                run.stderr.text,
                run.stderr.cut,
                run.violation.as_ref().map(|violation| violation.kind.name()),
                run.violation.as_ref().map(|violation| violation.detail.as_str()),
                run.started_at.map(micros),
                run.finished_at.map(micros),
                run.id.uuid().as_bytes(),
                run.account.uuid().as_bytes(),
            ],
        )
    }
}

fn sandbox(columns: &mut Columns<'_>) -> Result<Sandbox, Error> {
    Ok(Sandbox {
        id: columns.id()?,
        account: columns.id()?,
        subject: columns.take()?,
        mode: columns.named(&Mode::ALL, Mode::name)?,
        settings: record::sandbox::decode(&columns.take::<String>()?)
            .map_err(|error| corrupt(SANDBOX.name, error))?,
        status: columns.named(&Status::ALL, Status::name)?,
        created_at: columns.time()?,
        expires_at: columns.time()?,
        destroyed_at: columns.time_if_any()?,
    })
}

fn run(columns: &mut Columns<'_>) -> Result<Run, Error> {
    Ok(Run {
        id: columns.id::<SandboxRunId>()?,
        sandbox: columns.id()?,
        account: columns.id()?,
        program: Program { language: columns.named(&Language::ALL, Language::name)?, code: columns.take()? },
        timeout: Duration::from_millis(columns.count()?),
        status: columns.named(&RunStatus::ALL, RunStatus::name)?,
        exit_code: columns.take()?,
        stdout: Output { text: columns.take()?, cut: columns.take()? },
        stderr: Output { text: columns.take()?, cut: columns.take()? },
        violation: violation(columns)?,
        created_at: columns.time()?,
        started_at: columns.time_if_any()?,
        finished_at: columns.time_if_any()?,
    })
}

fn violation(columns: &mut Columns<'_>) -> Result<Option<Violation>, Error> {
    let kind = columns.take::<Option<String>>()?;
    let detail = columns.take::<Option<String>>()?;
    let read = |(kind, detail): (String, String)| {
        let kind = super::named(RUN.name, &kind, &ViolationKind::ALL, ViolationKind::name)?;
        Ok(Violation { kind, detail })
    };
    kind.zip(detail).map(read).transpose()
}
