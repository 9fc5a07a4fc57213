use roost_domain::page::Limit;
use roost_domain::sandbox::{
    Ending, Leave, Mode, OUTPUT_MAX, Outcome, Output, Run, Sandbox, Status, Violation, ViolationKind,
};
use roost_domain::unit::Bytes;
use roost_ports::machine::{self, Command, ExitStatus, Spec};
use roost_ports::store::Writer;
use roost_ports::wasm::{self, Job};

use super::Sandboxes;
use crate::Error;
use crate::error::with_causes;

/// A run that has begun on record and has yet to be performed.
#[derive(Debug)]
pub struct SandboxWork {
    sandbox: Sandbox,
    run: Run,
    leave: Leave,
}

/// What became of a run's machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Machine {
    Well,
    Broken,
}

impl Sandboxes<'_> {
    /// Waits until a run was queued since the last call. Safe to drop.
    pub async fn queued(&self) {
        self.0.sandbox_runs.notified().await;
    }

    /// Takes queued runs, oldest first, and marks them as begun. A run whose sandbox is over meanwhile is ended.
    ///
    /// # Errors
    ///
    /// `Internal` if the store fails; nothing is taken then.
    pub async fn claim(&self, max: Limit) -> Result<Vec<SandboxWork>, Error> {
        let (core, now) = (self.0.clone(), self.0.now());
        let claim = move |writer: &mut dyn Writer| {
            let mut taken = Vec::new();
            for run in writer.queued_sandbox_runs(max)? {
                let Some(sandbox) = writer.sandbox_of_any_account(run.sandbox)? else { continue };
                // The permissions may have been narrowed since the sandbox was made.
                let permitted = core.permitted_now(writer, &sandbox);
                let begun = permitted.and_then(|permitted| {
                    let (run, leave) = permitted.begin(run.clone(), now)?;
                    Ok((permitted, run, leave))
                });
                match begun {
                    Ok((sandbox, run, leave)) => {
                        writer.update_sandbox_run(&run)?;
                        taken.push(SandboxWork { sandbox, run, leave });
                    }
                    Err(why) => {
                        let outcome = Outcome::bare(Ending::Cancelled, why.public());
                        if let Ok(over) = run.end(outcome, now) {
                            writer.update_sandbox_run(&over)?;
                            writer.update_sandbox(&sandbox.release())?;
                        }
                    }
                }
            }
            Ok::<_, Error>(taken)
        };
        self.0.ports.store.write(claim).await
    }

    /// Performs a run and writes its outcome.
    ///
    /// # Errors
    ///
    /// `Internal` if the store fails; the run is found again by the next start. What goes wrong in the run is an
    /// outcome.
    ///
    /// # Cancel
    ///
    /// Dropping the future ends the code; the run stays begun, for [`Sandboxes::recover`] to find.
    pub async fn perform(&self, work: SandboxWork) -> Result<(), Error> {
        let (outcome, machine) = match work.sandbox.mode {
            Mode::Container => {
                let done = self.in_container(&work).await;
                // What the code left running ends with it: a sandbox that is ready computes nothing.
                if let Err(error) = self.0.ports.machines.stop(work.sandbox.id.machine()).await {
                    tracing::error!(sandbox = %work.sandbox.id, %error, "the machine of a sandbox does not end");
                }
                done
            }
            Mode::Wasm => (self.in_wasm(&work).await, Machine::Well),
        };
        let (account, id, run) = (work.run.account, work.sandbox.id, work.run.id);
        let now = self.0.now();
        let finish = move |writer: &mut dyn Writer| {
            if let Some(run) = writer.sandbox_run(account, run)?
                && let Ok(over) = run.end(outcome, now)
            {
                writer.update_sandbox_run(&over)?;
            }
            let Some(sandbox) = writer.sandbox_of_any_account(id)? else { return Ok(true) };
            let sandbox = if machine == Machine::Broken { sandbox.breaks() } else { sandbox.release() };
            writer.update_sandbox(&sandbox)?;
            Ok::<_, Error>(sandbox.status == Status::Destroyed)
        };
        let destroyed = self.0.ports.store.write(finish).await?;
        self.0.hub.tick(id.machine().journal());
        if destroyed {
            // The machine may have been started after it was destroyed.
            self.remove(&work.sandbox).await?;
        }
        Ok(())
    }

    async fn in_container(&self, work: &SandboxWork) -> (Outcome, Machine) {
        let SandboxWork { sandbox, run, leave } = work;
        let spec = Spec {
            agent: sandbox.id.machine(),
            limits: sandbox.settings.limits(),
            profile: sandbox.settings.profile,
            network: sandbox.settings.network.clone(),
            hosted: None,
            files: sandbox.settings.files.clone(),
        };
        let machine = match self.0.ports.machines.open(&leave.run, &spec).await {
            Ok(machine) => machine,
            Err(error) => {
                tracing::error!(sandbox = %sandbox.id, %error, "the machine of a sandbox does not start");
                return (Outcome::bare(Ending::Failed, &with_causes(&error)), Machine::Broken);
            }
        };
        let code = run.program.code.as_bytes();
        if let Err(error) = machine.write(&leave.write, &run.code_path(), code).await {
            return (failed(&error), Machine::Well);
        }
        let command = Command {
            line: run.command_line(),
            timeout: run.timeout,
            // What of it belongs to which output is cut below.
            output_cap: Bytes(4 * OUTPUT_MAX as u64),
        };
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let mut take = |piece: machine::Output<'_>| match piece {
            machine::Output::Stdout(bytes) => stdout.extend_from_slice(bytes),
            machine::Output::Stderr(bytes) => stderr.extend_from_slice(bytes),
        };
        let ran = machine.exec(&leave.run, command, &mut take).await;
        let exit = match ran {
            Ok(exit) => exit,
            Err(error) => return (failed(&error), Machine::Well),
        };
        let more = exit.dropped.0 > 0;
        let (stdout, mut stderr) = (Output::keep(&stdout, more), Output::keep(&stderr, more));
        let (ending, violation) = match exit.status {
            ExitStatus::Code(code) => (Ending::Code(code), None),
            ExitStatus::Signal(signal) => {
                stderr.say(&format!("the signal {signal} ended it"));
                (Ending::Failed, None)
            }
            ExitStatus::TimedOut => (Ending::TimedOut, Some(out_of_time(run))),
            ExitStatus::OutOfMemory => (Ending::Failed, Some(out_of_memory(sandbox))),
        };
        (outcome(ending, stdout, stderr, violation), Machine::Well)
    }

    async fn in_wasm(&self, work: &SandboxWork) -> Outcome {
        let SandboxWork { sandbox, run, leave } = work;
        let job = Job {
            sandbox: sandbox.id,
            program: run.program.clone(),
            files: sandbox.settings.files.clone(),
            cpu: sandbox.settings.cpu,
            memory: sandbox.settings.memory,
            timeout: run.timeout,
            output_cap: Bytes(OUTPUT_MAX as u64),
        };
        let exit = match self.0.ports.wasm.run(&leave.run, job).await {
            Ok(exit) => exit,
            Err(error) => {
                tracing::error!(sandbox = %sandbox.id, %error, "a module cannot be run");
                return Outcome::bare(Ending::Failed, &with_causes(&error));
            }
        };
        let keep = |written: &wasm::Written| Output::keep(&written.bytes, written.cut);
        let (stdout, mut stderr) = (keep(&exit.stdout), keep(&exit.stderr));
        let (ending, violation) = match exit.status {
            wasm::ExitStatus::Code(code) => (Ending::Code(code), None),
            wasm::ExitStatus::Trapped(why) | wasm::ExitStatus::NoModule(why) => {
                stderr.say(&why);
                (Ending::Failed, None)
            }
            wasm::ExitStatus::TimedOut => (Ending::TimedOut, Some(out_of_time(run))),
            wasm::ExitStatus::OutOfFuel => {
                let detail = "it computed as much as the sandbox's CPU share and the run's timeout allow";
                (
                    Ending::Failed,
                    Some(Violation { kind: ViolationKind::OutOfFuel, detail: detail.to_owned() }),
                )
            }
            wasm::ExitStatus::OutOfMemory => (Ending::Failed, Some(out_of_memory(sandbox))),
            wasm::ExitStatus::Destroyed => (Ending::Cancelled, None),
        };
        outcome(ending, stdout, stderr, violation)
    }
}

fn outcome(ending: Ending, stdout: Output, stderr: Output, violation: Option<Violation>) -> Outcome {
    let too_large = || {
        let detail = format!("of each output {OUTPUT_MAX} bytes are kept");
        (stdout.cut || stderr.cut).then_some(Violation { kind: ViolationKind::OutputTooLarge, detail })
    };
    let violation = violation.or_else(too_large);
    Outcome { ending, stdout, stderr, violation }
}

fn out_of_time(run: &Run) -> Violation {
    let detail = format!("it ran longer than {} s", run.timeout.as_secs());
    Violation { kind: ViolationKind::Timeout, detail }
}

fn out_of_memory(sandbox: &Sandbox) -> Violation {
    let detail = format!("it needed more than {} of memory", sandbox.settings.memory);
    Violation { kind: ViolationKind::OutOfMemory, detail }
}

fn failed(error: &machine::Error) -> Outcome {
    Outcome::bare(Ending::Failed, &with_causes(error))
}
