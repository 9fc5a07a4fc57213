use roost_domain::agent::Agent;
use roost_domain::id::{AccountId, AgentId};
use roost_domain::page::Limit;
use roost_ports::store::{Error, WorkflowVersion, Workflows, WorkflowsMut};
use rusqlite::params;

use super::agent::agent;
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

    fn missing_integrations(&self, agent: AgentId) -> Result<Vec<String>, Error> {
        // As many as a configuration names.
        self.all(
            WORKFLOW,
            "select integration from missing_integrations where agent_id = $1 order by integration",
            params![agent.uuid().as_bytes()],
            |columns| columns.take(),
        )
    }

    fn agents_by_readiness(
        &self,
        account: AccountId,
        ready: Option<bool>,
        skip: u64,
        limit: Limit,
    ) -> Result<(Vec<Agent>, u64), Error> {
        let rows = self.all(
            WORKFLOW,
            "select id, account_id, name, description, model, size, region, avatar_url, tags, config, state,
                    needs_restart, failure_category, failure_message, created_at, started_at, stopped_at,
                    swarm_id, runtime, arming
             from agents
             where account_id = $1 and deleted_at is null
               and ($2 is null or $2 = not exists (
                   select 1 from missing_integrations where missing_integrations.agent_id = agents.id))
             order by created_at desc, id desc limit $3 offset $4",
            params![account.uuid().as_bytes(), ready, limit.get(), signed(WORKFLOW, skip)?],
            agent,
        )?;
        let total = self.only(
            WORKFLOW,
            "select count(*) from agents
             where account_id = $1 and deleted_at is null
               and ($2 is null or $2 = not exists (
                   select 1 from missing_integrations where missing_integrations.agent_id = agents.id))",
            params![account.uuid().as_bytes(), ready],
            |columns| columns.count(),
        )?;
        Ok((rows, total))
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

    fn set_integrations(&mut self, agent: AgentId, integrations: &[String]) -> Result<(), Error> {
        let agent = agent.uuid();
        self.change(
            WORKFLOW,
            "delete from agent_integrations where agent_id = $1",
            params![agent.as_bytes()],
        )?;
        for integration in integrations {
            self.change_one(
                WORKFLOW,
                "insert into agent_integrations (agent_id, integration) values ($1, $2)",
                params![agent.as_bytes(), integration],
            )?;
        }
        Ok(())
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
