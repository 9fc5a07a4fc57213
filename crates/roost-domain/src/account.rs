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
    /// The plan that was chosen for it, by its name in the configuration; without one it has the usual plan.
    pub plan: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
}
