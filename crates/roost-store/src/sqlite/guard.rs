use jiff::Timestamp;
use roost_domain::id::{AccountId, ApprovalId, KeyId, SessionId, TurnId};
use roost_domain::page::Limit;
use roost_domain::plan::Metered;
use roost_domain::policy::{Ruling, Version};
use roost_domain::subject::Subject;
use roost_domain::taint::Taint;
use roost_ports::store::{DecisionEntry, DecisionFilter, Edition, Error, Guards, GuardsMut, Kept};
use rusqlite::params;
use uuid::Uuid;

use super::{Columns, Noun, Tx, corrupt, micros, named, noun, signed};

const EDITION: Noun = noun!("version of a policy or of permissions");
const DECISION: Noun = noun!("decision");
const METER: Noun = noun!("meter");
const TAINT: Noun = noun!("session's taint");

impl Guards for Tx<'_> {
    fn latest_version(
        &self,
        account: AccountId,
        subject: &Subject,
        kept: Kept,
    ) -> Result<Option<(Version, Timestamp)>, Error> {
        self.first(
            EDITION,
            "select version, at from editions where account_id = $1 and subject = $2 and kind = $3
             order by version desc limit 1",
            params![account.uuid().as_bytes(), subject.as_str(), kept.name()],
            |columns| Ok((Version(columns.take()?), columns.time()?)),
        )
    }

    fn edition(
        &self,
        account: AccountId,
        subject: &Subject,
        kept: Kept,
        version: Option<Version>,
    ) -> Result<Option<Edition>, Error> {
        self.first(
            EDITION,
            "select version, document, at, by from editions
             where account_id = $1 and subject = $2 and kind = $3 and ($4 is null or version = $4)
             order by version desc limit 1",
            params![
                account.uuid().as_bytes(),
                subject.as_str(),
                kept.name(),
                version.map(|version| version.0),
            ],
            edition,
        )
    }

    fn editions(
        &self,
        account: AccountId,
        subject: &Subject,
        kept: Kept,
        limit: Limit,
    ) -> Result<Vec<Edition>, Error> {
        self.all(
            EDITION,
            "select version, document, at, by from editions
             where account_id = $1 and subject = $2 and kind = $3 order by version desc limit $4",
            params![account.uuid().as_bytes(), subject.as_str(), kept.name(), limit.get()],
            edition,
        )
    }

    fn decisions(
        &self,
        account: AccountId,
        filter: &DecisionFilter,
        skip: u64,
        limit: Limit,
    ) -> Result<(Vec<DecisionEntry>, u64), Error> {
        let subject = filter.subject.as_ref().map(Subject::as_str);
        let (since, ruling) = (filter.since.map_or(i64::MIN, micros), filter.ruling.map(Ruling::name));
        let rows = self.all(
            DECISION,
            "select account_id, subject, key_id, tool, parameters, ruling, code, reason, rule, version, approval_id,
                    run, triggered_by, session_id, turn_id, at
             from decisions
             where account_id = $1 and ($2 is null or subject = $2) and at >= $3 and ($4 is null or ruling = $4)
             order by seq desc limit $5 offset $6",
            params![account.uuid().as_bytes(), subject, since, ruling, limit.get(), signed(DECISION, skip)?],
            decision,
        )?;
        let total = self.only(
            DECISION,
            "select count(*) from decisions
             where account_id = $1 and ($2 is null or subject = $2) and at >= $3 and ($4 is null or ruling = $4)",
            params![account.uuid().as_bytes(), subject, since, ruling],
            |columns| columns.count(),
        )?;
        Ok((rows, total))
    }

    fn allowed_in_run(&self, account: AccountId, subject: &Subject, run: &str) -> Result<u64, Error> {
        self.only(
            DECISION,
            "select count(*) from decisions
             where account_id = $1 and subject = $2 and run = $3 and ruling <> 'block'",
            params![account.uuid().as_bytes(), subject.as_str(), run],
            |columns| columns.count(),
        )
    }

    fn metered_since(&self, key: KeyId, what: Metered, after: Timestamp) -> Result<Vec<Timestamp>, Error> {
        self.all(
            METER,
            "select at from metered where key_id = $1 and what = $2 and at > $3 order by at",
            params![key.uuid().as_bytes(), what.name(), micros(after)],
            |columns| columns.time(),
        )
    }

    fn session_taint(&self, session: SessionId) -> Result<Option<Taint>, Error> {
        let name = self.first(
            TAINT,
            "select taint from sessions where id = $1",
            params![session.uuid().as_bytes()],
            |columns| columns.take::<Option<String>>(),
        )?;
        name.flatten().map(|name| named(TAINT.name, &name, &Taint::ALL, Taint::name)).transpose()
    }
}

impl GuardsMut for Tx<'_> {
    fn insert_edition(
        &mut self,
        account: AccountId,
        subject: &Subject,
        kept: Kept,
        edition: &Edition,
    ) -> Result<(), Error> {
        self.change_one(
            EDITION,
            "insert into editions (account_id, subject, kind, version, document, at, by)
             values ($1, $2, $3, $4, $5, $6, $7)",
            params![
                account.uuid().as_bytes(),
                subject.as_str(),
                kept.name(),
                edition.version.0,
                edition.document.as_ref().map(serde_json::Value::to_string),
                micros(edition.at),
                edition.by,
            ],
        )
    }

    fn insert_decision(&mut self, entry: &DecisionEntry) -> Result<(), Error> {
        self.change_one(
            DECISION,
            "insert into decisions (
                 account_id, subject, key_id, tool, parameters, ruling, code, reason, rule, version, approval_id, run,
                 triggered_by, session_id, turn_id, at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
            params![
                entry.account.uuid().as_bytes(),
                entry.subject.as_str(),
                entry.key.map(|key| key.uuid().into_bytes()),
                entry.tool,
                entry.parameters.as_ref().map(serde_json::Value::to_string),
                entry.ruling.name(),
                entry.code,
                entry.reason,
                entry.rule,
                entry.version.map(|version| version.0),
                entry.approval.map(|approval| approval.uuid().into_bytes()),
                entry.run,
                entry.triggered_by,
                entry.turn.map(|(session, _)| session.uuid().into_bytes()),
                entry.turn.map(|(_, turn)| turn.uuid().into_bytes()),
                micros(entry.at),
            ],
        )
    }

    fn meter(&mut self, key: KeyId, what: Metered, at: Timestamp) -> Result<(), Error> {
        self.change_one(
            METER,
            "insert into metered (key_id, what, at) values ($1, $2, $3)",
            params![key.uuid().as_bytes(), what.name(), micros(at)],
        )
    }

    fn forget_metered(&mut self, until: Timestamp) -> Result<u64, Error> {
        let forgotten = self.change(METER, "delete from metered where at <= $1", params![micros(until)])?;
        Ok(forgotten as u64)
    }

    fn taint_session(&mut self, session: SessionId, taint: Taint) -> Result<(), Error> {
        self.change(
            TAINT,
            "update sessions set taint = $1 where id = $2 and taint is null",
            params![taint.name(), session.uuid().as_bytes()],
        )?;
        Ok(())
    }
}

fn edition(columns: &mut Columns<'_>) -> Result<Edition, Error> {
    Ok(Edition {
        version: Version(columns.take()?),
        document: json_if_any(columns, EDITION)?,
        at: columns.time()?,
        by: columns.take()?,
    })
}

fn json_if_any(columns: &mut Columns<'_>, noun: Noun) -> Result<Option<serde_json::Value>, Error> {
    let text: Option<String> = columns.take()?;
    text.map(|text| serde_json::from_str(&text)).transpose().map_err(|error| corrupt(noun.name, error))
}

fn decision(columns: &mut Columns<'_>) -> Result<DecisionEntry, Error> {
    let account = columns.id()?;
    let subject = columns.parsed()?;
    let key = columns.take::<Option<[u8; 16]>>()?.map(|id| KeyId::from_uuid(Uuid::from_bytes(id)));
    let tool = columns.take()?;
    let parameters = json_if_any(columns, DECISION)?;
    let ruling = columns.named(&Ruling::ALL, Ruling::name)?;
    let (code, reason, rule) = (columns.take()?, columns.take()?, columns.take()?);
    let version = columns.take::<Option<u32>>()?.map(Version);
    let approval = columns.take::<Option<[u8; 16]>>()?.map(|id| ApprovalId::from_uuid(Uuid::from_bytes(id)));
    let (run, triggered_by) = (columns.take()?, columns.take()?);
    let session = columns.take::<Option<[u8; 16]>>()?.map(|id| SessionId::from_uuid(Uuid::from_bytes(id)));
    let turn = columns.take::<Option<[u8; 16]>>()?.map(|id| TurnId::from_uuid(Uuid::from_bytes(id)));
    let at = columns.time()?;
    Ok(DecisionEntry {
        account,
        subject,
        key,
        tool,
        parameters,
        ruling,
        code,
        reason,
        rule,
        version,
        approval,
        run,
        triggered_by,
        turn: session.zip(turn),
        at,
    })
}
