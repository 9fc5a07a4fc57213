use jiff::Timestamp;
use roost_domain::id::{AgentId, TurnId};
use roost_domain::page::{Limit, Page};
use roost_domain::secret::Binding;
use roost_domain::tool::ToolCallId;
use roost_ports::store::{Error, SecretEntry, SecretUse, Secrets, SecretsMut};
use roost_ports::vault::Sealed;
use rusqlite::params;

use super::{Noun, Tx, corrupt, failed, micros, noun, signed};

const SECRET: Noun = noun!("secret");

/// How many uses of a secret are kept.
const USES: i64 = 1_000;

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

    fn secret_entries(&self, agent: AgentId) -> Result<Vec<SecretEntry>, Error> {
        self.all(
            SECRET,
            "select name, updated_at, bound_hosts, bound_methods from secrets where agent_id = $1
             union all
             select secrets.name, updated_at, bound_hosts, bound_methods
             from secret_references
             join secrets on secrets.agent_id = holder_id and secrets.name = secret_references.name
             where secret_references.agent_id = $1 order by 1 limit 10000",
            params![agent.uuid().as_bytes()],
            |columns| {
                Ok(SecretEntry {
                    name: columns.take()?,
                    updated_at: columns.time()?,
                    binding: binding(columns.take()?, columns.take()?)?,
                })
            },
        )
    }

    fn secret_uses(
        &self,
        agent: AgentId,
        name: &str,
        before: Option<u64>,
        limit: Limit,
    ) -> Result<Page<SecretUse, u64>, Error> {
        // One row more than asked for tells whether there is a next page.
        let mut rows = self.all(
            SECRET,
            "select number, host, method, status, session_id, turn_id, call, at from secret_uses
             where agent_id = $1 and name = $2 and number < $3 order by number desc limit $4",
            params![
                agent.uuid().as_bytes(),
                name,
                before.map_or(Ok(i64::MAX), |before| signed(SECRET, before))?,
                i64::from(limit.get()) + 1,
            ],
            |columns| {
                let number = columns.count()?;
                let used = SecretUse {
                    host: columns.take()?,
                    method: columns.take()?,
                    status: columns.take()?,
                    session: columns.id()?,
                    turn: columns.id()?,
                    call: ToolCallId::from_text(columns.take::<String>()?),
                    at: columns.time()?,
                };
                Ok((number, used))
            },
        )?;
        let more = rows.len() > limit.get() as usize;
        rows.truncate(limit.get() as usize);
        let next = rows.last().filter(|_| more).map(|(number, _)| *number);
        let total = self.only(
            SECRET,
            "select count(*) from secret_uses where agent_id = $1 and name = $2",
            params![agent.uuid().as_bytes(), name],
            |columns| columns.count(),
        )?;
        Ok(Page { rows: rows.into_iter().map(|(_, used)| used).collect(), next, total })
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

    fn bind_secret(&mut self, agent: AgentId, name: &str, binding: Option<&Binding>) -> Result<bool, Error> {
        let json =
            |list: Vec<String>| serde_json::to_string(&list).map_err(|error| failed(SECRET.writing, error));
        let hosts = binding.map(|bound| json(bound.hosts.iter().map(ToString::to_string).collect()));
        let methods = binding.map(|bound| json(bound.methods.clone()));
        let changed = self.change(
            SECRET,
            "update secrets set bound_hosts = $1, bound_methods = $2 where agent_id = $3 and name = $4",
            params![hosts.transpose()?, methods.transpose()?, agent.uuid().as_bytes(), name],
        )?;
        Ok(changed > 0)
    }

    fn insert_secret_use(&mut self, agent: AgentId, name: &str, used: &SecretUse) -> Result<(), Error> {
        let number: i64 = self.only(
            SECRET,
            "select coalesce(max(number), 0) + 1 from secret_uses where agent_id = $1 and name = $2",
            params![agent.uuid().as_bytes(), name],
            |columns| columns.take(),
        )?;
        self.change_one(
            SECRET,
            "insert into secret_uses (
                 agent_id, name, number, host, method, status, session_id, turn_id, call, at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            params![
                agent.uuid().as_bytes(),
                name,
                number,
                used.host,
                used.method,
                used.status,
                used.session.uuid().as_bytes(),
                used.turn.uuid().as_bytes(),
                used.call.as_str(),
                micros(used.at),
            ],
        )?;
        self.change(
            SECRET,
            "delete from secret_uses where agent_id = $1 and name = $2 and number <= $3",
            params![agent.uuid().as_bytes(), name, number - USES],
        )?;
        Ok(())
    }

    fn answer_secret_uses(&mut self, turn: TurnId, call: &ToolCallId, status: u16) -> Result<(), Error> {
        self.change(
            SECRET,
            "update secret_uses set status = $1 where turn_id = $2 and call = $3",
            params![status, turn.uuid().as_bytes(), call.as_str()],
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

fn binding(hosts: Option<String>, methods: Option<String>) -> Result<Option<Binding>, Error> {
    let (Some(hosts), Some(methods)) = (hosts, methods) else { return Ok(None) };
    let list = |text: String| -> Result<Vec<String>, Error> {
        serde_json::from_str(&text).map_err(|error| corrupt(SECRET.name, error))
    };
    let rule = |text: &String| text.parse().map_err(|error| corrupt(SECRET.name, error));
    let hosts = list(hosts)?.iter().map(rule).collect::<Result<_, _>>()?;
    Ok(Some(Binding { hosts, methods: list(methods)? }))
}
