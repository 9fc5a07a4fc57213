use std::time::Duration;

use roost_domain::id::{SandboxId, SandboxRunId};
use roost_domain::key::Scope;
use roost_domain::sandbox::{Mode, Output, Program, Run, RunStatus, run_timeout};
use roost_ports::store::{Reader, Writer};

use super::{Sandboxes, own};
use crate::{Ctx, Error};

/// How much longer than its own timeout a run is waited for: its machine has to start, and to end what is over.
const SLACK: Duration = Duration::from_secs(45);

/// Code to be run.
#[derive(Debug, Clone)]
pub struct RunCode {
    /// Where.
    pub sandbox: SandboxId,
    /// The code: Python, or in the mode wasm a module in base64 or as text.
    pub code: String,
    /// How long it may run, in seconds; without, 30.
    pub timeout: Option<u64>,
    /// Whether to wait for its end.
    pub wait: Wait,
}

/// Whether to wait for the end of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Until it is over.
    Over,
    /// Not at all; [`Sandboxes::get_run`] tells how it stands.
    No,
}

impl Sandboxes<'_> {
    /// Runs code in a sandbox. The run is on record before it begins.
    ///
    /// # Errors
    ///
    /// `InvalidInput` names the field; `NotFound`; `Conflict` if the sandbox runs something already; `InvalidState`
    /// if it is gone. Code that fails is no error.
    ///
    /// # Cancel
    ///
    /// Safe: a run that was accepted goes on.
    pub async fn run(&self, ctx: &Ctx, new: RunCode) -> Result<Run, Error> {
        ctx.require(Scope::Sandboxes)?;
        let timeout = run_timeout(new.timeout)?;
        let (id, caller) = (new.sandbox, ctx.clone());
        let sandbox = self.0.ports.store.read(move |reader| own(reader, &caller, id)).await?;
        let program = Program::read(sandbox.mode, new.code)?;
        if sandbox.mode == Mode::Wasm
            && let Some(problem) = self.0.ports.wasm.lacks(&program)
        {
            return Err(Error::invalid("code", format!("cannot be run: {problem}")));
        }
        let run = Run {
            id: self.0.ports.random.id::<SandboxRunId>(ctx.now),
            sandbox: id,
            account: sandbox.account,
            program,
            timeout,
            status: RunStatus::Queued,
            exit_code: None,
            stdout: Output::default(),
            stderr: Output::default(),
            violation: None,
            created_at: ctx.now,
            started_at: None,
            finished_at: None,
        };
        let (caller, queued, now) = (ctx.clone(), run.clone(), self.0.now());
        let accept = move |writer: &mut dyn Writer| {
            let sandbox = own(writer, &caller, id)?.take(now)?;
            writer.update_sandbox(&sandbox)?;
            Ok::<_, Error>(writer.insert_sandbox_run(&queued)?)
        };
        self.0.ports.store.write(accept).await?;
        self.0.sandbox_runs.notify_one();
        match new.wait {
            Wait::No => Ok(run),
            Wait::Over => self.until_over(run).await,
        }
    }

    /// Waits for a run's end; returns it as it stands when it should have been over long ago.
    async fn until_over(&self, run: Run) -> Result<Run, Error> {
        let mut watch = self.0.hub.watch(run.sandbox.machine().journal());
        let deadline = tokio::time::Instant::now() + run.timeout + SLACK;
        let (account, id) = (run.account, run.id);
        loop {
            let read = move |reader: &dyn Reader| {
                reader.sandbox_run(account, id)?.ok_or_else(|| Error::not_found("run", id))
            };
            let now = self.0.ports.store.read(read).await?;
            if now.status.is_over() || tokio::time::timeout_at(deadline, watch.log_changed()).await.is_err() {
                return Ok(now);
            }
        }
    }
}
