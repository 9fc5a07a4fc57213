//! What the runtime fires triggers with.

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use roost_domain::agent::Agent;
use roost_domain::event::Problem;
use roost_domain::id::{RunId, TriggerId};
use roost_domain::page::Limit;
use roost_domain::run::Status;
use roost_domain::schedule::Schedule;
use roost_domain::trigger::{Fire, Outcome, Standing};
use roost_domain::workflow::{MissedFires, TriggerKind};
use roost_ports::store::{Reader, Writer};

use super::{
    Firing, Ready, Triggers, begin, event_of_time, follow, hindrance, is_armed, later, problem, ready, span,
    status_of,
};
use crate::runs::workflow_changed;
use crate::{Core, Error, Kind};

/// How long fires, and messages that came, are remembered: longer than any service sends a message again.
const KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);

/// How long a trigger waits that could not begin the run after the one before.
const PAUSE: SignedDuration = SignedDuration::from_mins(1);

impl Triggers<'_> {
    /// Fires up to `max` triggers that are due, each in one transaction with the run that it begins, and returns how many
    /// were due. What cannot begin is written down with why; the trigger goes on to its next time.
    ///
    /// # Errors
    ///
    /// `Unavailable` or `Internal` if the store fails; what is not fired is still due.
    pub async fn fire(&self, max: Limit) -> Result<usize, Error> {
        let now = self.0.now();
        let look = move |reader: &dyn Reader| Ok::<_, Error>(reader.due_triggers(now, max)?);
        let due = self.0.ports.store.read(look).await?;
        // They share commits, and one that fails takes nothing of the others back.
        let fired = join_all(due.iter().map(|id| self.fire_one(*id, now))).await;
        fired.into_iter().collect::<Result<(), Error>>()?;
        Ok(due.len())
    }

    /// Returns when the next trigger is due.
    ///
    /// # Errors
    ///
    /// `Internal` if the store fails.
    pub async fn next_at(&self) -> Result<Option<Timestamp>, Error> {
        self.0.ports.store.read(|reader| Ok(reader.next_trigger_at()?)).await
    }

    /// Waits until triggers are due at other times than when this was last called. Safe to drop.
    ///
    /// # Errors
    ///
    /// `Internal` if the store fails.
    pub async fn changed(&self) -> Result<(), Error> {
        self.0.scheduled.notified().await;
        // Whoever notified was in a transaction. What is written after it sees what it did.
        self.0.ports.store.write(|_| Ok(())).await
    }

    /// Lets triggers go on whose run is over although nobody told them: it was deleted, or ended by an older server.
    /// Returns how many.
    ///
    /// # Errors
    ///
    /// `Internal` if the store fails.
    pub async fn catch_up(&self) -> Result<u64, Error> {
        const BATCH: Limit = Limit::clamped(500, 500);
        let (mut after, mut released) = (None, 0);
        loop {
            let look = move |reader: &dyn Reader| {
                let waiting = reader.waiting_triggers(after, BATCH)?;
                let last = waiting.last().map(|(id, _)| *id);
                let mut over = Vec::new();
                for (_, run) in waiting {
                    if status_of(reader, run)?.is_none_or(Status::is_over) {
                        over.push(run);
                    }
                }
                Ok::<_, Error>((last, over))
            };
            let (last, over) = self.0.ports.store.read(look).await?;
            for run in over {
                let (core, now) = (self.0.clone(), self.0.now());
                let release = move |writer: &mut dyn Writer| follow::run_over(&core, writer, run, now);
                self.0.ports.store.write(release).await?;
                released += 1;
            }
            match last {
                None => return Ok(released),
                Some(_) => after = last,
            }
        }
    }

    /// Forgets old fires and messages. Returns how many; if it is as many as `max`, there may be more.
    ///
    /// # Errors
    ///
    /// `Internal` if the store fails.
    pub async fn forget(&self, max: Limit) -> Result<u64, Error> {
        let before = self.0.now() - KEPT;
        self.0.ports.store.write(move |writer| Ok(writer.forget_fires(before, max)?)).await
    }

    /// Tells the runtime of the runs that began, and the log how late.
    fn tell(&self, trigger: TriggerId, begun: &[Begun]) {
        let now = self.0.now();
        for (run, due_at) in begun {
            self.0.run_went_on(*run);
            // silent-ok: what is before its time is not late.
            let late_us = u64::try_from(now.duration_since(*due_at).as_micros()).unwrap_or(0);
            tracing::debug!(%trigger, %run, late_us, "a trigger fired");
        }
    }

    async fn fire_one(&self, id: TriggerId, now: Timestamp) -> Result<(), Error> {
        let Some(ready) = self.make_ready(id, now).await? else { return Ok(()) };
        let core = self.0.clone();
        let fired = self.0.ports.store.write(move |writer| fire(&core, writer, id, ready, now)).await;
        let error = match fired {
            Ok(fires) => {
                self.tell(id, &fires);
                return Ok(());
            }
            Err(error) => error,
        };
        if matches!(error.code(), "overloaded" | "shutting_down") {
            return Err(error);
        }
        // It is still due, and is fired as it is now the next time.
        if error.code() == "workflow_changed" {
            return Ok(());
        }
        if error.kind() == Kind::Internal {
            tracing::error!(trigger = %id, %error, source = ?std::error::Error::source(&error), "a trigger did not fire");
        }
        let problem = problem(&error);
        let passed = self.0.ports.store.write(move |writer| pass_over(writer, id, now, &problem)).await;
        let Err(error) = passed else { return Ok(()) };
        if matches!(error.code(), "overloaded" | "shutting_down") {
            return Err(error);
        }
        // It must not be in the way of the others, which are due after it.
        tracing::error!(trigger = %id, %error, source = ?std::error::Error::source(&error), "a trigger is put off");
        self.0.ports.store.write(move |writer| put_off(writer, id, now)).await
    }
}

impl Triggers<'_> {
    /// Works out what the runs of a trigger are given that is due, outside of any transaction: it takes a while. `None`
    /// if the trigger is gone.
    async fn make_ready(&self, id: TriggerId, now: Timestamp) -> Result<Option<MadeReady>, Error> {
        let look = move |reader: &dyn Reader| Ok::<_, Error>(reader.trigger(id)?);
        let Some(standing) = self.0.ports.store.read(look).await? else { return Ok(None) };
        let times = match standing.next_at.map(|next| due_times(&standing, next, now)) {
            None => Vec::new(),
            Some(Ok(times)) => times,
            Some(Err(error)) => return Ok(Some(Err(error))),
        };
        let mut made = Vec::with_capacity(times.len());
        for due_at in times {
            match ready(self.0, &standing, event_of_time(&standing, due_at, now)).await {
                Ok(ready) => made.push((due_at, ready)),
                Err(error) => return Ok(Some(Err(error))),
            }
        }
        Ok(Some(Ok(made)))
    }
}

/// What the runs of a trigger are given, by the times for which it fires; or why that cannot be said.
type MadeReady = Result<Vec<(Timestamp, Ready)>, Error>;

/// A run that began, and for which time.
type Begun = (RunId, Timestamp);

/// Fires a trigger for all times that are due, or writes down why it does not.
fn fire(
    core: &Core,
    writer: &mut dyn Writer,
    id: TriggerId,
    ready: MadeReady,
    now: Timestamp,
) -> Result<Vec<Begun>, Error> {
    let Some((mut standing, agent, next)) = due(writer, id, now)? else { return Ok(Vec::new()) };
    if let Some(problem) = hindrance(&agent) {
        miss(writer, standing, now, &problem)?;
        return Ok(Vec::new());
    }
    let times = due_times(&standing, next, now)?;
    if times.is_empty() {
        let message = "no server was up at that time, and the trigger leaves out what it missed".to_owned();
        miss(writer, standing, now, &Problem { code: "missed".to_owned(), message })?;
        return Ok(Vec::new());
    }
    let mut begun = Vec::new();
    let is_timed = schedule(&standing)?.is_some();
    let mut made = ready?.into_iter();
    for due_at in times {
        let made = made.next().filter(|(made_for, _)| *made_for == due_at);
        // A clock that was ahead, here or at another server, has fired it already.
        let fired_before = writer.has_fired(id, due_at)?;
        if fired_before && is_timed {
            continue;
        }
        let (_, ready) = made.ok_or_else(workflow_changed)?;
        let run = begin(core, writer, &agent, &standing, Firing { ready, by: None, now })?;
        let fire = Fire { due_at, at: now, outcome: Outcome::Begun(run) };
        if !fired_before {
            writer.insert_fire(id, &fire)?;
        }
        standing.note(fire);
        begun.push((run, due_at));
        if matches!(standing.trigger.kind, TriggerKind::Continuous { .. }) {
            standing.running = Some(run);
        }
    }
    standing.next_at = next_due(&standing, now)?;
    writer.update_trigger(&standing)?;
    Ok(begun)
}

/// Writes down that a trigger could not begin what was due, and sets when it is due next.
fn pass_over(writer: &mut dyn Writer, id: TriggerId, now: Timestamp, problem: &Problem) -> Result<(), Error> {
    let Some((standing, ..)) = due(writer, id, now)? else { return Ok(()) };
    miss(writer, standing, now, problem)
}

/// Lets a trigger wait that can neither fire nor be passed over.
fn put_off(writer: &mut dyn Writer, id: TriggerId, now: Timestamp) -> Result<(), Error> {
    let Some((standing, ..)) = due(writer, id, now)? else { return Ok(()) };
    let next_at = next_due(&standing, now).unwrap_or(None).unwrap_or_else(|| later(now, PAUSE));
    Ok(writer.update_trigger(&Standing { next_at: Some(next_at), ..standing })?)
}

/// Returns a trigger that is due, with its agent and since when. What is due for an agent that is not armed is put right.
fn due(
    writer: &mut dyn Writer,
    id: TriggerId,
    now: Timestamp,
) -> Result<Option<(Standing, Agent, Timestamp)>, Error> {
    let Some(standing) = writer.trigger(id)? else { return Ok(None) };
    let Some(next) = standing.next_at.filter(|next| *next <= now) else { return Ok(None) };
    match writer.agent(standing.account, standing.agent)? {
        Some(agent) if is_armed(&agent) => Ok(Some((standing, agent, next))),
        Some(_) | None => {
            writer.update_trigger(&Standing { next_at: None, ..standing })?;
            Ok(None)
        }
    }
}

fn miss(
    writer: &mut dyn Writer,
    mut standing: Standing,
    now: Timestamp,
    problem: &Problem,
) -> Result<(), Error> {
    let due_at = standing.next_at.unwrap_or(now);
    let fire = Fire { due_at, at: now, outcome: Outcome::NotBegun(problem.clone()) };
    if !writer.has_fired(standing.id, due_at)? {
        writer.insert_fire(standing.id, &fire)?;
    }
    standing.note(fire);
    standing.next_at = match &standing.trigger.kind {
        TriggerKind::Continuous { delay } => Some(later(now, span(*delay).max(PAUSE))),
        TriggerKind::Manual
        | TriggerKind::Webhook { .. }
        | TriggerKind::Cron { .. }
        | TriggerKind::Integration { .. } => next_due(&standing, now).unwrap_or(None),
    };
    Ok(writer.update_trigger(&standing)?)
}

/// Returns the times for which a trigger fires now.
fn due_times(standing: &Standing, next: Timestamp, now: Timestamp) -> Result<Vec<Timestamp>, Error> {
    match schedule(standing)? {
        Some((schedule, missed)) => Ok(schedule.due(next, now, missed)),
        None => Ok(vec![next]),
    }
}

/// Returns when a trigger is due that has just fired.
fn next_due(standing: &Standing, now: Timestamp) -> Result<Option<Timestamp>, Error> {
    Ok(schedule(standing)?.and_then(|(schedule, _)| schedule.next_after(now)))
}

/// Returns the schedule of a trigger that has one.
fn schedule(standing: &Standing) -> Result<Option<(Schedule, MissedFires)>, Error> {
    match &standing.trigger.kind {
        TriggerKind::Cron { expression, timezone, missed } => {
            let schedule = Schedule::new(expression, timezone)
                .map_err(|error| Error::invalid(&format!("the trigger {}", standing.trigger.name), error))?;
            Ok(Some((schedule, *missed)))
        }
        TriggerKind::Manual
        | TriggerKind::Webhook { .. }
        | TriggerKind::Integration { .. }
        | TriggerKind::Continuous { .. } => Ok(None),
    }
}
