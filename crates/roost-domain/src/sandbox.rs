//! Sandboxes: ephemeral machines for somebody's code, destroyed when their time is over.
//!
//! A sandbox takes one run at a time. What may be done for a run is decided here: [`Sandbox::begin`] is the only
//! maker of a [`Leave`].

use jiff::Timestamp;

use crate::effect::{Action, Cause, Effect};
use crate::gate::Permit;
use crate::id::{AccountId, SandboxId, TurnId};

mod program;
mod run;
mod settings;

pub use program::{CODE_MAX, Language, Program};
pub use run::{Ending, NotOpen, OUTPUT_MAX, Outcome, Output, Run, RunStatus, Violation, ViolationKind};
pub use settings::{InvalidField, Requested, Settings, run_timeout};

/// Where runs put their code, relative to the workspace.
pub const CODE_DIRECTORY: &str = ".roost";

/// One sandbox.
#[derive(Debug, Clone, PartialEq)]
pub struct Sandbox {
    /// Its id.
    pub id: SandboxId,
    /// Whose it is.
    pub account: AccountId,
    /// What its owner calls whoever's code it runs, 1 to 200 characters; no agent of ours has to have that name.
    pub subject: String,
    /// How its code is held.
    pub mode: Mode,
    /// What it may use and touch.
    pub settings: Settings,
    /// What it is doing.
    pub status: Status,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it is destroyed by itself.
    pub expires_at: Timestamp,
    /// When it was destroyed, if it was.
    pub destroyed_at: Option<Timestamp>,
}

/// How a sandbox holds its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// In a machine of its own, as agents have them.
    Container,
    /// In a WebAssembly runtime, without processes and network.
    Wasm,
}

impl Mode {
    /// Every mode.
    pub const ALL: [Self; 2] = [Self::Container, Self::Wasm];

    /// Returns its name on the wire and in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Container => "container",
            Self::Wasm => "wasm",
        }
    }
}

/// What a sandbox is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// It is being made.
    Provisioning,
    /// It takes a run, for which its machine starts.
    Ready,
    /// It has a run, queued or running.
    Running,
    /// It is gone for good, with its files.
    Destroyed,
    /// Its machine cannot be started.
    Error,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 5] = [Self::Provisioning, Self::Ready, Self::Running, Self::Destroyed, Self::Error];

    /// Returns its name on the wire and in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Provisioning => "provisioning",
            Self::Ready => "ready",
            Self::Running => "running",
            Self::Destroyed => "destroyed",
            Self::Error => "error",
        }
    }
}

/// Leave to do in a sandbox's machine what one run needs.
#[derive(Debug)]
pub struct Leave {
    /// To put the code into the workspace.
    pub write: Permit,
    /// To run it.
    pub run: Permit,
}

/// Why a sandbox takes no run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CannotRun {
    /// It is gone.
    #[error("the sandbox is destroyed; create another")]
    Destroyed,
    /// Its time is over.
    #[error("the sandbox's time is over; create another, with a longer timeout if need be")]
    Expired,
    /// It has a run already.
    #[error("the sandbox runs something already; wait for that run to end, or create another sandbox")]
    Busy,
    /// Its machine cannot be started.
    #[error("the sandbox's machine cannot be started; delete it and create another")]
    Broken,
    /// The run is not queued in this sandbox.
    #[error("the run does not wait in this sandbox")]
    NotQueued,
}

impl Sandbox {
    /// Takes a run: from now on the sandbox is running.
    ///
    /// # Errors
    ///
    /// [`CannotRun`].
    pub fn take(self, now: Timestamp) -> Result<Self, CannotRun> {
        self.is_alive(now)?;
        match self.status {
            Status::Ready => Ok(Self { status: Status::Running, ..self }),
            Status::Provisioning | Status::Running => Err(CannotRun::Busy),
            Status::Destroyed => Err(CannotRun::Destroyed),
            Status::Error => Err(CannotRun::Broken),
        }
    }

    /// Decides whether a queued run may begin, and gives leave for what it does.
    ///
    /// # Errors
    ///
    /// [`CannotRun`].
    pub fn begin(&self, run: Run, now: Timestamp) -> Result<(Run, Leave), CannotRun> {
        self.is_alive(now)?;
        if self.status != Status::Running || run.sandbox != self.id || run.status != RunStatus::Queued {
            return Err(CannotRun::NotQueued);
        }
        let leave = Leave {
            write: self.permit(&run, Action::WriteFile { path: run.code_path() }),
            run: self.permit(&run, Action::RunCommand { command: run.command_line() }),
        };
        Ok((Run { status: RunStatus::Running, started_at: Some(now), ..run }, leave))
    }

    /// Ends a run's time in the sandbox; whatever became of the sandbox meanwhile stays.
    #[must_use]
    pub fn release(self) -> Self {
        match self.status {
            Status::Running => Self { status: Status::Ready, ..self },
            Status::Provisioning | Status::Ready | Status::Destroyed | Status::Error => self,
        }
    }

    /// Notes that the machine cannot be started.
    #[must_use]
    pub fn breaks(self) -> Self {
        match self.status {
            Status::Destroyed => self,
            Status::Provisioning | Status::Ready | Status::Running | Status::Error => {
                Self { status: Status::Error, ..self }
            }
        }
    }

    /// Ends it for good; one that is gone keeps its time.
    #[must_use]
    pub fn destroy(self, now: Timestamp) -> Self {
        Self { status: Status::Destroyed, destroyed_at: self.destroyed_at.or(Some(now)), ..self }
    }

    fn is_alive(&self, now: Timestamp) -> Result<(), CannotRun> {
        if self.status == Status::Destroyed {
            Err(CannotRun::Destroyed)
        } else if now >= self.expires_at {
            Err(CannotRun::Expired)
        } else {
            Ok(())
        }
    }

    fn permit(&self, run: &Run, action: Action) -> Permit {
        let machine = self.id.machine();
        Permit::grant(&Effect {
            agent: machine,
            session: machine.journal(),
            // No turn asks for it; the run's own name makes the effect one of its kind.
            turn: TurnId::from_uuid(run.id.uuid()),
            cause: Cause::Loop,
            action,
            scripts: Vec::new(),
        })
    }
}

#[cfg(test)]
mod tests;
