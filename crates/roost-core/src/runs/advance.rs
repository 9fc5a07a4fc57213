use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use roost_domain::agent::Agent;
use roost_domain::event::{Offset, Problem};
use roost_domain::id::{AgentId, RunId};
use roost_domain::page::Limit;
use roost_domain::run::{Ending, RunEvent, State, Status};
use roost_ports::store::{self, KeptRun, Reader, RunProgress, Writer};

use super::prepare::prepare;
use super::states::fold;
use super::write::{Written, let_next_begin, write};
use super::{Advance, Runs};
use crate::error::with_causes;
use crate::{Core, Error, triggers};

/// After this at the latest, the store is asked again what is due.
const LONGEST_IDLE: Duration = Duration::from_secs(5);

/// A run that is due, as it stands.
struct Looked {
    kept: KeptRun,
    agent: Agent,
    state: Result<(Offset, State), Error>,
}

impl Runs<'_> {
    /// Writes what is due in up to `max` runs: looks at them, works out what is due outside of any transaction, and
    /// writes all of it in one. A run whose log went on meanwhile is left for the next time.
    ///
    /// # Errors
    ///
    /// `Internal` if the store fails; nothing is written then.
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
        let (core, now) = (self.0.clone(), self.0.now());
        let read = move |reader: &dyn Reader| {
            let kept = reader.run_of_any_account(run)?;
            look(&core, reader, kept.into_iter().collect())
        };
        let looked = self.0.ports.store.read(read).await?;
        self.go_on(looked, now).await
    }

    async fn go_on(&self, looked: Vec<Looked>, now: Timestamp) -> Result<(), Error> {
        let mut ready = Vec::new();
        for Looked { mut kept, agent, state } in looked {
            let prepared = state.and_then(|(offset, state)| {
                kept.offset = offset;
                prepare(self.0, kept.clone(), &agent, state, now)
            });
            match prepared {
                Ok(prepared) => ready.push(Ok(prepared)),
                Err(error) => {
                    tracing::error!(run = %kept.run.id, error = %with_causes(&error), "a run cannot go on");
                    ready.push(Err(kept));
                }
            }
        }
        let core = self.0.clone();
        let work = move |writer: &mut dyn Writer| {
            let written = ready.into_iter().map(|one| match one {
                Ok(prepared) => write(&core, writer, prepared, now),
                Err(kept) => give_up(&core, writer, &kept, now),
            });
            written.collect::<Result<Vec<_>, Error>>()
        };
        for written in self.0.ports.store.write(work).await? {
            self.written(written);
        }
        Ok(())
    }

    fn written(&self, written: Written) {
        if let Some((offset, state)) = written.state {
            self.0.run_states.put(written.run, offset, state);
        }
        self.0.hub.tick(written.run.log());
        written.called_off.iter().for_each(|turn| self.0.went_on(turn));
        if written.began || !written.called_off.is_empty() {
            self.0.queued.notify_one();
        }
    }
}

/// Reads runs as they stand, with their agents. A run whose log cannot be read is one of them.
fn look(core: &Core, reader: &dyn Reader, due: Vec<KeptRun>) -> Result<Vec<Looked>, Error> {
    let mut agents: HashMap<AgentId, Agent> = HashMap::new();
    let mut looked = Vec::with_capacity(due.len());
    for kept in due {
        let (id, owner) = (kept.run.id, kept.run.agent);
        if let std::collections::hash_map::Entry::Vacant(entry) = agents.entry(owner) {
            // It is being deleted, and its runs with it.
            let Some(agent) = reader.agent_of_any_account(owner)? else { continue };
            entry.insert(agent);
        }
        let Some(agent) = agents.get(&owner).cloned() else { continue };
        let plan = core.plans.get(reader, owner, kept.run.version);
        let state = plan.and_then(|plan| fold(reader, &plan, id, core.run_states.take(id)));
        if let Err(error) = &state
            && is_passing(error)
        {
            return state.map(|_| Vec::new());
        }
        looked.push(Looked { kept, agent, state });
    }
    Ok(looked)
}

/// Tells whether it is the store that fails, and not the run that cannot be read.
fn is_passing(error: &Error) -> bool {
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<store::Error>());
    source.is_some_and(|error| !matches!(error, store::Error::Corrupt { .. }))
}

/// Ends a run that cannot go on, so that nobody waits for it: whatever keeps it may also keep it from being read.
fn give_up(core: &Core, writer: &mut dyn Writer, kept: &KeptRun, now: Timestamp) -> Result<Written, Error> {
    let run = kept.run.id;
    let message = "The run could not go on; the server's log says why".to_owned();
    let problem = Problem { code: "internal".to_owned(), message };
    let ended = RunEvent::Ended { ending: Ending::Failed { step: None, problem } };
    writer.append_run(run, now, &[ended])?;
    let progress = RunProgress {
        status: Status::Failed,
        started_at: kept.run.started_at,
        ended_at: Some(now),
        due_at: None,
        usage: kept.run.usage,
    };
    writer.set_run_progress(run, &progress)?;
    let_next_begin(core, writer, kept.run.agent, now)?;
    triggers::run_over(core, writer, run, now)?;
    Ok(Written { run, state: None, called_off: Vec::new(), began: false })
}
