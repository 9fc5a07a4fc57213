use roost_domain::id::AgentId;
use roost_domain::page::Limit;
use roost_ports::store::{Error, WorkflowVersion, Workflows, WorkflowsMut};
use rusqlite::params;

use super::{Columns, Noun, Tx, micros, noun, signed};

const WORKFLOW: Noun = noun!("workflow");

impl Workflows for Tx<'_> {
    fn latest_workflow(&self, agent: AgentId) -> Result<Option<WorkflowVersion>, Error> {
        self.first(
            WORKFLOW,
            "select version, config, author, created_at from workflows
             where agent_id = $1 order by version desc limit 1",
            params![agent.uuid().as_bytes()],
            version,
        )
    }

    fn workflow_version(&self, agent: AgentId, number: u64) -> Result<Option<WorkflowVersion>, Error> {
        self.first(
            WORKFLOW,
            "select version, config, author, created_at from workflows where agent_id = $1 and version = $2",
            params![agent.uuid().as_bytes(), signed(WORKFLOW, number)?],
            version,
        )
    }

    fn workflow_versions(
        &self,
        agent: AgentId,
        before: Option<u64>,
        limit: Limit,
    ) -> Result<Vec<WorkflowVersion>, Error> {
        let before = before.map(|before| signed(WORKFLOW, before)).transpose()?;
        self.all(
            WORKFLOW,
            "select version, config, author, created_at from workflows
             where agent_id = $1 and ($2 is null or version < $2)
             order by version desc limit $3",
            params![agent.uuid().as_bytes(), before, limit.get()],
            version,
        )
    }
}

impl WorkflowsMut for Tx<'_> {
    fn insert_workflow(&mut self, agent: AgentId, version: &WorkflowVersion) -> Result<(), Error> {
        self.change_one(
            WORKFLOW,
            "insert into workflows (agent_id, version, config, author, created_at) values ($1, $2, $3, $4, $5)",
            params![
                agent.uuid().as_bytes(),
                signed(WORKFLOW, version.version)?,
                version.config.to_string(),
                version.author,
                micros(version.at),
            ],
        )
    }
}

fn version(columns: &mut Columns<'_>) -> Result<WorkflowVersion, Error> {
    Ok(WorkflowVersion {
        version: columns.count()?,
        config: columns.json()?,
        author: columns.take()?,
        at: columns.time()?,
    })
}
