use axum::Json as Answer;
use axum::extract::State;
use roost_core::{TurnPhase, TurnTree};
use roost_domain::event::Ending;
use roost_domain::id::{AgentId, TurnId};
use roost_http::{Caller, Failure, Segment, iso, iso_if};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::envelope::Data;

/// A turn: one message, and what came of it, with the turns that other agents did for it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Turn {
    /// `turn_…`
    id: String,
    agent_id: String,
    /// What the agent is called.
    agent_name: String,
    session_id: String,
    /// The tool call that it was done for; null where no agent asked.
    call_id: Option<String>,
    /// What was asked.
    message: String,
    /// What the agent said last.
    answer: String,
    /// `queued`, `working`, `waiting` (for a person or another agent), `answered`, `failed` or `cancelled`
    status: &'static str,
    /// Why it failed.
    error: Option<TurnError>,
    /// What its own model calls cost; those of the turns below are theirs.
    cost_usd: f64,
    /// The same in millionths of a dollar, exact.
    cost_micro_usd: i64,
    created_at: String,
    ended_at: Option<String>,
    /// The turns that other agents did for it, oldest first.
    #[schema(no_recursion)]
    children: Vec<Turn>,
}

/// Why a turn failed.
#[derive(Debug, Serialize, ToSchema)]
struct TurnError {
    code: String,
    message: String,
}

/// Get a turn
///
/// With what other agents of the swarm did for it, as one tree of at most 500 turns.
#[utoipa::path(
    get, path = "/v1/agents/{id}/chat/turns/{turn}", tag = "chat", operation_id = "get_turn",
    security(("ApiKey" = ["chat"]), ("Bearer" = ["chat"])),
    params(
        ("id" = String, Path, description = "The agent."),
        ("turn" = String, Path, description = "The turn, as the stream's `start` names it."),
    ),
    responses((status = 200, description = "The turn.", body = Data<Turn>)),
)]
pub(crate) async fn turn(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((agent, turn)): Segment<(AgentId, TurnId)>,
) -> Result<Answer<Data<Turn>>, Failure> {
    let tree = app.core.sessions().turn(&ctx, agent, turn).await?;
    Ok(Answer(Data { data: Turn::new(tree) }))
}

impl Turn {
    fn new(tree: TurnTree) -> Self {
        let (status, error) = match (tree.ending, tree.phase) {
            (Some(Ending::Answered), _) => ("answered", None),
            (Some(Ending::Cancelled), _) => ("cancelled", None),
            (Some(Ending::Failed(problem)), _) => {
                ("failed", Some(TurnError { code: problem.code, message: problem.message }))
            }
            (None, TurnPhase::Queued) => ("queued", None),
            (None, TurnPhase::Waiting) => ("waiting", None),
            (None, TurnPhase::Active | TurnPhase::Ended) => ("working", None),
        };
        Self {
            id: tree.turn.to_string(),
            agent_id: tree.agent.to_string(),
            agent_name: tree.name,
            session_id: tree.session.to_string(),
            call_id: tree.call,
            message: tree.message,
            answer: tree.answer,
            status,
            error,
            cost_usd: tree.cost.0 as f64 / 1_000_000.0,
            cost_micro_usd: tree.cost.0,
            created_at: iso(tree.created_at),
            ended_at: iso_if(tree.ended_at),
            children: tree.below.into_iter().map(Self::new).collect(),
        }
    }
}
