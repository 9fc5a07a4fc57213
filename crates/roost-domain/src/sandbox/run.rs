//! One run of code in a sandbox.

use std::time::Duration;

use jiff::Timestamp;

use super::{CODE_DIRECTORY, Program};
use crate::id::{AccountId, SandboxId, SandboxRunId};

/// The most that is kept of each output, in bytes.
pub const OUTPUT_MAX: usize = 256 * 1024;

/// One run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its id.
    pub id: SandboxRunId,
    /// Where it runs.
    pub sandbox: SandboxId,
    /// Whose it is.
    pub account: AccountId,
    /// What runs.
    pub program: Program,
    /// How long it may run.
    pub timeout: Duration,
    /// How far it is.
    pub status: RunStatus,
    /// The code with which it ended by itself.
    pub exit_code: Option<i32>,
    /// What it wrote to standard output.
    pub stdout: Output,
    /// What it wrote to standard error, and what Roost has to say.
    pub stderr: Output,
    /// The rule it ran into, where that is known.
    pub violation: Option<Violation>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it was over.
    pub finished_at: Option<Timestamp>,
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RunStatus {
    /// It waits to begin.
    Queued,
    /// It runs.
    Running,
    /// It ended by itself with the code 0.
    Succeeded,
    /// It ended otherwise.
    Failed,
    /// Its time ran out.
    TimedOut,
    /// Its sandbox was destroyed under it.
    Cancelled,
    /// The server died under it: nobody knows how far it came.
    Lost,
}

impl RunStatus {
    /// Every status.
    pub const ALL: [Self; 7] = [
        Self::Queued,
        Self::Running,
        Self::Succeeded,
        Self::Failed,
        Self::TimedOut,
        Self::Cancelled,
        Self::Lost,
    ];

    /// Returns its name on the wire and in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
            Self::Cancelled => "cancelled",
            Self::Lost => "lost",
        }
    }

    /// Tells whether nothing follows it.
    pub const fn is_over(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }
}

/// What a run wrote, as much of it as is kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Output {
    /// The text; bytes that are none are replaced.
    pub text: String,
    /// Whether there was more.
    pub cut: bool,
}

impl Output {
    /// Keeps what fits of some bytes.
    pub fn keep(bytes: &[u8], more: bool) -> Self {
        let kept = &bytes[..bytes.len().min(OUTPUT_MAX)];
        Self { text: String::from_utf8_lossy(kept).into_owned(), cut: more || bytes.len() > OUTPUT_MAX }
    }

    /// Adds a line of Roost's own.
    pub fn say(&mut self, line: &str) {
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push('\n');
        }
        self.text.push_str("roost: ");
        self.text.push_str(line);
        self.text.push('\n');
    }
}

/// A rule that a run ran into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which kind.
    pub kind: ViolationKind,
    /// A sentence for people.
    pub detail: String,
}

/// Which kind of rule a run ran into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ViolationKind {
    /// Its time ran out.
    Timeout,
    /// Its memory was used up.
    OutOfMemory,
    /// What it may compute was used up.
    OutOfFuel,
    /// It tried to reach a host that it may not.
    DomainBlocked,
    /// It wrote more than is kept.
    OutputTooLarge,
}

impl ViolationKind {
    /// Every kind.
    pub const ALL: [Self; 5] =
        [Self::Timeout, Self::OutOfMemory, Self::OutOfFuel, Self::DomainBlocked, Self::OutputTooLarge];

    /// Returns its name on the wire and in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::OutOfMemory => "out_of_memory",
            Self::OutOfFuel => "out_of_fuel",
            Self::DomainBlocked => "domain_blocked",
            Self::OutputTooLarge => "output_too_large",
        }
    }
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// In which way.
    pub ending: Ending,
    /// What it wrote to standard output.
    pub stdout: Output,
    /// What it wrote to standard error.
    pub stderr: Output,
    /// The rule it ran into, where that is known.
    pub violation: Option<Violation>,
}

/// In which way a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// By itself, with this code.
    Code(i32),
    /// Otherwise, before it came to an end.
    Failed,
    /// Its time ran out.
    TimedOut,
    /// Its sandbox was destroyed.
    Cancelled,
    /// The server died.
    Lost,
}

impl Outcome {
    /// An end of which nothing is known but this.
    pub fn bare(ending: Ending, says: &str) -> Self {
        let mut stderr = Output::default();
        stderr.say(says);
        Self { ending, stdout: Output::default(), stderr, violation: None }
    }
}

/// The run is over already; what became of it stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the run is {} already", .0.name())]
pub struct NotOpen(pub RunStatus);

impl Run {
    /// Ends the run.
    ///
    /// # Errors
    ///
    /// [`NotOpen`] if it is over.
    pub fn end(self, outcome: Outcome, now: Timestamp) -> Result<Self, NotOpen> {
        if self.status.is_over() {
            return Err(NotOpen(self.status));
        }
        let (status, exit_code) = match outcome.ending {
            Ending::Code(0) => (RunStatus::Succeeded, Some(0)),
            Ending::Code(code) => (RunStatus::Failed, Some(code)),
            Ending::Failed => (RunStatus::Failed, None),
            Ending::TimedOut => (RunStatus::TimedOut, None),
            Ending::Cancelled => (RunStatus::Cancelled, None),
            Ending::Lost => (RunStatus::Lost, None),
        };
        Ok(Self {
            status,
            exit_code,
            stdout: outcome.stdout,
            stderr: outcome.stderr,
            // What was seen while it ran is said before what its end shows.
            violation: self.violation.or(outcome.violation),
            finished_at: Some(now),
            ..self
        })
    }

    /// Returns where its code is, relative to the workspace.
    pub fn code_path(&self) -> String {
        format!("{CODE_DIRECTORY}/{}.py", self.id)
    }

    /// Returns the command that runs its code, or says what the host lacks for that.
    pub fn command_line(&self) -> String {
        format!(
            "command -v python3 >/dev/null || {{ echo 'roost: there is no python3 on this host' >&2; exit 127; }}; \
             exec python3 -u {}",
            self.code_path()
        )
    }
}
