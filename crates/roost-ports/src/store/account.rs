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

    /// Returns the accounts, the oldest first, at most 1,000.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn accounts(&self) -> Result<Vec<Account>, Error>;
}

/// Changes accounts.
pub trait AccountsMut {
    /// Adds an account.
    ///
    /// # Errors
    ///
    /// [`Error::Exists`] if the id is taken.
    fn insert_account(&mut self, account: &Account) -> Result<(), Error>;

    /// Chooses an account's plan, or none, and returns whether there is such an account.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn set_plan(&mut self, account: AccountId, plan: Option<&str>) -> Result<bool, Error>;
}
