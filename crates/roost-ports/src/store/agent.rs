use jiff::Timestamp;
use roost_domain::agent::{Agent, Region, State};
use roost_domain::id::{AccountId, AgentId, SwarmId};
use roost_domain::page::{Limit, Page};

use super::Error;

/// Which agents a list holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AgentFilter {
    /// Only those in one of these states; empty is all.
    pub states: Vec<State>,
    /// Only those whose name contains this text, whatever the case.
    pub name_contains: Option<String>,
    /// Only those with this tag.
    pub tag: Option<String>,
    /// Only those in this swarm.
    pub swarm: Option<SwarmId>,
}

/// The last agent of a page: the next page begins after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AgentCursor {
    /// When it was made.
    pub created_at: Timestamp,
    /// Its id.
    pub id: AgentId,
}

/// Looks at agents. Deleted agents are not found.
pub trait Agents {
    /// Returns one agent of an account.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn agent(&self, account: AccountId, id: AgentId) -> Result<Option<Agent>, Error>;

    /// Returns one agent of whatever account, for the runtime.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn agent_of_any_account(&self, id: AgentId) -> Result<Option<Agent>, Error>;

    /// Tells whether an agent was there and is deleted; `false` for one that never was.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn is_deleted(&self, id: AgentId) -> Result<bool, Error>;

    /// Returns agents of all accounts whose runtimes are to come up, the oldest first; a fork that is not whole yet is none.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn provisioning_agents(&self, limit: Limit) -> Result<Vec<AgentId>, Error>;

    /// Returns the agents of an account, newest first.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn agents(
        &self,
        account: AccountId,
        filter: &AgentFilter,
        after: Option<AgentCursor>,
        limit: Limit,
    ) -> Result<Page<Agent, AgentCursor>, Error>;

    /// Returns agents of an account that have exactly this name, newest first.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn agents_named(&self, account: AccountId, name: &str, limit: Limit) -> Result<Vec<Agent>, Error>;

    /// Returns agents of all accounts that are up (running, frozen or paused) in a region, in no order.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn agents_up_in(&self, region: Region, limit: Limit) -> Result<Vec<Agent>, Error>;
}

/// Changes agents.
pub trait AgentsMut {
    /// Adds an agent.
    ///
    /// # Errors
    ///
    /// [`Error::Exists`] if the id is taken.
    fn insert_agent(&mut self, agent: &Agent) -> Result<(), Error>;

    /// Replaces an agent's row; read it in the same transaction.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn update_agent(&mut self, agent: &Agent) -> Result<(), Error>;

    /// Deletes an agent for good: its documents, secrets, sessions, events, turns, jobs and approvals are
    /// removed; its snapshots are going; the row stays, marked, so that its id is never used again and its usage
    /// can be accounted for.
    /// Returns whether it was there.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn delete_agent(&mut self, account: AccountId, id: AgentId, at: Timestamp) -> Result<bool, Error>;
}
