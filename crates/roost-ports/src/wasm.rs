//! WebAssembly: code without processes and network, in bounds of time, fuel and memory.

use std::time::Duration;

use async_trait::async_trait;
use roost_domain::files::FileRules;
use roost_domain::gate::Permit;
use roost_domain::id::SandboxId;
use roost_domain::sandbox::Program;
use roost_domain::unit::{Bytes, MilliCpus};

/// Runs WebAssembly. Each sandbox has a directory of its own, made with its first run.
#[async_trait]
pub trait WasmRunner: Send + Sync {
    /// Tells why this server runs no WebAssembly, or no Python by it; nothing if it does.
    fn lacks(&self, program: &Program) -> Option<String>;

    /// Runs code to its end. The module sees the sandbox's directory at `/workspace`, or of it what the file rules
    /// open: whole directories. What it writes is cut at `output_cap`, each output for itself.
    ///
    /// # Errors
    ///
    /// [`Error`] if it could not be run. Code that fails or meets a bound is no error.
    ///
    /// # Cancel
    ///
    /// Dropping the future ends the code soon after.
    async fn run(&self, permit: &Permit, job: Job) -> Result<Exit, Error>;

    /// Ends what runs in a sandbox and removes its directory; no-op when there is neither.
    ///
    /// # Errors
    ///
    /// [`Error::Host`] if it cannot be removed whole.
    async fn destroy(&self, sandbox: SandboxId) -> Result<(), Error>;

    /// Returns the sandboxes that have a directory here, in no order.
    ///
    /// # Errors
    ///
    /// [`Error::Host`] if the host cannot tell.
    async fn directories(&self) -> Result<Vec<SandboxId>, Error>;
}

/// What to run, within which bounds.
#[derive(Debug, Clone)]
pub struct Job {
    /// In which sandbox.
    pub sandbox: SandboxId,
    /// The code.
    pub program: Program,
    /// What of the directory is opened.
    pub files: FileRules,
    /// How much it may compute: so much of what one CPU does in `timeout`, counted in instructions.
    pub cpu: MilliCpus,
    /// The most linear memory.
    pub memory: Bytes,
    /// After this it is ended.
    pub timeout: Duration,
    /// The most of each output that is kept.
    pub output_cap: Bytes,
}

/// How code ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exit {
    /// What ended it.
    pub status: ExitStatus,
    /// What it wrote to standard output.
    pub stdout: Written,
    /// What it wrote to standard error.
    pub stderr: Written,
}

/// What ended code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExitStatus {
    /// It ended by itself, with this code.
    Code(i32),
    /// It did what WebAssembly forbids, and what that was.
    Trapped(String),
    /// It is no module, or one that asks for what is not there.
    NoModule(String),
    /// Its time ran out.
    TimedOut,
    /// What it may compute was used up.
    OutOfFuel,
    /// It was refused memory and ended for that.
    OutOfMemory,
    /// Its sandbox was destroyed.
    Destroyed,
}

/// What code wrote to one output.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Written {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Whether there was more.
    pub cut: bool,
}

/// Why code could not be run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// This server does not run it.
    #[error("{0}")]
    Lacks(String),
    /// The permit is for something else.
    #[error("the permit does not cover this act")]
    NotPermitted,
    /// The host failed.
    #[error("the host failed to {act}")]
    Host {
        /// What was tried.
        act: &'static str,
        /// Why it failed.
        #[source]
        source: std::io::Error,
    },
}
