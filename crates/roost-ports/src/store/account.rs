use roost_domain::account::Account;
use roost_domain::id::AccountId;

use super::Error;

/// Looks at accounts.
pub trait Accounts {
    /// Returns one account.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn account(&self, id: AccountId) -> Result<Option<Account>, Error>;

    /// Returns the account that was made first: the one `roost up` made.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn first_account(&self) -> Result<Option<Account>, Error>;
}

/// Changes accounts.
pub trait AccountsMut {
    /// Adds an account.
    ///
    /// # Errors
    ///
    /// [`Error::Exists`] if the id is taken.
    fn insert_account(&mut self, account: &Account) -> Result<(), Error>;
}
