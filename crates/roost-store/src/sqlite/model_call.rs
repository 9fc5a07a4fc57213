use jiff::Timestamp;
use roost_domain::id::{AccountId, AgentId, ModelCallId};
use roost_domain::page::Limit;
use roost_domain::unit::MicroUsd;
use roost_ports::store::{Error, ModelCall, ModelCalls, ModelCallsMut};
use rusqlite::params;

use super::{Columns, Noun, Tx, micros, noun};

const CALL: Noun = noun!("model call");

impl ModelCalls for Tx<'_> {
    fn open_model_calls(&self, until: Timestamp, limit: Limit) -> Result<Vec<ModelCall>, Error> {
        self.all(
            CALL,
            "select model_calls.id, agents.account_id, model_calls.agent_id, model_calls.model, reserved, began_at
             from model_calls join agents on agents.id = model_calls.agent_id
             where began_at <= $1 order by began_at, model_calls.id limit $2",
            params![micros(until), limit.get()],
            call,
        )
    }
}

impl ModelCallsMut for Tx<'_> {
    /// A row of an agent that was deleted before it was anything: usage and ledgers can refer to it, and no query for
    /// agents finds it.
    fn account_ledger(&mut self, account: AccountId, at: Timestamp) -> Result<AgentId, Error> {
        self.change(
            CALL,
            "insert into agents (
                 id, account_id, name, name_folded, description, model, size, region, tags, config, state,
                 needs_restart, created_at, deleted_at)
             values ($1, $2, '', '', '', 'none/none', 'small', 'eu', '[]', '{}', 'stopped', 0, $3, $3)
             on conflict (id) do nothing",
            params![account.uuid().as_bytes(), account.uuid().as_bytes(), micros(at)],
        )?;
        Ok(AgentId::from_uuid(account.uuid()))
    }

    fn insert_model_call(&mut self, call: &ModelCall) -> Result<(), Error> {
        self.change_one(
            CALL,
            "insert into model_calls (id, agent_id, model, reserved, began_at) values ($1, $2, $3, $4, $5)",
            params![
                call.id.uuid().as_bytes(),
                call.ledger.uuid().as_bytes(),
                call.model.as_str(),
                call.reserved.0,
                micros(call.began_at),
            ],
        )
    }

    fn delete_model_call(&mut self, id: ModelCallId) -> Result<bool, Error> {
        let deleted =
            self.change(CALL, "delete from model_calls where id = $1", params![id.uuid().as_bytes()])?;
        Ok(deleted > 0)
    }
}

fn call(columns: &mut Columns<'_>) -> Result<ModelCall, Error> {
    Ok(ModelCall {
        id: columns.id()?,
        account: columns.id()?,
        ledger: columns.id()?,
        model: columns.parsed()?,
        reserved: MicroUsd(columns.take()?),
        began_at: columns.time()?,
    })
}
