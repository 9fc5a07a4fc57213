use jiff::Timestamp;
use roost_domain::id::{AccountId, AgentId, ModelCallId};
use roost_domain::model::ModelName;
use roost_domain::page::Limit;
use roost_domain::unit::MicroUsd;

use super::Error;

/// A model call outside of any turn that has begun and is not settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelCall {
    /// Its id.
    pub id: ModelCallId,
    /// The account that the ledger belongs to.
    pub account: AccountId,
    /// Whose ledger holds the reservation.
    pub ledger: AgentId,
    /// The model.
    pub model: ModelName,
    /// The most it can cost.
    pub reserved: MicroUsd,
    /// When it began.
    pub began_at: Timestamp,
}

/// Looks at model calls outside of turns.
pub trait ModelCalls {
    /// Returns those that began up to a time and are not settled, of all accounts, the oldest first.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn open_model_calls(&self, until: Timestamp, limit: Limit) -> Result<Vec<ModelCall>, Error>;
}

/// Changes model calls outside of turns.
pub trait ModelCallsMut {
    /// Returns what holds an account's own ledger and usage, next to those of its agents, and sees to it that it is
    /// there. It is no agent: no list has it and nothing can be done with it.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn account_ledger(&mut self, account: AccountId, at: Timestamp) -> Result<AgentId, Error>;

    /// Adds a call.
    ///
    /// # Errors
    ///
    /// [`Error::Exists`] if the id is taken.
    fn insert_model_call(&mut self, call: &ModelCall) -> Result<(), Error>;

    /// Removes a call that is settled; returns whether it was there.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn delete_model_call(&mut self, id: ModelCallId) -> Result<bool, Error>;
}
