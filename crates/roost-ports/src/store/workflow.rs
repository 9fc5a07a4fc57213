use jiff::Timestamp;
use roost_domain::agent::Agent;
use roost_domain::id::{AccountId, AgentId};
use roost_domain::page::Limit;
use serde_json::Value;

use super::Error;

/// One version of an agent's workflow.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkflowVersion {
    /// Which: 1, 2, 3, …
    pub version: u64,
    /// The configuration, as it was given and found good.
    pub config: Value,
    /// Who wrote it, for people.
    pub author: String,
    /// When.
    pub at: Timestamp,
}

/// Looks at workflows.
pub trait Workflows {
    /// Returns the latest version of an agent's workflow, if it has one.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn latest_workflow(&self, agent: AgentId) -> Result<Option<WorkflowVersion>, Error>;

    /// Returns one version of an agent's workflow.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn workflow_version(&self, agent: AgentId, version: u64) -> Result<Option<WorkflowVersion>, Error>;

    /// Returns the versions of an agent's workflow that are older than `before`, newest first.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn workflow_versions(
        &self,
        agent: AgentId,
        before: Option<u64>,
        limit: Limit,
    ) -> Result<Vec<WorkflowVersion>, Error>;

    /// Returns the services that an agent's workflow uses and that it is not connected to, by name.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn missing_integrations(&self, agent: AgentId) -> Result<Vec<String>, Error>;

    /// Returns agents of an account after the first `skip`, newest first, and how many there are in all: only those
    /// that are connected to all that they use, or only those that are not, or both.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn agents_by_readiness(
        &self,
        account: AccountId,
        ready: Option<bool>,
        skip: u64,
        limit: Limit,
    ) -> Result<(Vec<Agent>, u64), Error>;
}

/// Changes workflows.
pub trait WorkflowsMut {
    /// Adds a version, whose number is one more than that of the latest.
    ///
    /// # Errors
    ///
    /// [`Error::Exists`] if there is one with its number.
    fn insert_workflow(&mut self, agent: AgentId, version: &WorkflowVersion) -> Result<(), Error>;

    /// Says which services an agent's workflow uses.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn set_integrations(&mut self, agent: AgentId, integrations: &[String]) -> Result<(), Error>;
}
