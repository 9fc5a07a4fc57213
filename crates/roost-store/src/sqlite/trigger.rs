use jiff::Timestamp;
use roost_domain::event::Problem;
use roost_domain::id::{AccountId, AgentId, RunId, TriggerId};
use roost_domain::page::Limit;
use roost_domain::trigger::{Fire, Outcome, Standing};
use roost_ports::store::{Error, MessageHash, TRIGGERS_MAX, TriggerSecrets, Triggers, TriggersMut};
use roost_ports::vault::{KeyHash, Sealed};
use rusqlite::params;

use super::{Columns, Noun, Tx, corrupt, failed, micros, noun, signed};
use crate::record::trigger as record;

const TRIGGER: Noun = noun!("trigger");

impl Triggers for Tx<'_> {
    fn trigger_named(&self, agent: AgentId, name: &str) -> Result<Option<Standing>, Error> {
        self.first(
            TRIGGER,
            "select id, account_id, agent_id, name, settings, next_at, running, cursor, fired, failed,
                    last_due_at, last_at, last_run, last_problem, created_at
             from triggers where agent_id = $1 and name = $2",
            params![agent.uuid().as_bytes(), name],
            standing,
        )
    }

    fn trigger(&self, id: TriggerId) -> Result<Option<Standing>, Error> {
        self.first(
            TRIGGER,
            "select id, account_id, agent_id, name, settings, next_at, running, cursor, fired, failed,
                    last_due_at, last_at, last_run, last_problem, created_at
             from triggers where id = $1",
            params![id.uuid().as_bytes()],
            standing,
        )
    }

    fn triggers_of(&self, account: AccountId, agent: AgentId) -> Result<Vec<Standing>, Error> {
        self.all(
            TRIGGER,
            "select id, account_id, agent_id, name, settings, next_at, running, cursor, fired, failed,
                    last_due_at, last_at, last_run, last_problem, created_at
             from triggers where agent_id = $1 and account_id = $2 order by name limit $3",
            params![agent.uuid().as_bytes(), account.uuid().as_bytes(), TRIGGERS_MAX],
            standing,
        )
    }

    fn trigger_at(&self, token: &KeyHash) -> Result<Option<Standing>, Error> {
        self.first(
            TRIGGER,
            "select id, account_id, agent_id, name, settings, next_at, running, cursor, fired, failed,
                    last_due_at, last_at, last_run, last_problem, created_at
             from triggers where token_hash = $1",
            params![token.0],
            standing,
        )
    }

    fn trigger_secrets(&self, id: TriggerId) -> Result<Option<TriggerSecrets>, Error> {
        self.first(
            TRIGGER,
            "select token_hash, token, secret, secret_before, secret_before_until
             from triggers where id = $1 and token_hash is not null",
            params![id.uuid().as_bytes()],
            |columns| {
                let (token_hash, token, secret) =
                    (KeyHash(columns.take()?), Sealed(columns.take()?), Sealed(columns.take()?));
                let before: Option<Vec<u8>> = columns.take()?;
                let until = columns.time_if_any()?;
                Ok(TriggerSecrets { token_hash, token, secret, before: before.map(Sealed).zip(until) })
            },
        )
    }

    fn due_triggers(&self, now: Timestamp, limit: Limit) -> Result<Vec<TriggerId>, Error> {
        self.all(
            TRIGGER,
            "select id from triggers where next_at is not null and next_at <= $1 order by next_at, id limit $2",
            params![micros(now), limit.get()],
            |columns| columns.id(),
        )
    }

    fn next_trigger_at(&self) -> Result<Option<Timestamp>, Error> {
        self.only(TRIGGER, "select min(next_at) from triggers where next_at is not null", [], |columns| {
            columns.time_if_any()
        })
    }

    fn trigger_after(&self, run: RunId) -> Result<Option<Standing>, Error> {
        self.first(
            TRIGGER,
            "select id, account_id, agent_id, name, settings, next_at, running, cursor, fired, failed,
                    last_due_at, last_at, last_run, last_problem, created_at
             from triggers where running = $1",
            params![run.uuid().as_bytes()],
            standing,
        )
    }

    fn waiting_triggers(
        &self,
        after: Option<TriggerId>,
        limit: Limit,
    ) -> Result<Vec<(TriggerId, RunId)>, Error> {
        let after = after.map(|id| id.uuid().into_bytes());
        self.all(
            TRIGGER,
            "select id, running from triggers
             where running is not null and ($1 is null or id > $1) order by id limit $2",
            params![after, limit.get()],
            |columns| Ok((columns.id()?, columns.id()?)),
        )
    }

    fn trigger_fires(&self, id: TriggerId, limit: Limit) -> Result<Vec<Fire>, Error> {
        self.all(
            TRIGGER,
            "select due_at, at, run_id, problem from trigger_fires
             where trigger_id = $1 order by due_at desc limit $2",
            params![id.uuid().as_bytes(), limit.get()],
            |columns| {
                let (due_at, at) = (columns.time()?, columns.time()?);
                Ok(Fire { due_at, at, outcome: outcome(columns.id_if_any()?, columns.take()?)? })
            },
        )
    }

    fn has_fired(&self, id: TriggerId, due_at: Timestamp) -> Result<bool, Error> {
        self.only(
            TRIGGER,
            "select exists (select 1 from trigger_fires where trigger_id = $1 and due_at = $2)",
            params![id.uuid().as_bytes(), micros(due_at)],
            |columns| columns.take(),
        )
    }

    fn run_of_message(&self, id: TriggerId, message: &MessageHash) -> Result<Option<RunId>, Error> {
        self.first(
            TRIGGER,
            "select run_id from trigger_messages where trigger_id = $1 and message = $2",
            params![id.uuid().as_bytes(), message.0],
            |columns| columns.id(),
        )
    }
}

impl TriggersMut for Tx<'_> {
    fn insert_trigger(&mut self, trigger: &Standing) -> Result<(), Error> {
        let row = Row::new(trigger)?;
        self.change_one(
            TRIGGER,
            "insert into triggers (
                 id, account_id, agent_id, name, settings, next_at, running, cursor, fired, failed,
                 last_due_at, last_at, last_run, last_problem, created_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
            params![
                trigger.id.uuid().as_bytes(),
                trigger.account.uuid().as_bytes(),
                trigger.agent.uuid().as_bytes(),
                trigger.trigger.name,
                row.settings,
                row.next_at,
                row.running,
                row.cursor,
                row.fired,
                row.failed,
                row.last.due_at,
                row.last.at,
                row.last.run,
                row.last.problem,
                micros(trigger.created_at),
            ],
        )
    }

    fn update_trigger(&mut self, trigger: &Standing) -> Result<(), Error> {
        let row = Row::new(trigger)?;
        self.change_one(
            TRIGGER,
            "update triggers
             set settings = $1, next_at = $2, running = $3, cursor = $4, fired = $5, failed = $6,
                 last_due_at = $7, last_at = $8, last_run = $9, last_problem = $10
             where id = $11 and account_id = $12",
            params![
                row.settings,
                row.next_at,
                row.running,
                row.cursor,
                row.fired,
                row.failed,
                row.last.due_at,
                row.last.at,
                row.last.run,
                row.last.problem,
                trigger.id.uuid().as_bytes(),
                trigger.account.uuid().as_bytes(),
            ],
        )
    }

    fn put_trigger_secrets(&mut self, id: TriggerId, secrets: Option<&TriggerSecrets>) -> Result<(), Error> {
        let before = secrets.and_then(|secrets| secrets.before.as_ref());
        self.change_one(
            TRIGGER,
            "update triggers
             set token_hash = $1, token = $2, secret = $3, secret_before = $4, secret_before_until = $5
             where id = $6",
            params![
                secrets.map(|secrets| secrets.token_hash.0),
                secrets.map(|secrets| secrets.token.0.as_slice()),
                secrets.map(|secrets| secrets.secret.0.as_slice()),
                before.map(|(secret, _)| secret.0.as_slice()),
                before.map(|(_, until)| micros(*until)),
                id.uuid().as_bytes(),
            ],
        )
    }

    fn delete_trigger(&mut self, id: TriggerId) -> Result<(), Error> {
        for sql in [
            "delete from trigger_fires where trigger_id = $1",
            "delete from trigger_messages where trigger_id = $1",
            "delete from triggers where id = $1",
        ] {
            self.change(TRIGGER, sql, params![id.uuid().as_bytes()])?;
        }
        Ok(())
    }

    fn insert_fire(&mut self, id: TriggerId, fire: &Fire) -> Result<(), Error> {
        let last = Last::new(Some(fire))?;
        self.change_one(
            TRIGGER,
            "insert into trigger_fires (trigger_id, due_at, at, run_id, problem) values ($1, $2, $3, $4, $5)",
            params![id.uuid().as_bytes(), last.due_at, last.at, last.run, last.problem],
        )
    }

    fn insert_message(
        &mut self,
        id: TriggerId,
        message: &MessageHash,
        run: RunId,
        at: Timestamp,
    ) -> Result<(), Error> {
        self.change_one(
            TRIGGER,
            "insert into trigger_messages (trigger_id, message, run_id, at) values ($1, $2, $3, $4)",
            params![id.uuid().as_bytes(), message.0, run.uuid().as_bytes(), micros(at)],
        )
    }

    fn release_messages(&mut self, id: TriggerId, at: Timestamp) -> Result<(), Error> {
        self.change(
            TRIGGER,
            "update trigger_messages set at = $1 where trigger_id = $2 and at = $3",
            params![micros(at), id.uuid().as_bytes(), micros(Timestamp::MAX)],
        )?;
        Ok(())
    }

    fn forget_fires(&mut self, before: Timestamp, max: Limit) -> Result<u64, Error> {
        let fires = self.change(
            TRIGGER,
            "delete from trigger_fires where (trigger_id, due_at) in (
                 select trigger_id, due_at from trigger_fires where at < $1 order by at limit $2)",
            params![micros(before), max.get()],
        )?;
        let messages = self.change(
            TRIGGER,
            "delete from trigger_messages where (trigger_id, message) in (
                 select trigger_id, message from trigger_messages where at < $1 order by at limit $2)",
            params![micros(before), max.get()],
        )?;
        Ok((fires + messages) as u64)
    }
}

impl Tx<'_> {
    /// Removes the triggers of an agent with all that is known of them.
    pub(super) fn delete_triggers(&self, agent: AgentId) -> Result<(), Error> {
        for sql in [
            "delete from trigger_fires where trigger_id in (select id from triggers where agent_id = $1)",
            "delete from trigger_messages where trigger_id in (select id from triggers where agent_id = $1)",
            "delete from triggers where agent_id = $1",
        ] {
            self.change(TRIGGER, sql, params![agent.uuid().as_bytes()])?;
        }
        Ok(())
    }
}

/// What changes of a trigger, as columns.
struct Row {
    settings: String,
    next_at: Option<i64>,
    running: Option<[u8; 16]>,
    cursor: Option<String>,
    fired: i64,
    failed: i64,
    last: Last,
}

impl Row {
    fn new(trigger: &Standing) -> Result<Self, Error> {
        Ok(Self {
            settings: record::encode(&trigger.trigger).map_err(|error| failed(TRIGGER.writing, error))?,
            next_at: trigger.next_at.map(micros),
            running: trigger.running.map(|run| run.uuid().into_bytes()),
            cursor: trigger.cursor.as_ref().map(ToString::to_string),
            fired: signed(TRIGGER, trigger.fired)?,
            failed: signed(TRIGGER, trigger.failed)?,
            last: Last::new(trigger.last.as_ref())?,
        })
    }
}

/// A fire, as columns.
struct Last {
    due_at: Option<i64>,
    at: Option<i64>,
    run: Option<[u8; 16]>,
    problem: Option<String>,
}

impl Last {
    fn new(fire: Option<&Fire>) -> Result<Self, Error> {
        let (run, problem) = match fire.map(|fire| &fire.outcome) {
            None => (None, None),
            Some(Outcome::Begun(run)) => (Some(run.uuid().into_bytes()), None),
            Some(Outcome::NotBegun(problem)) => {
                let text = record::encode_problem(problem).map_err(|error| failed(TRIGGER.writing, error))?;
                (None, Some(text))
            }
        };
        let (due_at, at) = (fire.map(|fire| micros(fire.due_at)), fire.map(|fire| micros(fire.at)));
        Ok(Self { due_at, at, run, problem })
    }
}

fn standing(columns: &mut Columns<'_>) -> Result<Standing, Error> {
    Ok(Standing {
        id: columns.id()?,
        account: columns.id()?,
        agent: columns.id()?,
        trigger: {
            let (name, settings): (String, String) = (columns.take()?, columns.take()?);
            record::decode(name, &settings).map_err(|error| corrupt(TRIGGER.name, error))?
        },
        next_at: columns.time_if_any()?,
        running: columns.id_if_any()?,
        cursor: {
            let text: Option<String> = columns.take()?;
            let read = |text: String| serde_json::from_str(&text);
            text.map(read).transpose().map_err(|error| corrupt(TRIGGER.name, error))?
        },
        fired: columns.count()?,
        failed: columns.count()?,
        last: {
            let times = columns.time_if_any()?.zip(columns.time_if_any()?);
            let (run, problem) = (columns.id_if_any()?, columns.take()?);
            let fire = |(due_at, at)| Ok::<_, Error>(Fire { due_at, at, outcome: outcome(run, problem)? });
            times.map(fire).transpose()?
        },
        created_at: columns.time()?,
    })
}

fn outcome(run: Option<RunId>, problem: Option<String>) -> Result<Outcome, Error> {
    match (run, problem) {
        (Some(run), None) => Ok(Outcome::Begun(run)),
        (None, Some(text)) => {
            let problem: Problem =
                record::decode_problem(&text).map_err(|error| corrupt(TRIGGER.name, error))?;
            Ok(Outcome::NotBegun(problem))
        }
        (Some(_), Some(_)) | (None, None) => Err(corrupt(TRIGGER.name, "a fire came to a run or to none")),
    }
}
