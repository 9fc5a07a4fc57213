//! Accounts: the tenants.

use jiff::Timestamp;

use crate::id::AccountId;

/// One tenant. Everything else belongs to exactly one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// What its people call it.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
}
