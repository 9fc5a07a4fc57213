use axum::Json as Answer;
use axum::extract::State;
use roost_core::{Ctx, StatusView};
use roost_domain::agent;
use roost_domain::id::AgentId;
use roost_domain::machine::{Condition, Stats};
use roost_http::{Caller, Failure, Segment};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::envelope::Data;
use crate::vocabulary::word;

/// An agent and its machine right now.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AgentStatus {
    /// As in the agent itself.
    status: &'static str,
    /// In Docker's words: `running`, `paused` (frozen), `created` (it starts when a tool first needs it), `exited`.
    container_status: &'static str,
    /// Whether the agent takes messages.
    live: bool,
    /// What the machine uses; null while there is none.
    resources: Option<Resources>,
    /// Always `roost`.
    source: &'static str,
    machine: Machine,
}

/// What a machine uses, for people.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Resources {
    #[schema(example = "128MiB / 4GiB")]
    memory_usage: String,
    /// Of one CPU.
    #[schema(example = "2.35%")]
    cpu_percent: String,
}

/// A machine, for programs.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Machine {
    /// `absent`, `running` or `frozen`
    condition: &'static str,
    /// The walls around it, and whether this host lets each stand.
    layers: Vec<Layer>,
    processes: Option<u32>,
    memory_bytes: Option<u64>,
    memory_limit_bytes: Option<u64>,
}

/// One wall around a machine.
#[derive(Debug, Serialize, ToSchema)]
struct Layer {
    #[schema(example = "seccomp")]
    name: &'static str,
    holds: bool,
    /// How, or why not.
    detail: String,
}

/// Tell how an agent is
///
/// And what its machine is doing and using right now.
#[utoipa::path(
    get, path = "/v1/agents/{id}/status", tag = "agents",
    security(("ApiKey" = ["agents:read"]), ("Bearer" = ["agents:read"])),
    params(("id" = String, Path, description = "The agent.")),
    responses((status = 200, description = "How it is.", body = Data<AgentStatus>)),
)]
pub(crate) async fn status(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(AgentId,)>,
) -> Result<Answer<Data<AgentStatus>>, Failure> {
    let view = app.core.agents().status(&ctx, id).await?;
    Ok(Answer(Data { data: AgentStatus::new(&ctx, view) }))
}

impl AgentStatus {
    fn new(ctx: &Ctx, view: StatusView) -> Self {
        let StatusView { agent, machine } = view;
        let stats = machine.stats;
        let layer = |layer: roost_domain::machine::Layer| Layer {
            name: layer.name,
            holds: layer.holds,
            detail: layer.detail,
        };
        Self {
            status: word(ctx, agent.state),
            container_status: container_status(ctx, agent.state, machine.condition),
            live: agent.state.takes_messages(),
            resources: stats.as_ref().map(resources),
            source: "roost",
            machine: Machine {
                condition: machine.condition.name(),
                layers: machine.layers.into_iter().map(layer).collect(),
                processes: stats.map(|stats| stats.processes),
                memory_bytes: stats.map(|stats| stats.memory.0),
                memory_limit_bytes: stats.map(|stats| stats.memory_limit.0),
            },
        }
    }
}

fn container_status(ctx: &Ctx, state: agent::State, condition: Condition) -> &'static str {
    match condition {
        Condition::Running => "running",
        // Who does not know frozen agents is not told of frozen machines.
        Condition::Frozen => word(ctx, agent::State::Frozen),
        Condition::Absent if state.takes_messages() => "created",
        Condition::Absent => "exited",
    }
}

fn resources(stats: &Stats) -> Resources {
    Resources {
        memory_usage: format!("{} / {}", stats.memory, stats.memory_limit),
        cpu_percent: format!("{:.2}%", stats.cpu_share * 100.0),
    }
}
