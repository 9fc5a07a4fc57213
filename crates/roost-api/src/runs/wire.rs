use jiff::Timestamp;
use roost_core::{Core, FormView, RunView, StepView};
use roost_domain::event::Problem;
use roost_domain::model::Usage;
use roost_domain::unit::MicroUsd;
use roost_http::{iso, iso_if};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// A run, as lists show it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RunSummary {
    /// `wrun_…`
    id: String,
    agent_id: String,
    /// The version of the workflow that it keeps to.
    workflow_version: u64,
    /// `queued` (others of the agent have to end first), `running`, `waiting-for-input`, `completed`, `failed`,
    /// `cancelled`
    status: &'static str,
    /// Whether anything is still to come.
    is_in_progress: bool,
    cause: Cause,
    created_at: String,
    started_at: Option<String>,
    ended_at: Option<String>,
    #[serde(flatten)]
    spent: Spent,
}

/// What started a run.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Cause {
    /// The trigger's name; `manual` where somebody asked for the run.
    trigger: String,
    /// The trigger's type.
    r#type: &'static str,
    /// Who asked: a key's name, an address.
    by: Option<String>,
    /// The run of which this is another.
    run_id: Option<String>,
}

/// What models used and cost.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Spent {
    /// Tokens read, those from the provider's cache included.
    input_tokens: u64,
    /// The part of the input that came from the provider's cache.
    cached_tokens: u64,
    output_tokens: u64,
    cost_usd: f64,
    /// The same in whole millionths of a dollar, for sums that must be exact.
    cost_micro_usd: i64,
}

/// A run with what happened in it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Run {
    #[serde(flatten)]
    summary: RunSummary,
    /// What it was given.
    input: Value,
    /// What it came to.
    output: Value,
    /// Why it could not go on.
    error: Option<RunError>,
    /// In the order of the workflow; at most 1,000.
    steps: Vec<RunStep>,
    /// How many steps there are, those included that are not shown.
    steps_total: usize,
    /// The forms and questions that wait for an answer.
    forms: Vec<WaitingForm>,
    /// Where its log ends: follow the events after it.
    offset: u64,
}

/// Why something could not go on.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RunError {
    /// The step that failed, if one did.
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<String>,
    code: String,
    message: String,
}

/// A step of a run.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RunStep {
    /// `summarise`; within a for-each with the place of the thing, `summarise[3]`.
    key: String,
    name: String,
    r#type: &'static str,
    /// `pending`, `running`, `waiting-for-input`, `retrying`, `completed`, `failed`, `skipped`, `cancelled`
    status: &'static str,
    attempts: u32,
    /// What the last try worked with.
    inputs: Value,
    output: Value,
    /// Why the last try failed.
    error: Option<RunError>,
    /// When it is tried again.
    retry_at: Option<String>,
    /// When the try is given up.
    deadline: Option<String>,
    started_at: Option<String>,
    ended_at: Option<String>,
    #[serde(flatten)]
    spent: Spent,
    /// The conversation in which the last try was done.
    session_id: Option<String>,
    /// Approvals for which it waits.
    approval_ids: Vec<String>,
    /// The form that it waits for, or did.
    form_id: Option<String>,
    /// Whether its output was taken over from another run.
    is_taken_over: bool,
}

/// A form that waits for an answer.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WaitingForm {
    /// `form_…`
    id: String,
    /// The step that asks.
    step: String,
    title: String,
    description: Option<String>,
    /// What is asked, as the workflow has it.
    #[schema(value_type = Vec<Object>)]
    fields: Vec<Value>,
    /// Why the answer before was not taken.
    error: Option<RunError>,
    /// A page on which whoever has the link can answer.
    url: String,
    opened_at: String,
    expires_at: Option<String>,
}

impl RunSummary {
    pub(super) fn new(run: &roost_domain::run::Run) -> Self {
        Self {
            id: run.id.to_string(),
            agent_id: run.agent.to_string(),
            workflow_version: run.version,
            status: run.status.name(),
            is_in_progress: !run.status.is_over(),
            cause: Cause {
                trigger: run.cause.trigger.clone(),
                r#type: run.cause.kind,
                by: run.cause.by.clone(),
                run_id: run.cause.of.map(|of| of.to_string()),
            },
            created_at: iso(run.created_at),
            started_at: iso_if(run.started_at),
            ended_at: iso_if(run.ended_at),
            spent: Spent::new(run.usage, run.cost),
        }
    }
}

impl Spent {
    #[expect(clippy::cast_precision_loss, reason = "for people; the exact number stands beside it")]
    fn new(usage: Usage, cost: MicroUsd) -> Self {
        Self {
            input_tokens: usage.input.0,
            cached_tokens: usage.cached.0,
            output_tokens: usage.output.0,
            cost_usd: cost.0 as f64 / 1e6,
            cost_micro_usd: cost.0,
        }
    }
}

impl RunError {
    fn new(step: Option<String>, problem: Problem) -> Self {
        Self { step, code: problem.code, message: problem.message }
    }
}

impl Run {
    pub(super) fn new(core: &Core, view: RunView, now: Timestamp) -> Self {
        let forms = view.forms.iter().map(|form| WaitingForm::new(core, &view, form, now)).collect();
        Self {
            summary: RunSummary::new(&view.run),
            input: Value::clone(&view.input),
            output: view.output.unwrap_or_default(),
            error: view
                .problem
                .map(|(step, problem)| RunError::new(step.map(|step| step.to_string()), problem)),
            steps: view.steps.into_iter().map(RunStep::new).collect(),
            steps_total: view.steps_total,
            forms,
            offset: view.offset.0,
        }
    }
}

impl RunStep {
    fn new(step: StepView) -> Self {
        Self {
            key: step.key.to_string(),
            name: step.name,
            r#type: step.kind,
            status: step.status,
            attempts: step.attempts,
            inputs: Value::clone(&step.inputs),
            output: step.output.map(|output| Value::clone(&output)).unwrap_or_default(),
            error: step.problem.map(|problem| RunError::new(None, problem)),
            retry_at: iso_if(step.retry_at),
            deadline: iso_if(step.deadline),
            started_at: iso_if(step.started_at),
            ended_at: iso_if(step.ended_at),
            spent: Spent::new(step.usage, step.cost),
            session_id: step.session.map(|id| id.to_string()),
            approval_ids: step.approvals.iter().map(ToString::to_string).collect(),
            form_id: step.form.map(|id| id.to_string()),
            is_taken_over: step.is_taken_over,
        }
    }
}

impl WaitingForm {
    fn new(core: &Core, view: &RunView, form: &FormView, now: Timestamp) -> Self {
        Self {
            id: form.id.to_string(),
            step: form.step.to_string(),
            title: form.title.clone(),
            description: form.description.clone(),
            fields: form.fields.iter().map(roost_domain::workflow::Field::describe).collect(),
            error: form.problem.clone().map(|problem| RunError::new(None, problem)),
            url: core.forms().url(&view.run, form, now),
            opened_at: iso(form.opened_at),
            expires_at: iso_if(form.expires_at),
        }
    }
}
