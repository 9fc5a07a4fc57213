use jiff::Timestamp;
use roost_domain::id::{AccountId, AgentId, ResponseId, TurnId};
use roost_domain::page::Limit;
use roost_domain::response::{AnsweredBy, Response};
use roost_ports::store::{Error, Responses, ResponsesMut};
use rusqlite::params;

use super::{Columns, Noun, Tx, corrupt, failed, micros, noun};
use crate::record;

const RESPONSE: Noun = noun!("response");
const MARK: Noun = noun!("mark");

impl Responses for Tx<'_> {
    fn response(&self, account: AccountId, id: ResponseId) -> Result<Option<Response>, Error> {
        self.first(
            RESPONSE,
            "select id, account_id, created_at, body from responses where id = $1 and account_id = $2",
            params![id.uuid().as_bytes(), account.uuid().as_bytes()],
            response,
        )
    }

    fn marked(&self, agent: AgentId, fingerprint: [u8; 32]) -> Result<Option<TurnId>, Error> {
        self.first(
            MARK,
            "select turn_id from marks where agent_id = $1 and fingerprint = $2",
            params![agent.uuid().as_bytes(), fingerprint],
            |columns| columns.id(),
        )
    }
}

impl ResponsesMut for Tx<'_> {
    fn insert_response(&mut self, response: &Response) -> Result<(), Error> {
        let agent = match &response.by {
            AnsweredBy::Agent { agent, .. } => Some(agent.uuid().into_bytes()),
            AnsweredBy::Model { .. } => None,
        };
        let body = record::response::encode(response).map_err(|error| failed(RESPONSE.writing, error))?;
        self.change_one(
            RESPONSE,
            "insert into responses (id, account_id, agent_id, created_at, body) values ($1, $2, $3, $4, $5)",
            params![
                response.id.uuid().as_bytes(),
                response.account.uuid().as_bytes(),
                agent,
                micros(response.created_at),
                body,
            ],
        )
    }

    fn delete_response(&mut self, account: AccountId, id: ResponseId) -> Result<bool, Error> {
        let deleted = self.change(
            RESPONSE,
            "delete from responses where id = $1 and account_id = $2",
            params![id.uuid().as_bytes(), account.uuid().as_bytes()],
        )?;
        Ok(deleted > 0)
    }

    fn delete_responses_before(&mut self, before: Timestamp, limit: Limit) -> Result<u64, Error> {
        let deleted = self.change(
            RESPONSE,
            "delete from responses where id in (
                 select id from responses where created_at < $1 order by created_at, id limit $2)",
            params![micros(before), limit.get()],
        )?;
        Ok(deleted as u64)
    }

    fn mark(&mut self, agent: AgentId, fingerprint: [u8; 32], turn: TurnId) -> Result<(), Error> {
        self.change_one(
            MARK,
            "insert into marks (agent_id, fingerprint, turn_id) values ($1, $2, $3)
             on conflict (agent_id, fingerprint) do update set turn_id = excluded.turn_id",
            params![agent.uuid().as_bytes(), fingerprint, turn.uuid().as_bytes()],
        )
    }
}

fn response(columns: &mut Columns<'_>) -> Result<Response, Error> {
    let (id, account, created_at) = (columns.id()?, columns.id()?, columns.time()?);
    let body: String = columns.take()?;
    let (asked, by) = record::response::decode(&body).map_err(|error| corrupt(RESPONSE.name, error))?;
    Ok(Response { id, account, created_at, asked, by })
}
