use roost_domain::account::Account;
use roost_domain::id::AccountId;
use roost_ports::store::{Accounts, AccountsMut, Error};
use rusqlite::params;

use super::{Columns, Noun, Tx, micros, noun};

const ACCOUNT: Noun = noun!("account");

impl Accounts for Tx<'_> {
    fn account(&self, id: AccountId) -> Result<Option<Account>, Error> {
        self.first(
            ACCOUNT,
            "select id, name, plan, created_at from accounts where id = $1",
            params![id.uuid().as_bytes()],
            account,
        )
    }

    fn first_account(&self) -> Result<Option<Account>, Error> {
        self.first(
            ACCOUNT,
            "select id, name, plan, created_at from accounts order by created_at, id limit 1",
            [],
            account,
        )
    }

    fn accounts(&self) -> Result<Vec<Account>, Error> {
        self.all(
            ACCOUNT,
            "select id, name, plan, created_at from accounts order by created_at, id limit 1000",
            [],
            account,
        )
    }
}

impl AccountsMut for Tx<'_> {
    fn insert_account(&mut self, account: &Account) -> Result<(), Error> {
        self.change_one(
            ACCOUNT,
            "insert into accounts (id, name, plan, created_at) values ($1, $2, $3, $4)",
            params![account.id.uuid().as_bytes(), account.name, account.plan, micros(account.created_at)],
        )
    }

    fn set_plan(&mut self, account: AccountId, plan: Option<&str>) -> Result<bool, Error> {
        let changed = self.change(
            ACCOUNT,
            "update accounts set plan = $1 where id = $2",
            params![plan, account.uuid().as_bytes()],
        )?;
        Ok(changed > 0)
    }
}

fn account(columns: &mut Columns<'_>) -> Result<Account, Error> {
    Ok(Account {
        id: columns.id()?,
        name: columns.take()?,
        plan: columns.take()?,
        created_at: columns.time()?,
    })
}
