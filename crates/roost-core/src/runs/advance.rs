use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use roost_domain::agent::Agent;
use roost_domain::event::Offset;
use roost_domain::id::{AgentId, RunId};
use roost_domain::page::Limit;
use roost_domain::run::State;
use roost_ports::store::{KeptRun, Reader, Writer};

use super::give_up::{caught, give_up, is_passing, is_refused};
use super::prepare::{Prepared, prepare};
use super::states::fold;
use super::write::{Written, write};
use super::{Advance, Runs};
use crate::error::with_causes;
use crate::{Core, Error};

/// After this at the latest, the store is asked again what is due.
const LONGEST_IDLE: Duration = Duration::from_secs(5);

/// A run that is due, as it stands.
struct Looked {
    kept: KeptRun,
    /// Its agent, where its log ends, and what that has made of it; or why these cannot be read.
    found: Result<(Agent, Offset, State), Error>,
}

impl Runs<'_> {
    /// Writes what is due in up to `max` runs: looks at them, works out what is due outside of any transaction, and
    /// writes all of it in one. A run that changed meanwhile is left for the next time, and one that cannot go on is
    /// given up.
    ///
    /// # Errors
    ///
    /// `Internal` if the store fails.
    pub async fn advance(&self, max: u32) -> Result<Advance, Error> {
        let (core, now) = (self.0.clone(), self.0.now());
        let read = move |reader: &dyn Reader| {
            let due = reader.due_runs(now, Limit::clamped(max, max))?;
            let next = if due.is_empty() { reader.next_run_at()? } else { None };
            Ok::<_, Error>((look(&core, reader, due)?, next))
        };
        let (looked, next) = self.0.ports.store.read(read).await?;
        let looked_at = looked.len();
        if looked_at == 0 {
            // silent-ok: a time that is past by now is looked at at once.
            let until = next.map(|at| now.until(at).ok().and_then(|span| Duration::try_from(span).ok()));
            let idle = until.map_or(LONGEST_IDLE, |until| until.unwrap_or(Duration::ZERO).min(LONGEST_IDLE));
            return Ok(Advance { looked_at, idle });
        }
        self.go_on(looked, now).await?;
        Ok(Advance { looked_at, idle: Duration::ZERO })
    }

    /// Writes what is due in one run, as [`Runs::advance`] does.
    pub(super) async fn advance_one(&self, run: RunId) -> Result<(), Error> {
        let now = self.0.now();
        self.go_on(self.look_at(run).await?, now).await
    }

    /// Reads a run as it stands; nothing if it is gone.
    async fn look_at(&self, run: RunId) -> Result<Vec<Looked>, Error> {
        let core = self.0.clone();
        let read = move |reader: &dyn Reader| {
            let kept = reader.run_of_any_account(run)?;
            look(&core, reader, kept.into_iter().collect())
        };
        self.0.ports.store.read(read).await
    }

    async fn go_on(&self, looked: Vec<Looked>, now: Timestamp) -> Result<(), Error> {
        let runs: Vec<_> = looked.iter().map(|looked| looked.kept.run.id).collect();
        match self.go_on_together(looked, now).await {
            Err(error) if !is_refused(&error) => {
                tracing::warn!(error = %with_causes(&error), "runs cannot be written together");
                self.go_on_alone(runs, now).await
            }
            written => written,
        }
    }

    /// Writes what is due in runs in one transaction.
    async fn go_on_together(&self, looked: Vec<Looked>, now: Timestamp) -> Result<(), Error> {
        let core = self.0.clone();
        // Templates and schemas of whoever wrote the workflow: nobody else's requests wait for them.
        let prepare = move || looked.into_iter().map(|looked| ready(&core, looked, now)).collect::<Vec<_>>();
        let ready = tokio::task::spawn_blocking(prepare).await.map_err(Error::internal)?;
        let core = self.0.clone();
        let work = move |writer: &mut dyn Writer| {
            let written = ready.into_iter().map(|one| match one {
                Ok(prepared) => write(&core, writer, prepared, now),
                Err(run) => give_up(&core, writer, run, now),
            });
            written.collect::<Result<Vec<_>, Error>>()
        };
        self.0.ports.store.write(work).await?.into_iter().for_each(|written| self.written(written));
        Ok(())
    }

    /// Writes what is due in runs, each in a transaction of its own. One that cannot be written is given up, so that it
    /// keeps no other from going on.
    async fn go_on_alone(&self, runs: Vec<RunId>, now: Timestamp) -> Result<(), Error> {
        let mut all = Ok(());
        for run in runs {
            let gone_on = async { self.go_on_together(self.look_at(run).await?, now).await };
            let Err(error) = gone_on.await else { continue };
            if is_refused(&error) {
                return Err(error);
            }
            tracing::error!(%run, error = %with_causes(&error), "a run cannot be written");
            let core = self.0.clone();
            let given_up = self.0.ports.store.write(move |writer| give_up(&core, writer, run, now)).await;
            match given_up {
                Ok(written) => self.written(written),
                Err(error) => all = Err(error),
            }
        }
        all
    }

    fn written(&self, written: Written) {
        if let Some((offset, state)) = written.state {
            self.0.run_states.put(written.run, offset, state);
        }
        self.0.hub.tick(written.run.log());
        written.given_up.iter().for_each(|run| self.0.hub.tick(run.log()));
        written.called_off.iter().for_each(|turn| self.0.went_on(turn));
        if written.began || !written.called_off.is_empty() {
            self.0.queued.notify_one();
        }
    }
}

/// Works out what is due in a run; names the run if that cannot be done.
fn ready(core: &Core, looked: Looked, now: Timestamp) -> Result<Prepared, RunId> {
    let Looked { mut kept, found } = looked;
    let run = kept.run.id;
    let prepared = found.and_then(|(agent, offset, state)| {
        kept.offset = offset;
        caught(|| prepare(core, kept, &agent, state, now))
    });
    prepared.map_err(|error| {
        tracing::error!(%run, error = %with_causes(&error), "a run cannot go on");
        run
    })
}

/// Reads runs as they stand, with their agents. A run whose log cannot be read is one of them.
fn look(core: &Core, reader: &dyn Reader, due: Vec<KeptRun>) -> Result<Vec<Looked>, Error> {
    let mut agents: HashMap<AgentId, Agent> = HashMap::new();
    let mut looked = Vec::with_capacity(due.len());
    for kept in due {
        let (id, owner) = (kept.run.id, kept.run.agent);
        let found = match agent_of(reader, &mut agents, owner) {
            // It is being deleted, and its runs with it.
            Ok(None) => continue,
            Ok(Some(agent)) => caught(|| {
                let plan = core.plans.get(reader, owner, kept.run.version)?;
                let (offset, state) = fold(reader, &plan, id, core.run_states.take(id))?;
                Ok((agent, offset, state))
            }),
            Err(error) => Err(error),
        };
        if let Err(error) = &found
            && is_passing(error)
        {
            return found.map(|_| Vec::new());
        }
        looked.push(Looked { kept, found });
    }
    Ok(looked)
}

fn agent_of(
    reader: &dyn Reader,
    agents: &mut HashMap<AgentId, Agent>,
    id: AgentId,
) -> Result<Option<Agent>, Error> {
    if let Some(agent) = agents.get(&id) {
        return Ok(Some(agent.clone()));
    }
    let agent = reader.agent_of_any_account(id)?;
    agents.extend(agent.clone().map(|agent| (id, agent)));
    Ok(agent)
}
