//! Triggers follow their workflow: what is there of each, and when it is due, after anything changed.

use jiff::{SignedDuration, Timestamp};
use roost_domain::agent::Agent;
use roost_domain::id::{RunId, TriggerId};
use roost_domain::schedule::Schedule;
use roost_domain::trigger::Standing;
use roost_domain::workflow::{Trigger, TriggerKind, Workflow};
use roost_ports::store::{TRIGGERS_MAX, Writer};

use super::{is_armed, later, secret, span};
use crate::{Core, Error};

/// How long a trigger waits at least between two runs: those that end at once would take the server otherwise.
const BREATH: SignedDuration = SignedDuration::from_secs(1);

/// Makes an agent's triggers what its workflow says, and sets when each is due: after a version was put, and whenever the
/// agent was armed or is armed no more. A trigger that is kept under its name keeps its address, its secret, when it is
/// due if that did not change, and what came of it; one whose name is gone goes with all of that.
///
/// # Errors
///
/// `InvalidInput` with the place for a schedule that cannot be, or for more triggers than there may be.
pub(crate) fn follow(
    core: &Core,
    writer: &mut dyn Writer,
    agent: &Agent,
    workflow: &Workflow,
    now: Timestamp,
) -> Result<(), Error> {
    let wanted =
        workflow.triggers.iter().enumerate().filter(|(_, trigger)| trigger.kind != TriggerKind::Manual);
    if wanted.clone().count() > TRIGGERS_MAX as usize {
        return Err(Error::invalid("triggers", format!("must be at most {TRIGGERS_MAX}")));
    }
    for standing in writer.triggers_of(agent.account, agent.id)? {
        if !wanted.clone().any(|(_, trigger)| trigger.name == standing.trigger.name) {
            writer.delete_trigger(standing.id)?;
        }
    }
    for (place, trigger) in wanted {
        follow_one(core, writer, agent, trigger, now)
            .map_err(|error| Error::invalid(&format!("triggers[{place}]"), error.public()))?;
    }
    core.scheduled.notify_one();
    Ok(())
}

fn follow_one(
    core: &Core,
    writer: &mut dyn Writer,
    agent: &Agent,
    trigger: &Trigger,
    now: Timestamp,
) -> Result<(), Error> {
    let before = writer.trigger_named(agent.id, &trigger.name)?;
    let is_new = before.is_none();
    let mut standing = before.unwrap_or_else(|| new(core, agent, trigger, now));
    let is_same = standing.trigger.kind == trigger.kind;
    standing.trigger = trigger.clone();
    if !matches!(trigger.kind, TriggerKind::Continuous { .. }) {
        standing.running = None;
    }
    standing.next_at = standing.next_at.filter(|_| is_same);
    arm(agent, &mut standing, now)?;
    if is_new {
        writer.insert_trigger(&standing)?;
    } else {
        writer.update_trigger(&standing)?;
    }
    let has_address = matches!(trigger.kind, TriggerKind::Webhook { .. } | TriggerKind::Integration { .. });
    let secrets = writer.trigger_secrets(standing.id)?;
    if has_address && secrets.is_none() {
        let made = secret::seal(core, &standing, &secret::new_token(core), &secret::new_secret(core));
        writer.put_trigger_secrets(standing.id, Some(&made))?;
    } else if !has_address && secrets.is_some() {
        writer.put_trigger_secrets(standing.id, None)?;
    }
    Ok(())
}

/// Sets when each of an agent's triggers is due, after the agent was armed or is armed no more.
///
/// # Errors
///
/// `InvalidInput` for a schedule that cannot be, which was refused when it was put.
pub(crate) fn rearm(
    core: &Core,
    writer: &mut dyn Writer,
    agent: &Agent,
    now: Timestamp,
) -> Result<(), Error> {
    for mut standing in writer.triggers_of(agent.account, agent.id)? {
        arm(agent, &mut standing, now)?;
        writer.update_trigger(&standing)?;
    }
    core.scheduled.notify_one();
    Ok(())
}

/// Sets when a trigger is due: as it was while the agent stays armed, from now on otherwise.
fn arm(agent: &Agent, standing: &mut Standing, now: Timestamp) -> Result<(), Error> {
    standing.next_at = match first_due(standing, now)? {
        Some(first) if is_armed(agent) => standing.next_at.or(Some(first)),
        Some(_) | None => None,
    };
    Ok(())
}

fn new(core: &Core, agent: &Agent, trigger: &Trigger, now: Timestamp) -> Standing {
    Standing {
        id: core.ports.random.id::<TriggerId>(now),
        account: agent.account,
        agent: agent.id,
        trigger: trigger.clone(),
        next_at: None,
        running: None,
        cursor: None,
        fired: 0,
        failed: 0,
        last: None,
        created_at: now,
    }
}

/// Returns after which time a trigger is due: now, or the last time for which it fired where that lies ahead, since the
/// clock was put back. What lies further ahead than a day came of a clock that was wrong.
fn after(standing: &Standing, now: Timestamp) -> Timestamp {
    let last = standing.last.as_ref().map(|last| last.due_at);
    last.filter(|last| *last > now && *last <= later(now, SignedDuration::from_hours(24))).unwrap_or(now)
}

/// Returns when a trigger is due first that is armed now; `None` if no time makes it due.
fn first_due(standing: &Standing, now: Timestamp) -> Result<Option<Timestamp>, Error> {
    match &standing.trigger.kind {
        TriggerKind::Manual | TriggerKind::Webhook { .. } | TriggerKind::Integration { .. } => Ok(None),
        TriggerKind::Cron { expression, timezone, .. } => {
            let schedule = Schedule::new(expression, timezone).map_err(|error| Error::invalid("", error))?;
            Ok(schedule.next_after(after(standing, now)))
        }
        TriggerKind::Continuous { .. } => Ok(standing.running.is_none().then_some(now)),
    }
}

/// Lets the trigger go on that waits for a run, if one does; called in the transaction in which the run is over.
///
/// # Errors
///
/// `Internal` if the store fails.
pub(crate) fn run_over(
    core: &Core,
    writer: &mut dyn Writer,
    run: RunId,
    now: Timestamp,
) -> Result<(), Error> {
    let Some(standing) = writer.trigger_after(run)? else { return Ok(()) };
    let next_at = match (&standing.trigger.kind, writer.agent(standing.account, standing.agent)?) {
        (TriggerKind::Continuous { delay }, Some(agent)) if is_armed(&agent) => {
            Some(later(now, span(*delay).max(BREATH)))
        }
        _ => None,
    };
    writer.update_trigger(&Standing { running: None, next_at, ..standing })?;
    core.scheduled.notify_one();
    Ok(())
}
