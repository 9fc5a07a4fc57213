use roost_core::{AgentView, Ctx};
use roost_domain::agent::Agent;
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::vocabulary::word;
use roost_http::{iso, iso_if};

/// An agent, as lists show it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AgentSummary {
    /// A UUID.
    #[schema(example = "0197c1f0-8c00-7000-8000-000000000001")]
    id: String,
    name: String,
    /// `provisioning`, `running`, `paused`, `stopped` or `error`. An idle agent whose machine is frozen is
    /// `running` for Agento keys and `paused` for all others; it wakes on use.
    status: &'static str,
    /// `eu` or `us`
    region: &'static str,
    /// What it runs: `roost` or `openclaw`.
    image: &'static str,
    /// The same, as GoPilot calls it.
    runtime_kind: &'static str,
    /// The swarm it is in.
    swarm: Option<String>,
    description: String,
    /// As `provider/model`.
    #[schema(example = "anthropic/claude-sonnet-4-6")]
    model: String,
    /// `small` (1 vCPU, 2 GiB), `medium` (2, 4), `large` (2, 8) or `xlarge` (4, 16).
    size: &'static str,
    tags: Vec<String>,
    avatar_url: Option<String>,
    /// Whether a change waits for the next restart to take effect.
    needs_restart: bool,
    /// The last thing that went wrong; cleared by the next start.
    last_error: Option<String>,
    /// Whose problem that is: `auth`, `provider`, `quota`, `machine`, `config` or `internal`.
    error_category: Option<&'static str>,
    created_at: String,
    started_at: Option<String>,
    stopped_at: Option<String>,
}

/// An agent with its configuration and documents.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AgentDetails {
    #[serde(flatten)]
    summary: AgentSummary,
    /// As its owner gave it, with `llmProvider` and `authType` as they are.
    #[schema(value_type = Object)]
    config: Map<String, Value>,
    /// SOUL.md: how it is.
    soul_md: Option<String>,
    /// IDENTITY.md: who it is.
    identity_md: Option<String>,
    /// WORKFLOW.md: what its job is.
    workflow_md: Option<String>,
}

impl AgentSummary {
    pub(crate) fn new(ctx: &Ctx, agent: Agent) -> Self {
        Self {
            id: agent.id.to_string(),
            status: word(ctx, agent.state),
            region: agent.region.name(),
            image: agent.runtime.name(),
            runtime_kind: agent.runtime.name(),
            swarm: agent.swarm.map(|swarm| swarm.to_string()),
            description: agent.description,
            model: agent.model.to_string(),
            size: agent.size.name(),
            tags: agent.tags,
            avatar_url: agent.avatar_url,
            needs_restart: agent.needs_restart,
            error_category: agent.last_failure.as_ref().map(|failure| failure.category.name()),
            last_error: agent.last_failure.map(|failure| failure.message),
            created_at: iso(agent.created_at),
            started_at: iso_if(agent.started_at),
            stopped_at: iso_if(agent.stopped_at),
            name: agent.name,
        }
    }
}

impl AgentDetails {
    pub(crate) fn new(ctx: &Ctx, view: AgentView) -> Self {
        let AgentView { agent, soul, identity, workflow } = view;
        let mut config = agent.config.clone();
        config.insert("llmProvider".to_owned(), json!(agent.model.provider()));
        config.entry("authType").or_insert_with(|| json!("api_key"));
        Self {
            config,
            soul_md: soul.map(|document| document.content),
            identity_md: identity.map(|document| document.content),
            workflow_md: workflow.map(|document| document.content),
            summary: AgentSummary::new(ctx, agent),
        }
    }
}
