use std::time::Duration;

use roost_domain::id::{AccountId, AgentId, SessionId, SnapshotId, TurnId};
use roost_domain::page::{Limit, Page};
use roost_domain::session::Session;
use roost_domain::snapshot::{Mark, Method, Snapshot, Transfer};
use roost_domain::unit::Bytes;
use roost_ports::store::{
    Documents, Error, Restoration, RestorationKind, SavedDocument, SnapshotCursor, SnapshotStatus, Snapshots,
    SnapshotsMut,
};
use rusqlite::params;

use super::session::session;
use super::{Columns, LAST_ID, LAST_TIME, Noun, Tx, corrupt, failed, micros, noun, signed};

const SNAPSHOT: Noun = noun!("snapshot");
const RESTORATION: Noun = noun!("restoration");
const COPY: Noun = noun!("copy of a session");

impl Snapshots for Tx<'_> {
    fn snapshot(
        &self,
        account: AccountId,
        agent: AgentId,
        id: SnapshotId,
    ) -> Result<Option<Snapshot>, Error> {
        self.first(
            SNAPSHOT,
            "select id, account_id, agent_id, name, created_at, seq, events, open_turns, method, size_bytes,
                    copied_bytes, entries, left_out, took_us
             from snapshots
             where id = $1 and agent_id = $2 and account_id = $3 and status = 'listed'",
            params![id.uuid().as_bytes(), agent.uuid().as_bytes(), account.uuid().as_bytes()],
            snapshot,
        )
    }

    fn snapshot_status(&self, id: SnapshotId) -> Result<Option<SnapshotStatus>, Error> {
        self.first(
            SNAPSHOT,
            "select status from snapshots where id = $1",
            params![id.uuid().as_bytes()],
            |columns| columns.named(&SnapshotStatus::ALL, SnapshotStatus::name),
        )
    }

    fn snapshots(
        &self,
        agent: AgentId,
        after: Option<SnapshotCursor>,
        limit: Limit,
    ) -> Result<Page<Snapshot, SnapshotCursor>, Error> {
        let (created_at, id) =
            after.map_or((LAST_TIME, LAST_ID), |last| (micros(last.created_at), last.id.uuid().into_bytes()));
        // One row more than asked for tells whether there is a next page.
        let mut rows = self.all(
            SNAPSHOT,
            "select id, account_id, agent_id, name, created_at, seq, events, open_turns, method, size_bytes,
                    copied_bytes, entries, left_out, took_us
             from snapshots where agent_id = $1 and status = 'listed' and (created_at, id) < ($2, $3)
             order by created_at desc, id desc limit $4",
            params![agent.uuid().as_bytes(), created_at, id, i64::from(limit.get()) + 1],
            snapshot,
        )?;
        let more = rows.len() > limit.get() as usize;
        rows.truncate(limit.get() as usize);
        let cursor = |last: &Snapshot| SnapshotCursor { created_at: last.created_at, id: last.id };
        let next = rows.last().filter(|_| more).map(cursor);
        let total = self.only(
            SNAPSHOT,
            "select count(*) from snapshots where agent_id = $1 and status = 'listed'",
            params![agent.uuid().as_bytes()],
            |columns| columns.count(),
        )?;
        Ok(Page { rows, next, total })
    }

    fn snapshot_count(&self, agent: AgentId) -> Result<u64, Error> {
        self.only(
            SNAPSHOT,
            "select count(*) from snapshots where agent_id = $1 and status in ('listed', 'making')",
            params![agent.uuid().as_bytes()],
            |columns| columns.count(),
        )
    }

    fn half_snapshots(&self, limit: Limit) -> Result<Vec<(SnapshotId, SnapshotStatus)>, Error> {
        self.all(
            SNAPSHOT,
            "select id, status from snapshots
             where status in ('making', 'going') order by created_at, id limit $1",
            params![limit.get()],
            |columns| Ok((columns.id()?, columns.named(&SnapshotStatus::ALL, SnapshotStatus::name)?)),
        )
    }

    fn snapshot_documents(&self, id: SnapshotId) -> Result<Vec<SavedDocument>, Error> {
        // As many as an agent has.
        self.all(
            SNAPSHOT,
            "select name, content from snapshot_documents where snapshot_id = $1 order by name",
            params![id.uuid().as_bytes()],
            |columns| Ok(SavedDocument { name: columns.parsed()?, content: columns.take()? }),
        )
    }

    fn log_mark(&self, agent: AgentId) -> Result<Mark, Error> {
        let (seq, events) = self.only(
            SNAPSHOT,
            "select coalesce(max(seq), 0), coalesce(sum(session_id <> agent_id), 0) from events
             where agent_id = $1",
            params![agent.uuid().as_bytes()],
            |columns| Ok((columns.count()?, columns.count()?)),
        )?;
        let open = self.all(
            SNAPSHOT,
            "select session_id, id from turns where agent_id = $1 and phase <> 'ended'
             order by position limit 10000",
            params![agent.uuid().as_bytes()],
            |columns| Ok((columns.id::<SessionId>()?, columns.id::<TurnId>()?)),
        )?;
        Ok(Mark { seq, events, open })
    }

    fn sessions_until(
        &self,
        agent: AgentId,
        mark: &Mark,
        after: Option<SessionId>,
        limit: Limit,
    ) -> Result<Vec<Session>, Error> {
        let after = after.map_or([0; 16], |last| last.uuid().into_bytes());
        self.all(
            COPY,
            "select id, account_id, agent_id, peer, channel, name, started_at from sessions
             where agent_id = $1 and channel <> 'journal' and id > $2
               and exists (select 1 from events where events.session_id = sessions.id and seq <= $3)
             order by id limit $4",
            params![agent.uuid().as_bytes(), after, signed(COPY, mark.seq)?, limit.get()],
            session,
        )
    }

    fn restoration(&self, agent: AgentId) -> Result<Option<Restoration>, Error> {
        self.first(
            RESTORATION,
            "select agent_id, snapshot_id, kind, requested_at from restorations where agent_id = $1",
            params![agent.uuid().as_bytes()],
            restoration,
        )
    }

    fn restorations(&self, kind: RestorationKind, limit: Limit) -> Result<Vec<Restoration>, Error> {
        self.all(
            RESTORATION,
            "select agent_id, snapshot_id, kind, requested_at from restorations
             where kind = $1 order by requested_at, agent_id limit $2",
            params![kind.name(), limit.get()],
            restoration,
        )
    }
}

impl SnapshotsMut for Tx<'_> {
    fn insert_snapshot(&mut self, snapshot: &Snapshot) -> Result<(), Error> {
        self.change_one(
            SNAPSHOT,
            "insert into snapshots (
                 id, account_id, agent_id, name, status, created_at, seq, events, open_turns, method, size_bytes,
                 copied_bytes, entries, left_out, took_us)
             values ($1, $2, $3, $4, 'making', $5, 0, 0, '[]', 'copy', 0, 0, 0, 0, 0)",
            params![
                snapshot.id.uuid().as_bytes(),
                snapshot.account.uuid().as_bytes(),
                snapshot.agent.uuid().as_bytes(),
                snapshot.name,
                micros(snapshot.created_at),
            ],
        )
    }

    fn settle_snapshot(&mut self, snapshot: &Snapshot, status: SnapshotStatus) -> Result<(), Error> {
        let Snapshot { mark, transfer, .. } = snapshot;
        self.change_one(
            SNAPSHOT,
            "update snapshots
             set status = $1, seq = $2, events = $3, open_turns = $4, method = $5, size_bytes = $6,
                 copied_bytes = $7, entries = $8, left_out = $9, took_us = $10
             where id = $11 and status = 'making'",
            params![
                status.name(),
                signed(SNAPSHOT, mark.seq)?,
                signed(SNAPSHOT, mark.events)?,
                written(&mark.open)?,
                transfer.method.name(),
                signed(SNAPSHOT, transfer.size.0)?,
                signed(SNAPSHOT, transfer.copied.0)?,
                signed(SNAPSHOT, transfer.entries)?,
                signed(SNAPSHOT, transfer.left_out)?,
                i64::try_from(transfer.took.as_micros()).unwrap_or(i64::MAX),
                snapshot.id.uuid().as_bytes(),
            ],
        )?;
        for entry in self.documents(snapshot.agent)? {
            let Some(document) = self.document(snapshot.agent, &entry.name)? else { continue };
            self.change_one(
                SNAPSHOT,
                "insert into snapshot_documents (snapshot_id, name, content) values ($1, $2, $3)",
                params![snapshot.id.uuid().as_bytes(), entry.name.to_string(), document.content],
            )?;
        }
        Ok(())
    }

    fn discard_snapshot(&mut self, id: SnapshotId) -> Result<(), Error> {
        let id = id.uuid();
        self.change(
            SNAPSHOT,
            "delete from snapshot_documents where snapshot_id = $1",
            params![id.as_bytes()],
        )?;
        self.change(SNAPSHOT, "update snapshots set status = 'going' where id = $1", params![id.as_bytes()])?;
        Ok(())
    }

    fn delete_snapshot(&mut self, id: SnapshotId) -> Result<(), Error> {
        self.discard_snapshot(id)?;
        self.change(SNAPSHOT, "delete from snapshots where id = $1", params![id.uuid().as_bytes()])?;
        Ok(())
    }

    fn insert_restoration(&mut self, restoration: &Restoration) -> Result<(), Error> {
        self.change_one(
            RESTORATION,
            "insert into restorations (agent_id, snapshot_id, kind, requested_at) values ($1, $2, $3, $4)",
            params![
                restoration.agent.uuid().as_bytes(),
                restoration.snapshot.uuid().as_bytes(),
                restoration.kind.name(),
                micros(restoration.requested_at),
            ],
        )
    }

    fn delete_restoration(&mut self, agent: AgentId) -> Result<(), Error> {
        self.change(
            RESTORATION,
            "delete from restorations where agent_id = $1",
            params![agent.uuid().as_bytes()],
        )?;
        Ok(())
    }

    fn copy_session(&mut self, from: SessionId, to: &Session, mark: &Mark) -> Result<u64, Error> {
        let seq = signed(COPY, mark.seq)?;
        self.change_one(
            COPY,
            "insert into sessions (id, account_id, agent_id, peer, channel, name, started_at, taint, superseded)
             select $1, account_id, $2, peer, channel, name, started_at, taint,
                    case when superseded <= $3 then 0 end
             from sessions where id = $4 and account_id = $5",
            params![
                to.id.uuid().as_bytes(),
                to.agent.uuid().as_bytes(),
                seq,
                from.uuid().as_bytes(),
                to.account.uuid().as_bytes(),
            ],
        )?;
        let events = self.change(
            COPY,
            "insert into events (agent_id, session_id, session_offset, turn_id, at, role, body)
             select $1, $2, session_offset, turn_id, at, role, body
             from events where session_id = $3 and seq <= $4 order by session_offset",
            params![to.agent.uuid().as_bytes(), to.id.uuid().as_bytes(), from.uuid().as_bytes(), seq],
        )?;
        Ok(events as u64)
    }

    fn supersede_sessions(&mut self, agent: AgentId) -> Result<(), Error> {
        self.change(
            COPY,
            "update sessions
             set superseded = (select coalesce(max(seq), 0) from events where events.agent_id = $1)
             where agent_id = $1 and superseded is null",
            params![agent.uuid().as_bytes()],
        )?;
        Ok(())
    }
}

fn snapshot(columns: &mut Columns<'_>) -> Result<Snapshot, Error> {
    Ok(Snapshot {
        id: columns.id()?,
        account: columns.id()?,
        agent: columns.id()?,
        name: columns.take()?,
        created_at: columns.time()?,
        mark: Mark { seq: columns.count()?, events: columns.count()?, open: read(columns.json()?)? },
        transfer: Transfer {
            method: columns.named(&Method::ALL, Method::name)?,
            size: Bytes(columns.count()?),
            copied: Bytes(columns.count()?),
            entries: columns.count()?,
            left_out: columns.count()?,
            took: Duration::from_micros(columns.count()?),
        },
    })
}

fn restoration(columns: &mut Columns<'_>) -> Result<Restoration, Error> {
    Ok(Restoration {
        agent: columns.id()?,
        snapshot: columns.id()?,
        kind: columns.named(&RestorationKind::ALL, RestorationKind::name)?,
        requested_at: columns.time()?,
    })
}

fn written(open: &[(SessionId, TurnId)]) -> Result<String, Error> {
    let pairs: Vec<_> = open.iter().map(|(session, turn)| (session.to_string(), turn.to_string())).collect();
    serde_json::to_string(&pairs).map_err(|error| failed(SNAPSHOT.writing, error))
}

fn read(pairs: Vec<(String, String)>) -> Result<Vec<(SessionId, TurnId)>, Error> {
    let mut open = Vec::with_capacity(pairs.len());
    for (session, turn) in pairs {
        let session = session.parse().map_err(|error| corrupt(SNAPSHOT.name, error))?;
        open.push((session, turn.parse().map_err(|error| corrupt(SNAPSHOT.name, error))?));
    }
    Ok(open)
}
