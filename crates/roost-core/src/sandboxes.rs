//! Sandboxes: ephemeral machines for somebody's code.

use roost_domain::id::{SandboxId, SandboxRunId};
use roost_domain::key::Scope;
use roost_domain::page::{Limit, Page};
use roost_domain::sandbox::{CannotRun, InvalidField, Run, Sandbox};
use roost_ports::store::{Reader, SandboxCursor};

use crate::{Core, Ctx, Error, Kind};

mod create;
mod delete;
mod perform;
mod recover;
mod refusal;
mod run;

pub use create::CreateSandbox;
pub use perform::SandboxWork;
pub(crate) use refusal::note_refusal;
pub use run::{RunCode, Wait};

/// The use cases of sandboxes.
pub struct Sandboxes<'a>(pub(crate) &'a Core);

/// Which sandboxes to list.
#[derive(Debug, Clone)]
pub struct ListSandboxes {
    /// Only those for this one.
    pub subject: Option<String>,
    /// Where to begin.
    pub after: Option<SandboxCursor>,
    /// At most so many.
    pub limit: Limit,
}

impl Sandboxes<'_> {
    /// Returns one sandbox, destroyed or not.
    ///
    /// # Errors
    ///
    /// `NotFound`.
    pub async fn get(&self, ctx: &Ctx, id: SandboxId) -> Result<Sandbox, Error> {
        ctx.require(Scope::Sandboxes)?;
        let caller = ctx.clone();
        self.0.ports.store.read(move |reader| own(reader, &caller, id)).await
    }

    /// Returns the account's sandboxes, newest first, destroyed ones included.
    ///
    /// # Errors
    ///
    /// `Internal` if the store fails.
    pub async fn list(&self, ctx: &Ctx, list: ListSandboxes) -> Result<Page<Sandbox, SandboxCursor>, Error> {
        ctx.require(Scope::Sandboxes)?;
        let account = ctx.account();
        let read = move |reader: &dyn Reader| {
            Ok(reader.sandboxes(account, list.subject.as_deref(), list.after, list.limit)?)
        };
        self.0.ports.store.read(read).await
    }

    /// Returns one run of a sandbox as it stands.
    ///
    /// # Errors
    ///
    /// `NotFound`.
    pub async fn get_run(&self, ctx: &Ctx, sandbox: SandboxId, id: SandboxRunId) -> Result<Run, Error> {
        ctx.require(Scope::Sandboxes)?;
        let account = ctx.account();
        let read = move |reader: &dyn Reader| {
            let run = reader.sandbox_run(account, id)?.filter(|run| run.sandbox == sandbox);
            run.ok_or_else(|| Error::not_found("run", id))
        };
        self.0.ports.store.read(read).await
    }
}

fn own(reader: &dyn Reader, ctx: &Ctx, id: SandboxId) -> Result<Sandbox, Error> {
    reader.sandbox(ctx.account(), id)?.ok_or_else(|| Error::not_found("sandbox", id))
}

impl From<InvalidField> for Error {
    fn from(error: InvalidField) -> Self {
        Self::new(Kind::InvalidInput, "invalid_request", error.to_string())
    }
}

impl From<CannotRun> for Error {
    fn from(error: CannotRun) -> Self {
        let (kind, code) = match error {
            CannotRun::Destroyed => (Kind::InvalidState, "sandbox_destroyed"),
            CannotRun::Expired => (Kind::InvalidState, "sandbox_expired"),
            CannotRun::Busy | CannotRun::NotQueued => (Kind::Conflict, "sandbox_busy"),
            CannotRun::Broken => (Kind::InvalidState, "sandbox_broken"),
        };
        Self::new(kind, code, error.to_string())
    }
}
