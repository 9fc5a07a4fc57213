use jiff::Timestamp;
use roost_domain::id::AgentId;
use roost_domain::page::Limit;
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

    fn secret_holder(&self, agent: AgentId, name: &str) -> Result<Option<AgentId>, Error> {
        self.first(
            SECRET,
            "select agent_id from secrets where agent_id = $1 and name = $2
             union all
             select holder_id from secret_references
             where agent_id = $1 and name = $2 and exists (
                 select 1 from secrets where secrets.agent_id = holder_id and secrets.name = $2)
             limit 1",
            params![agent.uuid().as_bytes(), name],
            |columns| columns.id(),
        )
    }

    fn secrets_lent(&self, holder: AgentId, limit: Limit) -> Result<Vec<(AgentId, String)>, Error> {
        self.all(
            SECRET,
            "select agent_id, name from secret_references where holder_id = $1
             order by agent_id, name limit $2",
            params![holder.uuid().as_bytes(), limit.get()],
            |columns| Ok((columns.id()?, columns.take()?)),
        )
    }

    fn secret_names(&self, agent: AgentId) -> Result<Vec<String>, Error> {
        // The port returns all of them; the core limits how many an agent may have.
        self.all(
            SECRET,
            "select name from secrets where agent_id = $1
             union
             select name from secret_references
             where agent_id = $1 and exists (
                 select 1 from secrets
                 where secrets.agent_id = holder_id and secrets.name = secret_references.name)
             order by name limit 10000",
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
        self.return_secret(agent, name)?;
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
        let returned = self.return_secret(agent, name)?;
        Ok(removed > 0 || returned)
    }

    fn lend_secrets(&mut self, from: AgentId, to: AgentId) -> Result<(), Error> {
        self.change(
            SECRET,
            "insert into secret_references (agent_id, name, holder_id)
             select $1, name, agent_id from secrets where agent_id = $2
             union all
             select $1, name, holder_id from secret_references where agent_id = $2",
            params![to.uuid().as_bytes(), from.uuid().as_bytes()],
        )?;
        Ok(())
    }
}

impl Tx<'_> {
    /// Lets go of a secret that is another's, and tells whether there was one.
    fn return_secret(&self, agent: AgentId, name: &str) -> Result<bool, Error> {
        let returned = self.change(
            SECRET,
            "delete from secret_references where agent_id = $1 and name = $2",
            params![agent.uuid().as_bytes(), name],
        )?;
        Ok(returned > 0)
    }
}
