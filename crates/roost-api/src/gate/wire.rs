use roost_core::{DecisionEntry, Evaluation};
use roost_domain::guard::Opinion;
use roost_http::iso;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// What becomes of a call, and why.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Explanation {
    /// `allow`, `require_approval` or `block`
    decision: &'static str,
    /// What decided; `docs/errors.md` explains each.
    #[schema(example = "blocked_by_rule")]
    code: &'static str,
    /// Why, in a sentence.
    reason: String,
    /// The rule of the policy that decided, by its place: `block[2]`.
    rule: Option<String>,
    policy_version: Option<String>,
    /// The smallest change that would allow it; null where it is allowed.
    would_allow: Option<String>,
}

/// What the gate decided about a call.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GateEvaluation {
    #[serde(flatten)]
    explanation: Explanation,
    /// The approval that was asked for, where one is needed: `GET /v1/approvals/{id}` tells how it stands.
    approval_id: Option<String>,
    evaluated_at: String,
}

/// A decision as it was written down.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GateDecision {
    /// The agent, by its id, or by its name where it runs elsewhere.
    agent_id: String,
    tool: String,
    /// Null where they were too long to be kept.
    parameters: Option<Value>,
    /// `allow`, `require_approval` or `block`
    decision: &'static str,
    code: String,
    reason: String,
    rule: Option<String>,
    policy_version: Option<String>,
    approval_id: Option<String>,
    /// What the agent calls the run; of an agent that is hosted here, its turn.
    run_id: Option<String>,
    triggered_by: Option<String>,
    /// Null where the agent runs elsewhere.
    session_id: Option<String>,
    /// Null where the agent runs elsewhere.
    turn_id: Option<String>,
    decided_at: String,
}

impl Explanation {
    pub(super) fn new(opinion: Opinion) -> Self {
        Self {
            decision: opinion.ruling.name(),
            code: opinion.code,
            reason: opinion.why,
            rule: opinion.rule,
            policy_version: opinion.version.map(|version| version.to_string()),
            would_allow: Some(opinion.grant).filter(|grant| !grant.is_empty()),
        }
    }
}

impl GateEvaluation {
    pub(super) fn new(evaluation: Evaluation) -> Self {
        Self {
            explanation: Explanation::new(evaluation.opinion),
            approval_id: evaluation.approval.map(|id| id.to_string()),
            evaluated_at: iso(evaluation.at),
        }
    }
}

impl GateDecision {
    pub(super) fn new(entry: DecisionEntry) -> Self {
        let (session_id, turn_id) =
            entry.turn.map(|(session, turn)| (session.to_string(), turn.to_string())).unzip();
        Self {
            agent_id: entry.subject.to_string(),
            tool: entry.tool,
            parameters: entry.parameters,
            decision: entry.ruling.name(),
            code: entry.code,
            reason: entry.reason,
            rule: entry.rule,
            policy_version: entry.version.map(|version| version.to_string()),
            approval_id: entry.approval.map(|id| id.to_string()),
            run_id: entry.run,
            triggered_by: entry.triggered_by,
            session_id,
            turn_id,
            decided_at: iso(entry.at),
        }
    }
}
