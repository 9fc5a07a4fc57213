use jiff::Timestamp;
use roost_domain::id::AgentId;
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
}

/// Changes workflows.
pub trait WorkflowsMut {
    /// Adds a version, whose number is one more than that of the latest.
    ///
    /// # Errors
    ///
    /// [`Error::Exists`] if there is one with its number.
    fn insert_workflow(&mut self, agent: AgentId, version: &WorkflowVersion) -> Result<(), Error>;
}
