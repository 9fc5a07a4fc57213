use std::time::Duration;

use jiff::civil::Date;
use roost_domain::id::{AccountId, AgentId, SessionId};
use roost_domain::model::{ModelName, Usage};
use roost_domain::page::{Limit, Page};
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

/// How much of everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Amounts {
    /// Model calls that were answered, and those that may have cost something though they were not.
    pub calls: u64,
    /// Tokens of the calls that were answered.
    pub usage: Usage,
    /// What the calls cost.
    pub cost: MicroUsd,
    /// Turns that ended.
    pub turns: u64,
    /// Tool calls that were run to an end.
    pub tool_calls: u64,
    /// How long the agent's machine was up and not frozen.
    pub machine: Duration,
}

/// Something that an agent used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Used {
    /// The account.
    pub account: AccountId,
    /// The agent.
    pub agent: AgentId,
    /// The session whose peer it was for, if it was for one.
    pub session: Option<SessionId>,
    /// The model that was called; for what is no call, the one that the agent has.
    pub model: ModelName,
    /// The day, in UTC.
    pub day: Date,
    /// How much.
    pub amounts: Amounts,
}

/// By what usage is told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dimension {
    /// By day.
    Day,
    /// By agent.
    Agent,
    /// By model.
    Model,
    /// By peer.
    Peer,
}

/// Which usage to sum up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageFilter {
    /// The account.
    pub account: AccountId,
    /// Only that of this agent.
    pub agent: Option<AgentId>,
    /// From this day on.
    pub from: Date,
    /// Up to this day, included.
    pub to: Date,
    /// By what it is told apart.
    pub by: Vec<Dimension>,
}

/// What a sum is of. Dimensions by which it is not told apart are empty; so is the peer where there is none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UsageKey {
    /// The day, as `2026-11-21`.
    pub day: String,
    /// The agent.
    pub agent: Option<AgentId>,
    /// The model.
    pub model: String,
    /// The peer: `peer:…`, `key:…` or `agent`.
    pub peer: String,
}

/// A sum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageRow {
    /// What it is of.
    pub key: UsageKey,
    /// How much.
    pub amounts: Amounts,
}

/// Looks at what was used.
pub trait Usages {
    /// Returns an agent's ledger; empty if it never spent anything.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn ledger(&self, agent: AgentId) -> Result<Ledger, Error>;

    /// Returns sums of what was used, in the order of day, agent, model, peer.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn usage(
        &self,
        filter: &UsageFilter,
        after: Option<&UsageKey>,
        limit: Limit,
    ) -> Result<Page<UsageRow, UsageKey>, Error>;

    /// Returns the sum of all that was used.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn usage_total(&self, filter: &UsageFilter) -> Result<Amounts, Error>;
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

    /// Adds to what was used.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn add_usage(&mut self, used: &Used) -> Result<(), Error>;
}
