use jiff::Timestamp;
use roost_domain::id::{AccountId, SwarmId};
use roost_domain::knowledge::Owner;
use roost_domain::swarm::Swarm;
use roost_ports::store::{Error, KnowledgeMut, Swarms, SwarmsMut};
use roost_ports::vault::Sealed;
use rusqlite::params;

use super::{Columns, Noun, Tx, micros, noun};

const SWARM: Noun = noun!("swarm");
const SECRET: Noun = noun!("swarm's secret");

impl Swarms for Tx<'_> {
    fn swarm(&self, account: AccountId, id: SwarmId) -> Result<Option<Swarm>, Error> {
        self.first(
            SWARM,
            "select id, account_id, name, slug, description, icon, created_at, updated_at
             from swarms where id = $1 and account_id = $2",
            params![id.uuid().as_bytes(), account.uuid().as_bytes()],
            swarm,
        )
    }

    fn swarm_by_slug(&self, account: AccountId, slug: &str) -> Result<Option<Swarm>, Error> {
        self.first(
            SWARM,
            "select id, account_id, name, slug, description, icon, created_at, updated_at
             from swarms where account_id = $1 and slug = $2",
            params![account.uuid().as_bytes(), slug],
            swarm,
        )
    }

    fn swarms(&self, account: AccountId) -> Result<Vec<(Swarm, u64)>, Error> {
        self.all(
            SWARM,
            "select id, account_id, name, slug, description, icon, created_at, updated_at,
                    (select count(*) from agents where agents.swarm_id = swarms.id and deleted_at is null)
             from swarms where account_id = $1
             order by created_at desc, id desc limit 10000",
            params![account.uuid().as_bytes()],
            |columns| Ok((swarm(columns)?, columns.count()?)),
        )
    }

    fn swarm_secret(&self, swarm: SwarmId, name: &str) -> Result<Option<Sealed>, Error> {
        self.first(
            SECRET,
            "select sealed from swarm_secrets where swarm_id = $1 and name = $2",
            params![swarm.uuid().as_bytes(), name],
            |columns| Ok(Sealed(columns.take()?)),
        )
    }

    fn swarm_secret_names(&self, swarm: SwarmId) -> Result<Vec<String>, Error> {
        self.all(
            SECRET,
            "select name from swarm_secrets where swarm_id = $1 order by name limit 1000",
            params![swarm.uuid().as_bytes()],
            |columns| columns.take(),
        )
    }
}

impl SwarmsMut for Tx<'_> {
    fn insert_swarm(&mut self, swarm: &Swarm) -> Result<(), Error> {
        self.change_one(
            SWARM,
            "insert into swarms (id, account_id, name, slug, description, icon, created_at, updated_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8)",
            params![
                swarm.id.uuid().as_bytes(),
                swarm.account.uuid().as_bytes(),
                swarm.name,
                swarm.slug,
                swarm.description,
                swarm.icon,
                micros(swarm.created_at),
                micros(swarm.updated_at),
            ],
        )
    }

    fn update_swarm(&mut self, swarm: &Swarm) -> Result<(), Error> {
        self.change_one(
            SWARM,
            "update swarms set name = $1, description = $2, icon = $3, updated_at = $4
             where id = $5 and account_id = $6",
            params![
                swarm.name,
                swarm.description,
                swarm.icon,
                micros(swarm.updated_at),
                swarm.id.uuid().as_bytes(),
                swarm.account.uuid().as_bytes(),
            ],
        )
    }

    fn delete_swarm(&mut self, account: AccountId, id: SwarmId) -> Result<bool, Error> {
        if self.swarm(account, id)?.is_none() {
            return Ok(false);
        }
        self.remove_knowledge_of(account, Owner::Swarm(id))?;
        let id = id.uuid().into_bytes();
        self.change(SWARM, "update agents set swarm_id = null where swarm_id = $1", params![id])?;
        self.change(SECRET, "delete from swarm_secrets where swarm_id = $1", params![id])?;
        self.change_one(SWARM, "delete from swarms where id = $1", params![id])?;
        Ok(true)
    }

    fn put_swarm_secret(
        &mut self,
        swarm: SwarmId,
        name: &str,
        sealed: &Sealed,
        at: Timestamp,
    ) -> Result<(), Error> {
        self.change_one(
            SECRET,
            "insert into swarm_secrets (swarm_id, name, sealed, updated_at) values ($1, $2, $3, $4)
             on conflict (swarm_id, name) do update set sealed = excluded.sealed, updated_at = excluded.updated_at",
            params![swarm.uuid().as_bytes(), name, sealed.0, micros(at)],
        )
    }

    fn delete_swarm_secret(&mut self, swarm: SwarmId, name: &str) -> Result<bool, Error> {
        let deleted = self.change(
            SECRET,
            "delete from swarm_secrets where swarm_id = $1 and name = $2",
            params![swarm.uuid().as_bytes(), name],
        )?;
        Ok(deleted > 0)
    }
}

fn swarm(columns: &mut Columns<'_>) -> Result<Swarm, Error> {
    Ok(Swarm {
        id: columns.id()?,
        account: columns.id()?,
        name: columns.take()?,
        slug: columns.take()?,
        description: columns.take()?,
        icon: columns.take()?,
        created_at: columns.time()?,
        updated_at: columns.time()?,
    })
}
