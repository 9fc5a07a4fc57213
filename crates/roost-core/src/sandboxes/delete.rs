use roost_domain::id::SandboxId;
use roost_domain::key::Scope;
use roost_domain::page::Limit;
use roost_domain::sandbox::{Ending, Mode, Outcome, Sandbox, Status};
use roost_ports::store::Writer;

use super::{Sandboxes, own};
use crate::{Ctx, Error};

impl Sandboxes<'_> {
    /// Destroys a sandbox with its files; what runs in it is ended. Its record stays. No-op when it is destroyed.
    ///
    /// # Errors
    ///
    /// `NotFound`. `Internal` if its files cannot be removed whole; it is destroyed for everybody then, and the rest
    /// is removed at the next start of the server.
    pub async fn delete(&self, ctx: &Ctx, id: SandboxId) -> Result<(), Error> {
        ctx.require(Scope::Sandboxes)?;
        let (caller, now) = (ctx.clone(), self.0.now());
        let destroy = move |writer: &mut dyn Writer| {
            let sandbox = own(writer, &caller, id)?;
            if sandbox.status == Status::Destroyed {
                return Ok(None);
            }
            destroy(writer, sandbox, "its sandbox was deleted", now).map(Some)
        };
        let Some(sandbox) = self.0.ports.store.write(destroy).await? else { return Ok(()) };
        self.0.hub.tick(id.machine().journal());
        self.remove(&sandbox).await?;
        tracing::info!(sandbox = %id, request = %ctx.request_id, "deleted a sandbox");
        Ok(())
    }

    /// Destroys sandboxes whose time is over. Returns how many there were; if it is as many as `max`, there may be
    /// more.
    ///
    /// # Errors
    ///
    /// `Internal` if the store fails. Files that cannot be removed are logged, and removed at the next start.
    pub async fn expire(&self, max: Limit) -> Result<usize, Error> {
        let now = self.0.now();
        let overdue = self
            .0
            .ports
            .store
            .read(move |reader| Ok::<_, Error>(reader.overdue_sandboxes(now, max)?))
            .await?;
        let count = overdue.len();
        for Sandbox { id, .. } in overdue {
            let expire = move |writer: &mut dyn Writer| {
                // Somebody may have deleted it since the list was read.
                let found = writer.sandbox_of_any_account(id)?;
                let found = found.filter(|sandbox| sandbox.status != Status::Destroyed);
                found.map(|sandbox| destroy(writer, sandbox, "its sandbox's time was over", now)).transpose()
            };
            let Some(sandbox) = self.0.ports.store.write::<_, Error>(expire).await? else { continue };
            self.0.hub.tick(id.machine().journal());
            if let Err(error) = self.remove(&sandbox).await {
                tracing::error!(sandbox = %id, %error, source = ?std::error::Error::source(&error), "the files of a sandbox could not be removed");
            }
        }
        Ok(count)
    }

    /// Ends what runs in a destroyed sandbox and removes its files.
    pub(super) async fn remove(&self, sandbox: &Sandbox) -> Result<(), Error> {
        match sandbox.mode {
            Mode::Container => self.0.ports.machines.destroy(sandbox.id.machine()).await?,
            Mode::Wasm => self.0.ports.wasm.destroy(sandbox.id).await?,
        }
        Ok(())
    }
}

fn destroy(
    writer: &mut dyn Writer,
    sandbox: Sandbox,
    why: &str,
    now: jiff::Timestamp,
) -> Result<Sandbox, Error> {
    if let Some(run) = writer.open_sandbox_run(sandbox.id)?
        && let Ok(over) = run.end(Outcome::bare(Ending::Cancelled, why), now)
    {
        writer.update_sandbox_run(&over)?;
    }
    let sandbox = sandbox.destroy(now);
    writer.update_sandbox(&sandbox)?;
    Ok(sandbox)
}
