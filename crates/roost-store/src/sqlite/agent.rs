use jiff::Timestamp;
use roost_domain::agent::{Agent, Arming, Failure, FailureCategory, Region, State};
use roost_domain::id::{AccountId, AgentId};
use roost_domain::knowledge::Owner;
use roost_domain::page::{Limit, Page};
use roost_ports::store::{AgentCursor, AgentFilter, Agents, AgentsMut, Error, KnowledgeMut};
use rusqlite::params;
use serde::Serialize;

use super::{Columns, LAST_ID, LAST_TIME, Noun, Tx, failed, micros, named, noun};

const AGENT: Noun = noun!("agent");

impl Agents for Tx<'_> {
    fn agent(&self, account: AccountId, id: AgentId) -> Result<Option<Agent>, Error> {
        self.first(
            AGENT,
            "select id, account_id, name, description, model, size, region, avatar_url, tags, config, state,
                    needs_restart, failure_category, failure_message, created_at, started_at, stopped_at,
                    swarm_id, runtime, arming
             from agents where id = $1 and account_id = $2 and deleted_at is null",
            params![id.uuid().as_bytes(), account.uuid().as_bytes()],
            agent,
        )
    }

    fn agent_of_any_account(&self, id: AgentId) -> Result<Option<Agent>, Error> {
        self.first(
            AGENT,
            "select id, account_id, name, description, model, size, region, avatar_url, tags, config, state,
                    needs_restart, failure_category, failure_message, created_at, started_at, stopped_at,
                    swarm_id, runtime, arming
             from agents where id = $1 and deleted_at is null",
            params![id.uuid().as_bytes()],
            agent,
        )
    }

    fn is_deleted(&self, id: AgentId) -> Result<bool, Error> {
        let found = self.first(
            AGENT,
            "select count(*) from agents where id = $1 and deleted_at is not null",
            params![id.uuid().as_bytes()],
            |columns| columns.count(),
        )?;
        Ok(found.is_some_and(|count| count > 0))
    }

    fn provisioning_agents(&self, limit: Limit) -> Result<Vec<AgentId>, Error> {
        self.all(
            AGENT,
            "select id from agents
             where state = 'provisioning' and deleted_at is null
               and not exists (select 1 from restorations where agent_id = agents.id and kind = 'fork')
             order by id limit $1",
            params![limit.get()],
            |columns| columns.id(),
        )
    }

    fn agents(
        &self,
        account: AccountId,
        filter: &AgentFilter,
        after: Option<AgentCursor>,
        limit: Limit,
    ) -> Result<Page<Agent, AgentCursor>, Error> {
        let account = account.uuid();
        let states = six_states(&filter.states);
        let pattern = filter.name_contains.as_deref().map(containing);
        let swarm = filter.swarm.map(|swarm| swarm.uuid().into_bytes());
        let (created_at, id) =
            after.map_or((LAST_TIME, LAST_ID), |last| (micros(last.created_at), last.id.uuid().into_bytes()));
        // One row more than asked for tells whether there is a next page.
        let mut rows = self.all(
            AGENT,
            "select id, account_id, name, description, model, size, region, avatar_url, tags, config, state,
                    needs_restart, failure_category, failure_message, created_at, started_at, stopped_at,
                    swarm_id, runtime, arming
             from agents
             where account_id = $1 and deleted_at is null and (created_at, id) < ($2, $3)
               and state in ($4, $5, $6, $7, $8, $9)
               and ($10 is null or name_folded like $10 escape '\\')
               and ($11 is null or exists (
                   select 1 from agent_tags where agent_tags.agent_id = agents.id and agent_tags.tag = $11))
               and ($12 is null or swarm_id = $12)
             order by created_at desc, id desc limit $13",
            params![
                account.as_bytes(),
                created_at,
                id,
                states[0],
                states[1],
                states[2],
                states[3],
                states[4],
                states[5],
                pattern,
                filter.tag,
                swarm,
                i64::from(limit.get()) + 1,
            ],
            agent,
        )?;
        let more = rows.len() > limit.get() as usize;
        rows.truncate(limit.get() as usize);
        let next =
            rows.last().filter(|_| more).map(|last| AgentCursor { created_at: last.created_at, id: last.id });
        let total = self.only(
            AGENT,
            "select count(*) from agents
             where account_id = $1 and deleted_at is null and state in ($2, $3, $4, $5, $6, $7)
               and ($8 is null or name_folded like $8 escape '\\')
               and ($9 is null or exists (
                   select 1 from agent_tags where agent_tags.agent_id = agents.id and agent_tags.tag = $9))
               and ($10 is null or swarm_id = $10)",
            params![
                account.as_bytes(),
                states[0],
                states[1],
                states[2],
                states[3],
                states[4],
                states[5],
                pattern,
                filter.tag,
                swarm,
            ],
            |columns| columns.count(),
        )?;
        Ok(Page { rows, next, total })
    }

    fn agents_named(&self, account: AccountId, name: &str, limit: Limit) -> Result<Vec<Agent>, Error> {
        self.all(
            AGENT,
            "select id, account_id, name, description, model, size, region, avatar_url, tags, config, state,
                    needs_restart, failure_category, failure_message, created_at, started_at, stopped_at,
                    swarm_id, runtime, arming
             from agents
             where account_id = $1 and name_folded = $2 and name = $3 and deleted_at is null
             order by created_at desc, id desc limit $4",
            params![account.uuid().as_bytes(), name.to_lowercase(), name, limit.get()],
            agent,
        )
    }

    fn agents_up_in(&self, region: Region, limit: Limit) -> Result<Vec<Agent>, Error> {
        self.all(
            AGENT,
            "select id, account_id, name, description, model, size, region, avatar_url, tags, config, state,
                    needs_restart, failure_category, failure_message, created_at, started_at, stopped_at,
                    swarm_id, runtime, arming
             from agents
             where region = $1 and state in ('running', 'frozen', 'paused') and deleted_at is null
             order by id limit $2",
            params![region.name(), limit.get()],
            agent,
        )
    }
}

impl AgentsMut for Tx<'_> {
    fn insert_agent(&mut self, agent: &Agent) -> Result<(), Error> {
        self.change_one(
            AGENT,
            "insert into agents (
                 id, account_id, name, name_folded, description, model, size, region, avatar_url, tags, config,
                 state, needs_restart, failure_category, failure_message, created_at, started_at, stopped_at,
                 swarm_id, runtime, arming)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)",
            params![
                agent.id.uuid().as_bytes(),
                agent.account.uuid().as_bytes(),
                agent.name,
                agent.name.to_lowercase(),
                agent.description,
                agent.model.as_str(),
                agent.size.name(),
                agent.region.name(),
                agent.avatar_url,
                json(&agent.tags)?,
                json(&agent.config)?,
                agent.state.name(),
                agent.needs_restart,
                agent.last_failure.as_ref().map(|failure| failure.category.name()),
                agent.last_failure.as_ref().map(|failure| failure.message.as_str()),
                micros(agent.created_at),
                agent.started_at.map(micros),
                agent.stopped_at.map(micros),
                agent.swarm.map(|swarm| swarm.uuid().into_bytes()),
                agent.runtime.name(),
                agent.arming.name(),
            ],
        )?;
        self.insert_tags(agent)
    }

    fn update_agent(&mut self, agent: &Agent) -> Result<(), Error> {
        self.change_one(
            AGENT,
            "update agents
             set name = $1, name_folded = $2, description = $3, model = $4, size = $5, region = $6,
                 avatar_url = $7, tags = $8, config = $9, state = $10, needs_restart = $11,
                 failure_category = $12, failure_message = $13, started_at = $14, stopped_at = $15,
                 swarm_id = $16, arming = $17
             where id = $18 and account_id = $19 and deleted_at is null",
            params![
                agent.name,
                agent.name.to_lowercase(),
                agent.description,
                agent.model.as_str(),
                agent.size.name(),
                agent.region.name(),
                agent.avatar_url,
                json(&agent.tags)?,
                json(&agent.config)?,
                agent.state.name(),
                agent.needs_restart,
                agent.last_failure.as_ref().map(|failure| failure.category.name()),
                agent.last_failure.as_ref().map(|failure| failure.message.as_str()),
                agent.started_at.map(micros),
                agent.stopped_at.map(micros),
                agent.swarm.map(|swarm| swarm.uuid().into_bytes()),
                agent.arming.name(),
                agent.id.uuid().as_bytes(),
                agent.account.uuid().as_bytes(),
            ],
        )?;
        self.delete_of(agent.id, "delete from agent_tags where agent_id = $1")?;
        self.insert_tags(agent)
    }

    fn delete_agent(&mut self, account: AccountId, id: AgentId, at: Timestamp) -> Result<bool, Error> {
        let marked = self.change(
            AGENT,
            "update agents
             set deleted_at = $1, state = 'stopped', description = '', avatar_url = null, tags = '[]',
                 config = '{}', swarm_id = null, failure_category = null, failure_message = null
             where id = $2 and account_id = $3 and deleted_at is null",
            params![micros(at), id.uuid().as_bytes(), account.uuid().as_bytes()],
        )?;
        if marked == 0 {
            return Ok(false);
        }
        // What refers to another row goes before it.
        self.delete_of(id, "delete from agent_tags where agent_id = $1")?;
        self.delete_triggers(id)?;
        self.delete_of(id, "delete from workflows where agent_id = $1")?;
        self.delete_of(id, "delete from agent_integrations where agent_id = $1")?;
        self.delete_of(id, "delete from artifacts where agent_id = $1")?;
        self.delete_of(id, "delete from run_files where agent_id = $1")?;
        self.delete_of(id, "delete from authorizations where agent_id = $1")?;
        self.delete_of(id, "delete from connections where agent_id = $1")?;
        self.delete_of(id, "delete from documents where agent_id = $1")?;
        self.delete_of(id, "delete from secret_references where agent_id = $1")?;
        self.delete_of(id, "delete from secrets where agent_id = $1")?;
        self.delete_of(id, "delete from restorations where agent_id = $1")?;
        self.delete_of(
            id,
            "delete from snapshot_documents
             where snapshot_id in (select id from snapshots where agent_id = $1)",
        )?;
        self.delete_of(id, "update snapshots set status = 'going' where agent_id = $1")?;
        self.delete_of(id, "delete from placed_skills where agent_id = $1")?;
        self.delete_skills(id)?;
        self.delete_of(id, "delete from secret_uses where agent_id = $1")?;
        self.delete_of(id, "delete from jobs where agent_id = $1")?;
        self.delete_of(id, "delete from approvals where agent_id = $1")?;
        self.delete_of(id, "delete from marks where agent_id = $1")?;
        self.delete_of(id, "delete from responses where agent_id = $1")?;
        self.delete_of(id, "delete from turns where agent_id = $1")?;
        self.delete_of(
            id,
            "delete from forms where run_id in (select runs.id from runs where agent_id = $1)",
        )?;
        self.delete_of(
            id,
            "delete from run_events where run_id in (select id from runs where agent_id = $1)",
        )?;
        self.delete_of(id, "delete from runs where agent_id = $1")?;
        self.delete_of(id, "delete from events where agent_id = $1")?;
        self.delete_of(id, "delete from sessions where agent_id = $1")?;
        self.remove_knowledge_of(account, Owner::Agent(id))?;
        Ok(true)
    }
}

impl Tx<'_> {
    fn insert_tags(&self, agent: &Agent) -> Result<(), Error> {
        for tag in &agent.tags {
            self.change(
                AGENT,
                "insert into agent_tags (agent_id, tag) values ($1, $2) on conflict do nothing",
                params![agent.id.uuid().as_bytes(), tag],
            )?;
        }
        Ok(())
    }

    /// Removes rows that belong to an agent.
    fn delete_of(&self, agent: AgentId, sql: &str) -> Result<(), Error> {
        self.change(AGENT, sql, params![agent.uuid().as_bytes()]).map(|_rows| ())
    }
}

/// Fills the six places of `state in (…)`: an empty filter is all states, a shorter one repeats its first.
fn six_states(wanted: &[State]) -> [&'static str; 6] {
    let wanted = if wanted.is_empty() { &State::ALL } else { wanted };
    std::array::from_fn(|index| {
        let state = State::ALL[index];
        if wanted.contains(&state) { state.name() } else { wanted[0].name() }
    })
}

/// The pattern that finds a text anywhere in a folded name.
fn containing(text: &str) -> String {
    let mut pattern = String::from("%");
    for character in text.to_lowercase().chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}

fn json(value: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|error| failed(AGENT.writing, error))
}

pub(super) fn agent(columns: &mut Columns<'_>) -> Result<Agent, Error> {
    Ok(Agent {
        id: columns.id()?,
        account: columns.id()?,
        name: columns.take()?,
        description: columns.take()?,
        model: columns.parsed()?,
        size: columns.parsed()?,
        region: columns.parsed()?,
        avatar_url: columns.take()?,
        tags: columns.json()?,
        config: columns.json()?,
        state: columns.named(&State::ALL, State::name)?,
        needs_restart: columns.take()?,
        last_failure: failure(columns.take()?, columns.take()?)?,
        created_at: columns.time()?,
        started_at: columns.time_if_any()?,
        stopped_at: columns.time_if_any()?,
        swarm: columns.id_if_any()?,
        runtime: columns.parsed()?,
        arming: columns.named(&Arming::ALL, Arming::name)?,
    })
}

fn failure(category: Option<String>, message: Option<String>) -> Result<Option<Failure>, Error> {
    let (Some(category), Some(message)) = (category, message) else { return Ok(None) };
    let category = named(AGENT.name, &category, &FailureCategory::ALL, FailureCategory::name)?;
    Ok(Some(Failure { category, message }))
}
