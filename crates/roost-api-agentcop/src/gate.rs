//! **Source:** AgentCop's API reference, "Gate API".

use axum::Json as Answer;
use axum::extract::State;
use jiff::Timestamp;
use roost_core::{Core, DecisionEntry, DecisionFilter, Evaluate, ListDecisions};
use roost_domain::guard::Opinion;
use roost_domain::policy::Version;
use roost_domain::subject::Subject;
use roost_http::{Caller, Failure, Json, Query, Segment, iso};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::paging;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EvaluateBody {
    agent_id: String,
    tool_name: String,
    parameters: Map<String, Value>,
    context: Option<ContextBody>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct ContextBody {
    run_id: Option<String>,
    triggered_by: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct EvaluationView {
    #[serde(flatten)]
    opinion: OpinionView,
    #[serde(skip_serializing_if = "Option::is_none")]
    approval_request_id: Option<String>,
    evaluated_at: String,
}

/// What was decided. `code`, `rule` and `would_allow` are not in AgentCop's documents.
#[derive(Serialize)]
pub(crate) struct OpinionView {
    decision: &'static str,
    reason: String,
    policy_version: Option<String>,
    code: &'static str,
    rule: Option<String>,
    would_allow: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogQuery {
    page: Option<u64>,
    limit: Option<u32>,
}

#[derive(Serialize)]
pub(crate) struct LogView {
    agent_id: String,
    decisions: Vec<DecisionView>,
    total: u64,
    page: u64,
}

#[derive(Serialize)]
struct DecisionView {
    tool_name: String,
    decision: &'static str,
    timestamp: String,
    run_id: Option<String>,
    reason: String,
    code: String,
    rule: Option<String>,
    policy_version: Option<String>,
    approval_request_id: Option<String>,
    triggered_by: Option<String>,
}

pub(crate) async fn evaluate(
    State(core): State<Core>,
    Caller(ctx): Caller,
    Json(body): Json<EvaluateBody>,
) -> Result<Answer<EvaluationView>, Failure> {
    let evaluation = core.gate().evaluate(&ctx, body.into_params()?).await?;
    Ok(Answer(EvaluationView {
        opinion: OpinionView::new(evaluation.opinion),
        approval_request_id: evaluation.approval.map(|id| id.to_string()),
        evaluated_at: iso(evaluation.at),
    }))
}

/// Says what would be decided; writes nothing and asks nobody.
pub(crate) async fn explain(
    State(core): State<Core>,
    Caller(ctx): Caller,
    Json(body): Json<EvaluateBody>,
) -> Result<Answer<OpinionView>, Failure> {
    Ok(Answer(OpinionView::new(core.gate().explain(&ctx, body.into_params()?).await?)))
}

pub(crate) async fn log(
    State(core): State<Core>,
    Caller(ctx): Caller,
    Segment((subject,)): Segment<(Subject,)>,
    Query(query): Query<LogQuery>,
) -> Result<Answer<LogView>, Failure> {
    let (page, skip, limit) = paging::page(query.page, query.limit)?;
    let filter = DecisionFilter { subject: Some(subject.clone()), ..DecisionFilter::default() };
    let (decisions, total) = core.gate().log(&ctx, ListDecisions { filter, skip, limit }).await?;
    let decisions = decisions.into_iter().map(DecisionView::new).collect();
    Ok(Answer(LogView { agent_id: subject.to_string(), decisions, total, page }))
}

impl EvaluateBody {
    fn into_params(self) -> Result<Evaluate, Failure> {
        let context = self.context.unwrap_or_default();
        Ok(Evaluate {
            subject: subject("agent_id", &self.agent_id)?,
            tool: self.tool_name,
            parameters: self.parameters,
            run: context.run_id,
            triggered_by: context.triggered_by,
        })
    }
}

pub(crate) fn subject(field: &str, text: &str) -> Result<Subject, Failure> {
    text.parse().map_err(|error| Failure::invalid(field, error))
}

impl OpinionView {
    fn new(opinion: Opinion) -> Self {
        Self {
            decision: opinion.ruling.name(),
            reason: reason(&opinion),
            policy_version: opinion.version.map(|version| version.to_string()),
            code: opinion.code,
            rule: opinion.rule,
            would_allow: Some(opinion.grant).filter(|grant| !grant.is_empty()),
        }
    }
}

/// AgentCop's clients look for the reason `no_policy_found` itself.
fn reason(opinion: &Opinion) -> String {
    if opinion.code == "no_policy_found" { opinion.code.to_owned() } else { opinion.why.clone() }
}

impl DecisionView {
    fn new(entry: DecisionEntry) -> Self {
        let at: Timestamp = entry.at;
        Self {
            tool_name: entry.tool,
            decision: entry.ruling.name(),
            timestamp: iso(at),
            run_id: entry.run,
            reason: if entry.code == "no_policy_found" { entry.code.clone() } else { entry.reason },
            code: entry.code,
            rule: entry.rule,
            policy_version: entry.version.as_ref().map(Version::to_string),
            approval_request_id: entry.approval.map(|id| id.to_string()),
            triggered_by: entry.triggered_by,
        }
    }
}
