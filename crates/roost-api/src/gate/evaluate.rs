use axum::Json as Answer;
use axum::extract::State;
use roost_core::Evaluate;
use roost_http::{Caller, Failure, Json};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::wire::{Explanation, GateEvaluation};
use crate::app::App;
use crate::envelope::Data;

/// A call that an agent wants to make.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct EvaluateBody {
    /// The agent: the id of one that is hosted here, or the name that you give one that runs elsewhere.
    agent_id: String,
    /// The tool, 1 to 200 characters.
    #[schema(example = "send_email")]
    tool: String,
    /// At most 256 KiB.
    #[schema(value_type = Object)]
    parameters: Map<String, Value>,
    /// What the agent calls the run; calls of one run count together. 1 to 200 characters.
    run_id: Option<String>,
    /// What set it off, 1 to 200 characters.
    triggered_by: Option<String>,
}

/// Ask before acting
///
/// Decides about a call by the agent's policy and permissions, and writes the decision down. Where a person has to
/// say yes, one is asked; act only when the approval is `approved`.
#[utoipa::path(
    post, path = "/v1/gate/evaluate", tag = "gate",
    security(("ApiKey" = ["gate"]), ("Bearer" = ["gate"])),
    request_body = EvaluateBody,
    responses((status = 200, description = "What was decided.", body = Data<GateEvaluation>)),
)]
pub(crate) async fn evaluate(
    State(app): State<App>,
    Caller(ctx): Caller,
    Json(body): Json<EvaluateBody>,
) -> Result<Answer<Data<GateEvaluation>>, Failure> {
    let evaluation = app.core.gate().evaluate(&ctx, body.into_params()?).await?;
    Ok(Answer(Data { data: GateEvaluation::new(evaluation) }))
}

/// Explain a decision
///
/// Says what would be decided, and changes nothing: no decision is written down, nobody is asked, no run counts it.
#[utoipa::path(
    post, path = "/v1/gate/explain", tag = "gate",
    security(("ApiKey" = ["gate"]), ("Bearer" = ["gate"])),
    request_body = EvaluateBody,
    responses((status = 200, description = "What would be decided.", body = Data<Explanation>)),
)]
pub(crate) async fn explain(
    State(app): State<App>,
    Caller(ctx): Caller,
    Json(body): Json<EvaluateBody>,
) -> Result<Answer<Data<Explanation>>, Failure> {
    let opinion = app.core.gate().explain(&ctx, body.into_params()?).await?;
    Ok(Answer(Data { data: Explanation::new(opinion) }))
}

impl EvaluateBody {
    fn into_params(self) -> Result<Evaluate, Failure> {
        let texts = [("tool", Some(&self.tool)), ("runId", self.run_id.as_ref())];
        for (field, text) in texts.into_iter().chain([("triggeredBy", self.triggered_by.as_ref())]) {
            if text.is_some_and(|text| !(1..=200).contains(&text.chars().count())) {
                return Err(Failure::invalid(field, "must have 1 to 200 characters"));
            }
        }
        Ok(Evaluate {
            subject: self.agent_id.parse().map_err(|error| Failure::invalid("agentId", error))?,
            tool: self.tool,
            parameters: self.parameters,
            run: self.run_id,
            triggered_by: self.triggered_by,
        })
    }
}
