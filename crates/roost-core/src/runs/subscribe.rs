use std::collections::VecDeque;

use roost_domain::event::Offset;
use roost_domain::id::{AgentId, RunId};
use roost_domain::key::Scope;
use roost_domain::page::Limit;
use roost_domain::run::{Entry, RunEvent};
use roost_ports::store::Reader;

use super::Runs;
use crate::agents::own;
use crate::hub::Watch;
use crate::{Core, Ctx, Error};

/// How many entries are read at a time.
const BATCH: Limit = Limit::clamped(200, 200);

impl Runs<'_> {
    /// Follows a run's log from after an offset. Whatever was written before is told first.
    ///
    /// # Errors
    ///
    /// `NotFound` for the agent or the run.
    pub async fn subscribe(
        &self,
        ctx: &Ctx,
        agent: AgentId,
        run: RunId,
        after: Offset,
    ) -> Result<RunSubscription, Error> {
        ctx.require(Scope::Runs)?;
        let caller = ctx.clone();
        let look = move |reader: &dyn Reader| {
            own(reader, &caller, agent)?;
            reader.run(caller.account(), agent, run)?.ok_or_else(|| Error::not_found("run", run))
        };
        self.0.ports.store.read(look).await?;
        let (core, watch) = (self.0.clone(), self.0.hub.watch(run.log()));
        Ok(RunSubscription {
            core,
            watch,
            run,
            last: after,
            ready: VecDeque::new(),
            is_behind: true,
            is_over: false,
        })
    }
}

/// A run that is followed. It pulls: a slow reader costs nothing but its own delay.
pub struct RunSubscription {
    core: Core,
    watch: Watch,
    run: RunId,
    last: Offset,
    ready: VecDeque<Entry>,
    /// Whether the log may hold more than was read.
    is_behind: bool,
    is_over: bool,
}

impl RunSubscription {
    /// Returns the next entry, as soon as there is one; `None` after the end of the run, and when it was deleted.
    ///
    /// # Errors
    ///
    /// `Internal` if the store fails.
    ///
    /// # Cancel
    ///
    /// Safe: nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Result<Option<Entry>, Error> {
        loop {
            if let Some(entry) = self.ready.pop_front() {
                self.last = entry.offset;
                self.is_over = matches!(entry.event, RunEvent::Ended { .. });
                return Ok(Some(entry));
            }
            if self.is_over {
                return Ok(None);
            }
            if !self.is_behind && !self.watch.log_went_on() {
                self.watch.changed().await;
                continue;
            }
            self.is_behind = true;
            let (run, last) = (self.run, self.last);
            let read = move |reader: &dyn Reader| {
                let entries = reader.run_entries(run, last, BATCH)?;
                // Whoever asks for what comes after the end is told that nothing does.
                let kept = if entries.is_empty() { reader.run_of_any_account(run)? } else { None };
                let ended = entries.is_empty() && kept.is_none_or(|kept| kept.run.status.is_over());
                Ok::<_, Error>((entries, ended))
            };
            let (entries, ended) = self.core.ports.store.read(read).await?;
            self.is_behind = !entries.is_empty();
            self.is_over = ended;
            self.ready.extend(entries);
        }
    }
}
