use roost_domain::id::{AgentId, RunId};
use roost_domain::key::Scope;
use roost_domain::run::RunEvent;
use roost_ports::store::{Reader, Writer};

use super::{RunView, Runs};
use crate::agents::own;
use crate::{Ctx, Error, Kind};

/// How long a run that is deleted is waited for to let go of what it does.
const LETS_GO: std::time::Duration = std::time::Duration::from_secs(10);

impl Runs<'_> {
    /// Stops a run: nothing more begins, and what is under way is called off. It is over when that is; until then it
    /// is running.
    ///
    /// # Errors
    ///
    /// `NotFound` for the agent or the run; `Conflict` with the code `run_is_over`.
    pub async fn cancel(&self, ctx: &Ctx, agent: AgentId, run: RunId) -> Result<RunView, Error> {
        ctx.require(Scope::Runs)?;
        let caller = ctx.clone();
        let cancel = move |writer: &mut dyn Writer| {
            own(writer, &caller, agent)?;
            let kept = writer.run(caller.account(), agent, run)?;
            let kept = kept.ok_or_else(|| Error::not_found("run", run))?;
            if kept.run.status.is_over() {
                let message = format!("the run is {} already", kept.run.status.name());
                return Err(Error::new(Kind::Conflict, "run_is_over", message));
            }
            let requested = RunEvent::CancelRequested { by: caller.who().to_owned() };
            writer.append_run(run, caller.now, &[requested])?;
            Ok(writer.wake_run(run, caller.now)?)
        };
        self.0.ports.store.write(cancel).await?;
        // So that a run that only waits is over when this returns.
        self.advance_one(run).await?;
        self.0.run_went_on(run);
        self.get(ctx, agent, run).await
    }

    /// Removes a run for good: its log, what was said in it, its forms. One that is under way is stopped first.
    ///
    /// # Errors
    ///
    /// `NotFound` for the agent or the run; `Conflict` with the code `run_in_progress` if what it does takes too long
    /// to let go; it is cancelled then, and can be deleted a little later.
    pub async fn delete(&self, ctx: &Ctx, agent: AgentId, run: RunId) -> Result<(), Error> {
        ctx.require(Scope::Runs)?;
        let caller = ctx.clone();
        let look = move |reader: &dyn Reader| {
            own(reader, &caller, agent)?;
            let kept = reader.run(caller.account(), agent, run)?;
            Ok::<_, Error>(kept.ok_or_else(|| Error::not_found("run", run))?.run.status)
        };
        if !self.0.ports.store.read(look).await?.is_over() {
            match self.cancel(ctx, agent, run).await {
                // It came to its end meanwhile.
                Err(error) if error.code() == "run_is_over" => {}
                cancelled => drop(cancelled?),
            }
            let over = tokio::time::timeout(LETS_GO, self.over(run)).await;
            over.unwrap_or_else(|_| {
                let message = "the run is being cancelled; delete it a little later";
                Err(Error::new(Kind::Conflict, "run_in_progress", message))
            })?;
        }
        let account = ctx.account();
        let delete = move |writer: &mut dyn Writer| {
            let was_there = writer.delete_run(account, agent, run)?;
            if was_there {
                writer.delete_artifacts_of_run(run)?;
            }
            Ok::<_, Error>(was_there)
        };
        if !self.0.ports.store.write(delete).await? {
            return Err(Error::not_found("run", run));
        }
        drop(self.0.run_states.take(run));
        self.0.hub.tick(run.log());
        Ok(())
    }

    /// Waits until a run is over, or gone.
    async fn over(&self, run: RunId) -> Result<(), Error> {
        let mut watch = self.0.hub.watch(run.log());
        loop {
            let look = move |reader: &dyn Reader| {
                let kept = reader.run_of_any_account(run)?;
                Ok::<_, Error>(kept.is_none_or(|kept| kept.run.status.is_over()))
            };
            if self.0.ports.store.read(look).await? {
                return Ok(());
            }
            watch.log_changed().await;
        }
    }
}
