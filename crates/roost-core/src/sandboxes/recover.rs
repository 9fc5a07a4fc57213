use roost_domain::id::SandboxId;
use roost_domain::page::Limit;
use roost_domain::sandbox::{Ending, Outcome, Status};
use roost_ports::store::{Reader, Writer};

use super::Sandboxes;
use crate::Error;

/// How many runs are taken at a time.
const BATCH: Limit = Limit::clamped(100, 100);

impl Sandboxes<'_> {
    /// Marks runs as lost that nobody performs any more: to be called when no run is performed, at the start and at
    /// the end of the runtime. What is queued stays queued. Returns how many were lost.
    ///
    /// # Errors
    ///
    /// `Internal` if the store fails.
    pub async fn recover(&self) -> Result<usize, Error> {
        let mut lost = 0;
        loop {
            let now = self.0.now();
            let lose = move |writer: &mut dyn Writer| {
                let running = writer.running_sandbox_runs(BATCH)?;
                for run in &running {
                    let outcome = Outcome::bare(
                        Ending::Lost,
                        "the server ended while it ran; how far it came is not known",
                    );
                    if let Ok(over) = run.clone().end(outcome, now) {
                        writer.update_sandbox_run(&over)?;
                    }
                    if let Some(sandbox) = writer.sandbox_of_any_account(run.sandbox)? {
                        writer.update_sandbox(&sandbox.release())?;
                    }
                }
                Ok::<_, Error>(running.into_iter().map(|run| run.sandbox).collect::<Vec<_>>())
            };
            let sandboxes = self.0.ports.store.write(lose).await?;
            if sandboxes.is_empty() {
                return Ok(lost);
            }
            lost += sandboxes.len();
            sandboxes.into_iter().for_each(|id| self.0.hub.tick(id.machine().journal()));
        }
    }

    /// Removes files of destroyed sandboxes that are still there because the server died, or the host refused, when
    /// they were to be removed. Returns how many had some. What no sandbox of this store has is left alone.
    ///
    /// # Errors
    ///
    /// `Internal` if the store or the host fails.
    pub async fn remove_leftovers(&self) -> Result<usize, Error> {
        let machines = self.0.ports.machines.workspaces().await?.into_iter().map(SandboxId::of_machine);
        let directories = self.0.ports.wasm.directories().await?;
        let mut removed = 0;
        for id in machines.chain(directories) {
            let read = move |reader: &dyn Reader| Ok::<_, Error>(reader.sandbox_of_any_account(id)?);
            let found = self.0.ports.store.read(read).await?;
            if let Some(sandbox) = found.filter(|sandbox| sandbox.status == Status::Destroyed) {
                self.remove(&sandbox).await?;
                removed += 1;
            }
        }
        Ok(removed)
    }
}
