//! Triggers: what starts runs of agents' workflows by itself. Rows follow the workflow ([`follow()`]); a fire is a run that
//! begins and the next time that is written down, in one transaction, so that each time fires once however many servers
//! there are and wherever one dies.

use jiff::{SignedDuration, Timestamp};
use roost_domain::agent::{Agent, Arming, State};
use roost_domain::event::Problem;
use roost_domain::id::RunId;
use roost_domain::run::{Cause, Status};
use roost_domain::trigger::Standing;
use roost_domain::workflow::{Scope, Template, Trigger, TriggerKind};
use roost_ports::store::{Reader, Writer};
use serde_json::{Value, json};

use crate::runs::{self, CheckedInput, NewRun, workflow_changed};
use crate::{Core, Error, Kind};

mod event;
mod fire;
mod follow;
mod manage;
mod message;
mod rate;
mod receive;
mod secret;
mod signature;
mod waited;

pub use event::Challenge;
pub(crate) use follow::{follow, rearm, run_over};
pub use manage::{NewSecret, RotateTrigger, TriggerUrl, TriggerView};
pub use message::HookRequest;
pub(crate) use rate::Rates;
pub use receive::Received;

/// The use cases of triggers, and what the runtime fires them with.
pub struct Triggers<'a>(pub(crate) &'a Core);

/// Tells whether an agent's triggers may start its workflow.
const fn is_armed(agent: &Agent) -> bool {
    matches!(agent.arming, Arming::Armed)
}

/// Says why an agent begins no run now, if it does not.
fn hindrance(agent: &Agent) -> Option<Problem> {
    match agent.state {
        State::Running | State::Frozen => None,
        State::Provisioning | State::Paused | State::Stopped | State::Error => Some(Problem {
            code: "agent_not_running".to_owned(),
            message: format!("the agent was {}, so no run began; start it", agent.state.name()),
        }),
    }
}

/// What the run of a trigger is given, worked out before anything is written.
struct Ready {
    /// The trigger as it was then.
    trigger: Trigger,
    input: CheckedInput,
}

/// Works out what the run of a trigger is given that fires with an event.
async fn ready(core: &Core, standing: &Standing, event: Value) -> Result<Ready, Error> {
    let trigger = standing.trigger.clone();
    let input = match trigger.input.clone() {
        None => event,
        Some(template) => {
            let fill = move || Template(template).render(&Scope::new().with("event", event));
            let filled = tokio::task::spawn_blocking(fill).await.map_err(Error::internal)?;
            filled.map_err(|problem| {
                let message = format!("the input of the trigger {}: {}", trigger.name, problem.message);
                Error::new(Kind::InvalidInput, "template_failed", message)
            })?
        }
    };
    let input = core.checked_input(standing.agent, None, input).await?;
    Ok(Ready { trigger, input })
}

/// Begins the run of a trigger that fires. Whoever calls tells the runtime of it afterwards.
fn begin(
    core: &Core,
    writer: &mut dyn Writer,
    agent: &Agent,
    standing: &Standing,
    firing: Firing,
) -> Result<RunId, Error> {
    let trigger = &standing.trigger;
    let tainted = matches!(trigger.kind, TriggerKind::Webhook { .. } | TriggerKind::Integration { .. });
    if firing.ready.trigger != *trigger {
        return Err(workflow_changed());
    }
    let cause = Cause { trigger: trigger.name.clone(), kind: trigger.kind.name(), by: firing.by, of: None };
    runs::begin(core, writer, agent, NewRun::new(cause, firing.ready.input, tainted), firing.now)
}

/// How a trigger fires.
struct Firing {
    /// What its run is given.
    ready: Ready,
    /// Who made it fire, if a person did.
    by: Option<String>,
    now: Timestamp,
}

/// Returns what a run is told that a time began.
fn event_of_time(standing: &Standing, due_at: Timestamp, now: Timestamp) -> Value {
    let mut event = json!({
        "type": standing.trigger.kind.name(),
        "trigger": standing.trigger.name,
        "due_at": iso(due_at),
        "fired_at": iso(now),
    });
    if let TriggerKind::Cron { timezone, .. } = &standing.trigger.kind {
        event["timezone"] = timezone.as_str().into();
    }
    event
}

/// Returns how a run stands; `None` if it was deleted.
fn status_of(reader: &dyn Reader, run: RunId) -> Result<Option<Status>, Error> {
    Ok(reader.run_of_any_account(run)?.map(|kept| kept.run.status))
}

/// Says what went wrong, for whoever looks at the trigger.
fn problem(error: &Error) -> Problem {
    Problem { code: error.code().to_owned(), message: error.public().to_owned() }
}

/// Takes a span of time that a configuration names, as far as a calendar goes.
fn span(duration: std::time::Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

/// Returns a time later, or the last that there is.
fn later(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.checked_add(by).unwrap_or(Timestamp::MAX)
}

fn iso(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}
