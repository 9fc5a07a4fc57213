use jiff::Timestamp;
use roost_domain::id::{AccountId, KeyId};
use roost_domain::key::{Key, Scope};
use roost_ports::store::{Error, Keys, KeysMut};
use roost_ports::vault::KeyHash;
use rusqlite::params;

use super::{Columns, Noun, Tx, corrupt, failed, micros, noun};

const KEY: Noun = noun!("API key");

impl Keys for Tx<'_> {
    fn key_by_hash(&self, hash: &KeyHash) -> Result<Option<Key>, Error> {
        self.first(
            KEY,
            "select id, account_id, name, style, scopes, hint, created_at, revoked_at
             from api_keys where hash = $1",
            params![hash.0],
            key,
        )
    }

    fn keys(&self, account: AccountId) -> Result<Vec<Key>, Error> {
        self.all(
            KEY,
            "select id, account_id, name, style, scopes, hint, created_at, revoked_at
             from api_keys where account_id = $1
             order by created_at desc, id desc limit 1000",
            params![account.uuid().as_bytes()],
            key,
        )
    }
}

impl KeysMut for Tx<'_> {
    fn insert_key(&mut self, key: &Key, hash: &KeyHash) -> Result<(), Error> {
        let scopes: Vec<_> = key.scopes.iter().copied().map(Scope::name).collect();
        self.change_one(
            KEY,
            "insert into api_keys (id, account_id, hash, name, style, scopes, hint, created_at, revoked_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            params![
                key.id.uuid().as_bytes(),
                key.account.uuid().as_bytes(),
                hash.0,
                key.name,
                key.style.name(),
                serde_json::to_string(&scopes).map_err(|error| failed(KEY.writing, error))?,
                key.hint,
                micros(key.created_at),
                key.revoked_at.map(micros),
            ],
        )
    }

    fn revoke_key(&mut self, account: AccountId, id: KeyId, at: Timestamp) -> Result<bool, Error> {
        let changed = self.change(
            KEY,
            "update api_keys set revoked_at = coalesce(revoked_at, $1) where account_id = $2 and id = $3",
            params![micros(at), account.uuid().as_bytes(), id.uuid().as_bytes()],
        )?;
        Ok(changed > 0)
    }
}

fn key(columns: &mut Columns<'_>) -> Result<Key, Error> {
    Ok(Key {
        id: columns.id()?,
        account: columns.id()?,
        name: columns.take()?,
        style: columns.parsed()?,
        scopes: scopes(&columns.json::<Vec<String>>()?)?,
        hint: columns.take()?,
        created_at: columns.time()?,
        revoked_at: columns.time_if_any()?,
    })
}

fn scopes(names: &[String]) -> Result<Vec<Scope>, Error> {
    names.iter().map(|name| name.parse().map_err(|error| corrupt(KEY.name, error))).collect()
}
