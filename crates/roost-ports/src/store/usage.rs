use jiff::civil::Date;
use roost_domain::id::{AccountId, AgentId};
use roost_domain::model::{ModelName, Usage};
use roost_domain::unit::MicroUsd;

use super::Error;

/// What an agent has spent in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ledger {
    /// Settled.
    pub spent: MicroUsd,
    /// Held back for calls under way.
    pub reserved: MicroUsd,
}

impl Ledger {
    /// Returns what is no longer free to spend.
    pub const fn committed(&self) -> MicroUsd {
        self.spent.saturating_add(self.reserved)
    }
}

/// What one agent used of one model on one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageRow {
    /// The agent.
    pub agent: AgentId,
    /// The model.
    pub model: ModelName,
    /// The day, in UTC.
    pub day: Date,
    /// Model calls that were answered.
    pub calls: u64,
    /// Tokens.
    pub usage: Usage,
    /// What it cost.
    pub cost: MicroUsd,
}

/// Looks at what was used.
pub trait Usages {
    /// Returns an agent's ledger; empty if it never spent anything.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn ledger(&self, agent: AgentId) -> Result<Ledger, Error>;

    /// Returns what an account used from one day to another, both included, by day, agent and model; at most
    /// 10,000 rows. `agent` narrows it to one.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn usage(
        &self,
        account: AccountId,
        agent: Option<AgentId>,
        from: Date,
        to: Date,
    ) -> Result<Vec<UsageRow>, Error>;
}

/// Changes what was used.
pub trait UsagesMut {
    /// Holds back an amount; the caller has checked the ledger in the same transaction.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn reserve(&mut self, agent: AgentId, amount: MicroUsd) -> Result<(), Error>;

    /// Gives back what was held and books what was spent.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn settle(&mut self, agent: AgentId, reserved: MicroUsd, spent: MicroUsd) -> Result<(), Error>;

    /// Adds one answered model call to the day's row.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn add_usage(
        &mut self,
        account: AccountId,
        agent: AgentId,
        model: &ModelName,
        day: Date,
        usage: Usage,
        cost: MicroUsd,
    ) -> Result<(), Error>;
}
