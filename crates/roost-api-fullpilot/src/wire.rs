//! Agents and runs as Fullpilot's clients see them.

use jiff::Timestamp;
use roost_core::{Connect, Core, FormView, RunView, StepView, TriggerUrl, WorkflowView};
use roost_domain::agent::{Agent, Arming, State};
use roost_domain::event::Problem;
use roost_domain::model::Usage;
use roost_domain::run::Status;
use roost_domain::unit::MicroUsd;
use roost_domain::workflow::Field;
use roost_http::{iso, iso_if};
use serde::Serialize;
use serde_json::{Value, json};

/// An agent.
#[derive(Serialize)]
pub(crate) struct ApiAgent {
    id: String,
    name: String,
    description: String,
    model: String,
    /// `ready` or `auth_required`
    status: &'static str,
    /// `stopped`, `running` or `paused`
    operational_status: &'static str,
    config: Value,
    tags: Vec<String>,
    /// What is not connected yet.
    connections: Vec<ApiConnection>,
    /// Where messages are posted to that start it, at its first trigger that has a URL; for keys that may see triggers.
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook_url: Option<String>,
    /// The same of every trigger that has a URL.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    webhooks: Vec<ApiHook>,
    created_at: String,
    updated_at: String,
}

/// The URL of a trigger.
#[derive(Serialize)]
struct ApiHook {
    trigger: String,
    url: String,
}

/// A service that somebody has to connect.
#[derive(Serialize)]
pub(crate) struct ApiConnection {
    integration: String,
    status: &'static str,
    /// What somebody opens in a browser; null if the service is not known or not set up on this server.
    connection_url: Option<String>,
    /// Why there is no URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

impl ApiAgent {
    pub(crate) fn new(view: WorkflowView, connect: Vec<Connect>, hooks: &[TriggerUrl]) -> Self {
        let WorkflowView { agent, version, missing } = view;
        let mut config = version.as_ref().map_or_else(|| json!({}), |version| version.config.clone());
        if let Some(config) = config.as_object_mut() {
            // The agent may have been renamed elsewhere.
            config.insert("name".to_owned(), agent.name.clone().into());
            if !agent.description.is_empty() || config.contains_key("description") {
                config.insert("description".to_owned(), agent.description.clone().into());
            }
            config.insert("model".to_owned(), agent.model.as_str().into());
            config.remove("tags");
        }
        let own = hooks.iter().filter(|hook| hook.agent == agent.id);
        let webhooks: Vec<_> =
            own.map(|hook| ApiHook { trigger: hook.trigger.clone(), url: hook.url.clone() }).collect();
        let updated = version.map_or(agent.created_at, |version| version.at.max(agent.created_at));
        Self {
            id: agent.id.to_string(),
            status: if missing.is_empty() { "ready" } else { "auth_required" },
            operational_status: operational(&agent),
            config,
            connections: connect.into_iter().map(ApiConnection::new).collect(),
            webhook_url: webhooks.first().map(|hook| hook.url.clone()),
            webhooks,
            created_at: iso(agent.created_at),
            updated_at: iso(updated),
            model: agent.model.as_str().to_owned(),
            name: agent.name,
            description: agent.description,
            tags: agent.tags,
        }
    }
}

impl ApiConnection {
    pub(crate) fn new(connect: Connect) -> Self {
        let (connection_url, message) = match connect.url {
            Ok(url) => (Some(url), None),
            Err(why) => (None, Some(why)),
        };
        Self { integration: connect.integration, status: "auth_required", connection_url, message }
    }
}

/// Whether triggers start an agent's workflow. An agent that another face has stopped or paused is so here too.
const fn operational(agent: &Agent) -> &'static str {
    match (agent.state, agent.arming) {
        (State::Stopped | State::Error | State::Provisioning, _) | (_, Arming::Off) => "stopped",
        (State::Paused, _) | (_, Arming::Paused) => "paused",
        (State::Running | State::Frozen, Arming::Armed) => "running",
    }
}

/// A run, as lists show it.
#[derive(Serialize)]
pub(crate) struct RunSummary {
    id: String,
    agent_id: String,
    status: &'static str,
    is_in_progress: bool,
    trigger: Trigger,
    config_version: u64,
    created_at: String,
    started_at: Option<String>,
    completed_at: Option<String>,
    usage: Spent,
}

#[derive(Serialize)]
struct Trigger {
    r#type: &'static str,
    name: String,
}

/// What models used and cost.
#[derive(Serialize)]
struct Spent {
    input_tokens: u64,
    output_tokens: u64,
    cost_usd: f64,
}

/// A run.
#[derive(Serialize)]
pub(crate) struct ApiRun {
    #[serde(flatten)]
    summary: RunSummary,
    input: Value,
    /// The step that is worked on, the first of them if there are several.
    current_step: Option<String>,
    /// What is asked; the first of them if several forms wait.
    waiting_input: Option<Waiting>,
    /// Every form that waits.
    waiting_inputs: Vec<Waiting>,
    steps: Vec<ApiStep>,
    output: Value,
    error: Option<ApiError>,
}

/// A form that waits.
#[derive(Serialize, Clone)]
pub(crate) struct Waiting {
    form_id: String,
    step_id: String,
    title: String,
    description: Option<String>,
    fields: Vec<Value>,
    /// A page on which whoever has the link can answer.
    url: String,
    expires_at: Option<String>,
    error: Option<ApiError>,
}

#[derive(Serialize)]
struct ApiStep {
    id: String,
    name: String,
    r#type: &'static str,
    status: &'static str,
    attempts: u32,
    output: Value,
    error: Option<ApiError>,
    started_at: Option<String>,
    completed_at: Option<String>,
    usage: Spent,
}

/// Why something could not go on.
#[derive(Serialize, Clone)]
struct ApiError {
    #[serde(skip_serializing_if = "Option::is_none")]
    step_id: Option<String>,
    code: String,
    message: String,
}

/// Fullpilot knows no waiting in line.
const fn status(status: Status) -> &'static str {
    match status {
        Status::Queued | Status::Running => "running",
        Status::WaitingForInput | Status::Completed | Status::Failed | Status::Cancelled => status.name(),
    }
}

impl RunSummary {
    pub(crate) fn new(run: &roost_domain::run::Run) -> Self {
        Self {
            id: run.id.to_string(),
            agent_id: run.agent.to_string(),
            status: status(run.status),
            is_in_progress: !run.status.is_over(),
            trigger: Trigger { r#type: run.cause.kind, name: run.cause.trigger.clone() },
            config_version: run.version,
            created_at: iso(run.created_at),
            started_at: iso_if(run.started_at),
            completed_at: iso_if(run.ended_at),
            usage: Spent::new(run.usage, run.cost),
        }
    }
}

impl Spent {
    #[expect(clippy::cast_precision_loss, reason = "for people; the native API has the exact number")]
    const fn new(usage: Usage, cost: MicroUsd) -> Self {
        Self { input_tokens: usage.input.0, output_tokens: usage.output.0, cost_usd: cost.0 as f64 / 1e6 }
    }
}

impl ApiError {
    fn new(problem: Problem) -> Self {
        Self { step_id: None, code: problem.code, message: problem.message }
    }
}

impl ApiRun {
    pub(crate) fn new(core: &Core, view: RunView, now: Timestamp) -> Self {
        let waiting: Vec<_> = view.forms.iter().map(|form| Waiting::new(core, &view, form, now)).collect();
        let works = |step: &&StepView| matches!(step.status, "running" | "waiting-for-input" | "retrying");
        Self {
            summary: RunSummary::new(&view.run),
            input: Value::clone(&view.input),
            current_step: view.steps.iter().find(works).map(|step| step.key.to_string()),
            waiting_input: waiting.first().cloned(),
            waiting_inputs: waiting,
            output: view.output.unwrap_or_default(),
            error: view.problem.map(|(step, problem)| ApiError {
                step_id: step.map(|step| step.to_string()),
                ..ApiError::new(problem)
            }),
            steps: view.steps.into_iter().map(ApiStep::new).collect(),
        }
    }
}

impl ApiStep {
    fn new(step: StepView) -> Self {
        Self {
            id: step.key.to_string(),
            name: step.name,
            r#type: step.kind,
            status: step.status,
            attempts: step.attempts,
            output: step.output.map(|output| Value::clone(&output)).unwrap_or_default(),
            error: step.problem.map(ApiError::new),
            started_at: iso_if(step.started_at),
            completed_at: iso_if(step.ended_at),
            usage: Spent::new(step.usage, step.cost),
        }
    }
}

impl Waiting {
    fn new(core: &Core, view: &RunView, form: &FormView, now: Timestamp) -> Self {
        Self {
            form_id: form.id.to_string(),
            step_id: form.step.to_string(),
            title: form.title.clone(),
            description: form.description.clone(),
            fields: form.fields.iter().map(Field::describe).collect(),
            url: core.forms().url(&view.run, form, now),
            expires_at: iso_if(form.expires_at),
            error: form.problem.clone().map(ApiError::new),
        }
    }
}
