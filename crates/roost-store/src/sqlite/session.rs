use roost_domain::id::{AgentId, SessionId};
use roost_domain::page::Limit;
use roost_domain::session::{Channel, Peer, Session};
use roost_ports::store::{Error, Sessions, SessionsMut};
use rusqlite::params;

use super::{Columns, Noun, Tx, corrupt, micros, noun};

const SESSION: Noun = noun!("session");
const CHANNELS: [Channel; 4] = [Channel::Api, Channel::Agent, Channel::Workflow, Channel::Journal];

impl Sessions for Tx<'_> {
    fn session(&self, agent: AgentId, id: SessionId) -> Result<Option<Session>, Error> {
        self.first(
            SESSION,
            "select id, account_id, agent_id, peer, channel, name, started_at
             from sessions where id = $1 and agent_id = $2",
            params![id.uuid().as_bytes(), agent.uuid().as_bytes()],
            session,
        )
    }

    fn latest_session_with(&self, agent: AgentId, peer: &Peer) -> Result<Option<Session>, Error> {
        self.first(
            SESSION,
            "select id, account_id, agent_id, peer, channel, name, started_at
             from sessions where agent_id = $1 and peer = $2 and channel <> 'journal' and superseded is null
             order by started_at desc, id desc limit 1",
            params![agent.uuid().as_bytes(), peer.to_string()],
            session,
        )
    }

    fn sessions(&self, agent: AgentId, limit: Limit) -> Result<(Vec<Session>, u64), Error> {
        let rows = self.all(
            SESSION,
            "select id, account_id, agent_id, peer, channel, name, started_at
             from sessions where agent_id = $1 and channel <> 'journal'
             order by started_at desc, id desc limit $2",
            params![agent.uuid().as_bytes(), limit.get()],
            session,
        )?;
        let total = self.only(
            SESSION,
            "select count(*) from sessions where agent_id = $1 and channel <> 'journal'",
            params![agent.uuid().as_bytes()],
            |columns| columns.count(),
        )?;
        Ok((rows, total))
    }
}

impl SessionsMut for Tx<'_> {
    fn insert_session(&mut self, session: &Session) -> Result<(), Error> {
        self.change_one(
            SESSION,
            "insert into sessions (
                 id, account_id, agent_id, peer, channel, name, started_at, documents_place)
             values ($1, $2, $3, $4, $5, $6, $7,
                 (select coalesce(max(place), 0) from documents where agent_id = $3))",
            params![
                session.id.uuid().as_bytes(),
                session.account.uuid().as_bytes(),
                session.agent.uuid().as_bytes(),
                session.peer.to_string(),
                session.channel.name(),
                session.name,
                micros(session.started_at),
            ],
        )
    }
}

pub(super) fn session(columns: &mut Columns<'_>) -> Result<Session, Error> {
    Ok(Session {
        id: columns.id()?,
        account: columns.id()?,
        agent: columns.id()?,
        peer: peer(&columns.take::<String>()?)?,
        channel: columns.named(&CHANNELS, Channel::name)?,
        name: columns.take()?,
        started_at: columns.time()?,
    })
}

/// Reads back what a peer prints.
fn peer(text: &str) -> Result<Peer, Error> {
    if text == "agent" {
        Ok(Peer::Agent)
    } else if let Some(name) = text.strip_prefix("peer:") {
        Ok(Peer::Named(name.to_owned()))
    } else if let Some(key) = text.strip_prefix("key:") {
        key.parse().map(Peer::Key).map_err(|error| corrupt(SESSION.name, error))
    } else if let Some(run) = text.strip_prefix("run:") {
        run.parse().map(Peer::Run).map_err(|error| corrupt(SESSION.name, error))
    } else if let Some((agent, session)) = text.strip_prefix("agent:").and_then(|both| both.split_once('/')) {
        let agent = agent.parse().map_err(|error| corrupt(SESSION.name, error))?;
        let session = session.parse().map_err(|error| corrupt(SESSION.name, error))?;
        Ok(Peer::Colleague { agent, session })
    } else {
        Err(corrupt(SESSION.name, format_args!("{text:?} is not a peer")))
    }
}
