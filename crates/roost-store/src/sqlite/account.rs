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
            "select id, name, created_at from accounts where id = $1",
            params![id.uuid().as_bytes()],
            account,
        )
    }

    fn first_account(&self) -> Result<Option<Account>, Error> {
        self.first(
            ACCOUNT,
            "select id, name, created_at from accounts order by created_at, id limit 1",
            [],
            account,
        )
    }
}

impl AccountsMut for Tx<'_> {
    fn insert_account(&mut self, account: &Account) -> Result<(), Error> {
        self.change_one(
            ACCOUNT,
            "insert into accounts (id, name, created_at) values ($1, $2, $3)",
            params![account.id.uuid().as_bytes(), account.name, micros(account.created_at)],
        )
    }
}

fn account(columns: &mut Columns<'_>) -> Result<Account, Error> {
    Ok(Account { id: columns.id()?, name: columns.take()?, created_at: columns.time()? })
}
