use roost_core::{Ctx, SwarmDetails, SwarmView};
use roost_domain::agent::Agent;
use roost_http::iso;
use serde::Serialize;
use utoipa::ToSchema;

use crate::vocabulary::word;

/// A group of agents.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Swarm {
    /// A UUID.
    id: String,
    name: String,
    /// Its name in addresses and in permissions (`swarm:growth`); a rename does not change it.
    #[schema(example = "growth")]
    slug: String,
    description: Option<String>,
    icon: Option<String>,
    /// How many agents are in it.
    agent_count: u64,
    /// How many people are in it. Roost has no people of swarms yet, so it is 0.
    member_count: u64,
    created_at: String,
    updated_at: String,
}

/// A group of agents, with them.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SwarmWithAgents {
    #[serde(flatten)]
    swarm: Swarm,
    /// Newest first, at most 1,000.
    agents: Vec<SwarmAgent>,
    /// The names of the keys that its agents share, sorted; never their values.
    secrets: Vec<String>,
}

/// An agent of a swarm.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SwarmAgent {
    /// A UUID.
    id: String,
    name: String,
    status: &'static str,
    created_at: String,
}

impl Swarm {
    pub(super) fn new(view: SwarmView) -> Self {
        let SwarmView { swarm, agents } = view;
        Self {
            id: swarm.id.to_string(),
            name: swarm.name,
            slug: swarm.slug,
            description: swarm.description,
            icon: swarm.icon,
            agent_count: agents,
            member_count: 0,
            created_at: iso(swarm.created_at),
            updated_at: iso(swarm.updated_at),
        }
    }
}

impl SwarmWithAgents {
    pub(super) fn new(ctx: &Ctx, details: SwarmDetails) -> Self {
        let agent = |agent: Agent| SwarmAgent {
            id: agent.id.to_string(),
            status: word(ctx, agent.state),
            created_at: iso(agent.created_at),
            name: agent.name,
        };
        Self {
            swarm: Swarm::new(details.view),
            agents: details.agents.into_iter().map(agent).collect(),
            secrets: details.secrets,
        }
    }
}
