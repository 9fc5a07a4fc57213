use jiff::Timestamp;
use roost_domain::id::AgentId;
use roost_ports::store::{Error, Secrets, SecretsMut};
use roost_ports::vault::Sealed;
use rusqlite::params;

use super::{Noun, Tx, micros, noun};

const SECRET: Noun = noun!("secret");

impl Secrets for Tx<'_> {
    fn secret(&self, agent: AgentId, name: &str) -> Result<Option<Sealed>, Error> {
        self.first(
            SECRET,
            "select sealed from secrets where agent_id = $1 and name = $2",
            params![agent.uuid().as_bytes(), name],
            |columns| Ok(Sealed(columns.take()?)),
        )
    }

    fn secret_names(&self, agent: AgentId) -> Result<Vec<String>, Error> {
        // The port returns all of them; the core limits how many an agent may have.
        self.all(
            SECRET,
            "select name from secrets where agent_id = $1 order by name limit 10000",
            params![agent.uuid().as_bytes()],
            |columns| columns.take(),
        )
    }
}

impl SecretsMut for Tx<'_> {
    fn put_secret(
        &mut self,
        agent: AgentId,
        name: &str,
        sealed: &Sealed,
        at: Timestamp,
    ) -> Result<(), Error> {
        self.change_one(
            SECRET,
            "insert into secrets (agent_id, name, sealed, updated_at) values ($1, $2, $3, $4)
             on conflict (agent_id, name) do update
             set sealed = excluded.sealed, updated_at = excluded.updated_at",
            params![agent.uuid().as_bytes(), name, sealed.0, micros(at)],
        )
    }

    fn delete_secret(&mut self, agent: AgentId, name: &str) -> Result<bool, Error> {
        let removed = self.change(
            SECRET,
            "delete from secrets where agent_id = $1 and name = $2",
            params![agent.uuid().as_bytes(), name],
        )?;
        Ok(removed > 0)
    }
}
