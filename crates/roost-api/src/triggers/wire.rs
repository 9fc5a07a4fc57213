use roost_core::TriggerView;
use roost_domain::trigger::{Fire, Outcome};
use roost_domain::workflow::TriggerKind;
use roost_http::{iso, iso_if};
use serde::Serialize;
use utoipa::ToSchema;

/// What starts an agent's workflow by itself.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TriggerBody {
    /// `trg_…`
    id: String,
    /// Its name in the workflow.
    #[schema(example = "every-morning")]
    name: String,
    /// `webhook`, `cron`, `integration` or `continuous`
    r#type: &'static str,
    /// Whether it fires: the agent's triggers are on, and the agent runs.
    armed: bool,
    /// Where messages are posted to, as a path of this server; null for what is started otherwise. Keep it to yourself:
    /// where nothing has to be signed, whoever knows it can begin runs.
    #[schema(example = "/hooks/q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA")]
    path: Option<String>,
    /// Whether messages have to be signed.
    signed: Option<bool>,
    /// The cron expression.
    #[schema(example = "0 6 * * MON-FRI")]
    cron: Option<String>,
    /// The time zone in which the expression is read.
    #[schema(example = "Europe/Berlin")]
    timezone: Option<String>,
    /// What is done about times at which no server was up: `skip`, `once` or `all`.
    missed: Option<&'static str>,
    /// How long it waits after a run before it begins the next.
    delay_seconds: Option<u64>,
    /// The service, and what happens there.
    integration: Option<String>,
    event: Option<String>,
    /// When it fires next; null while it does not.
    next_fire_at: Option<String>,
    /// The run that has to be over before it begins the next.
    waits_for_run_id: Option<String>,
    /// How many runs it has begun.
    fired: u64,
    /// How often it should have begun one and could not.
    failed: u64,
    /// The last time that it fired, or should have.
    last_fire: Option<FireBody>,
    /// The times that it fired by the clock, or should have, newest first, at most 20.
    fires: Vec<FireBody>,
    created_at: String,
}

/// One time that a trigger fired, or should have.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FireBody {
    /// For which time.
    due_at: String,
    /// When.
    at: String,
    /// The run that it began.
    run_id: Option<String>,
    /// How that run stands, of the last fire; null for one that was deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    run_status: Option<&'static str>,
    /// Why it began none.
    problem: Option<FireProblem>,
}

/// Why a trigger began no run.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FireProblem {
    /// Stable, for programs: `agent_not_running`, `missed`, …
    code: String,
    /// For people.
    message: String,
}

/// A trigger that is reached otherwise than before.
#[derive(Serialize, ToSchema)]
pub(crate) struct RotatedTrigger {
    #[serde(flatten)]
    trigger: TriggerBody,
    /// What messages are signed with from now on; null if that stays. Nobody will see it again.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    secret: Option<String>,
}

/// A run that began.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BegunRun {
    /// `wrun_…`
    pub(super) run_id: String,
    /// Whether this message had come before, so that nothing began now.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) repeated: bool,
}

/// A message that began nothing.
#[derive(Serialize)]
pub(crate) struct IgnoredMessage {
    /// It is of an event that the trigger does not wait for.
    pub(super) ignored: bool,
}

impl TriggerBody {
    pub(super) fn new(view: TriggerView) -> Self {
        let TriggerView { standing, is_armed, path, last_status, fires } = view;
        let mut body = Self {
            id: standing.id.to_string(),
            name: standing.trigger.name,
            r#type: standing.trigger.kind.name(),
            armed: is_armed,
            path,
            signed: None,
            cron: None,
            timezone: None,
            missed: None,
            delay_seconds: None,
            integration: None,
            event: None,
            next_fire_at: iso_if(standing.next_at.filter(|_| is_armed)),
            waits_for_run_id: standing.running.map(|run| run.to_string()),
            fired: standing.fired,
            failed: standing.failed,
            last_fire: standing.last.map(FireBody::new),
            fires: fires.into_iter().map(FireBody::new).collect(),
            created_at: iso(standing.created_at),
        };
        if let Some(last) = &mut body.last_fire {
            last.run_status = last_status.map(roost_domain::run::Status::name);
        }
        match standing.trigger.kind {
            TriggerKind::Manual => {}
            TriggerKind::Webhook { signed } => body.signed = Some(signed),
            TriggerKind::Cron { expression, timezone, missed } => {
                body.cron = Some(expression);
                body.timezone = Some(timezone);
                body.missed = Some(missed.name());
            }
            TriggerKind::Integration { integration, event, .. } => {
                body.integration = Some(integration);
                body.event = Some(event);
                body.signed = Some(true);
            }
            TriggerKind::Continuous { delay } => body.delay_seconds = Some(delay.as_secs()),
        }
        body
    }
}

impl FireBody {
    fn new(fire: Fire) -> Self {
        let (run, problem) = match fire.outcome {
            Outcome::Begun(run) => (Some(run.to_string()), None),
            Outcome::NotBegun(problem) => {
                (None, Some(FireProblem { code: problem.code, message: problem.message }))
            }
        };
        Self { due_at: iso(fire.due_at), at: iso(fire.at), run_id: run, run_status: None, problem }
    }
}

impl RotatedTrigger {
    pub(super) fn new(view: TriggerView, secret: Option<&roost_domain::secret::Secret>) -> Self {
        Self { trigger: TriggerBody::new(view), secret: secret.map(|secret| secret.expose().to_owned()) }
    }
}
