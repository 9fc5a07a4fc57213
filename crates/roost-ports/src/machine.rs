//! Machines: the isolated environment of one agent, where its tools run.

use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use roost_domain::files::FileRules;
use roost_domain::gate::{Permit, Profile};
use roost_domain::id::{AgentId, SnapshotId};
use roost_domain::machine::{Condition, Layer, Limits, Stats};
use roost_domain::network::NetworkRules;
use roost_domain::snapshot::{Comparison, Transfer};
use roost_domain::unit::Bytes;

/// Starts, freezes and ends machines. One driver each for kernel sandboxes, containers, …; all pass the same
/// conformance suite.
#[async_trait]
pub trait Machines: Send + Sync {
    /// Returns the agent's machine, up: starts it if there is none, thaws it if it is frozen. The workspace is
    /// made when it does not exist and kept as it is when it does.
    ///
    /// A machine that is up under another [`Spec`] (other limits, another profile, other rules) ends first, with all
    /// that runs in it, and starts anew: nothing goes on under rules that do not hold any more.
    ///
    /// # Errors
    ///
    /// [`Error::CannotStart`]; nothing is left running then.
    ///
    /// # Cancel
    ///
    /// Safe: a machine that is half started goes on starting for the next caller or is taken down.
    async fn open(&self, permit: &Permit, spec: &Spec) -> Result<Arc<dyn Machine>, Error>;

    /// Freezes every process of the machine; no-op when it is absent or frozen.
    ///
    /// # Errors
    ///
    /// [`Error::Host`] if the host refuses.
    async fn freeze(&self, agent: AgentId) -> Result<(), Error>;

    /// Lets a frozen machine go on; no-op when it is absent or not frozen.
    ///
    /// # Errors
    ///
    /// [`Error::Host`] if the host refuses.
    async fn thaw(&self, agent: AgentId) -> Result<(), Error>;

    /// Ends every process of the machine, frozen or not, and keeps the workspace; no-op when it is absent.
    /// When it returns, no process of the machine is alive.
    ///
    /// # Errors
    ///
    /// [`Error::Host`] if processes cannot be ended.
    async fn stop(&self, agent: AgentId) -> Result<(), Error>;

    /// Stops the machine and removes the workspace for good; no-op when there is neither.
    ///
    /// # Errors
    ///
    /// [`Error::Host`] if it cannot be removed whole.
    async fn destroy(&self, agent: AgentId) -> Result<(), Error>;

    /// Returns what the machine uses; `None` when it is absent.
    ///
    /// # Errors
    ///
    /// [`Error::Host`] if the host cannot tell.
    async fn stats(&self, agent: AgentId) -> Result<Option<Stats>, Error>;

    /// Returns what the machine is doing. A machine whose first process died is absent.
    fn condition(&self, agent: AgentId) -> Condition;

    /// Returns how many connections the machine's processes were let make since the driver was opened; never less
    /// than before while the machine is there.
    fn connections(&self, agent: AgentId) -> u64;

    /// Returns the agents whose machines are up and have had no call for at least `idle`, by the driver's own
    /// monotonic clock; a machine with a running command is never idle, a frozen one is not listed.
    fn idle(&self, idle: Duration) -> Vec<AgentId>;

    /// Returns the agents that have a workspace here, in no order, whether or not their machines are up.
    ///
    /// # Errors
    ///
    /// [`Error::Host`] if the host cannot tell.
    async fn workspaces(&self) -> Result<Vec<AgentId>, Error>;

    /// Saves the workspace as it is, whole, under a snapshot's id; an agent without one has an empty one. The
    /// machine, if it is up, stands still from before the first file is read until the [`Hold`] is dropped, so
    /// that what the caller writes down meanwhile belongs to the same moment. When it returns, the files survive a
    /// power failure.
    ///
    /// Kept are names, contents, holes, modes, times, links of both kinds; sockets, pipes and devices are left out.
    ///
    /// # Errors
    ///
    /// [`Error::NoSpace`]; [`Error::Host`]. Nothing is left of the snapshot then.
    ///
    /// # Cancel
    ///
    /// Safe: a snapshot that was begun is made to its end, and the machine goes on.
    async fn snapshot(&self, agent: AgentId, snapshot: SnapshotId) -> Result<(Transfer, Hold), Error> {
        let _ = (agent, snapshot);
        Err(no_snapshots())
    }

    /// Ends the agent's machine and makes its workspace what the snapshot holds: all of it or, if that fails,
    /// nothing. The snapshot stays. When it returns, the files survive a power failure.
    ///
    /// # Errors
    ///
    /// [`Error::NoSnapshot`]; [`Error::NoSpace`]; [`Error::Host`]. The workspace is as it was then.
    ///
    /// # Cancel
    ///
    /// Safe: a restoration that was begun is made to its end.
    async fn restore(&self, snapshot: SnapshotId, agent: AgentId) -> Result<Transfer, Error> {
        let _ = (snapshot, agent);
        Err(no_snapshots())
    }

    /// As [`Machines::restore`], but the snapshot itself becomes the workspace and is a snapshot no more: nothing
    /// is copied.
    ///
    /// # Errors
    ///
    /// As [`Machines::restore`].
    async fn adopt(&self, snapshot: SnapshotId, agent: AgentId) -> Result<(), Error> {
        let _ = (snapshot, agent);
        Err(no_snapshots())
    }

    /// Removes a snapshot's files for good; no-op when there are none.
    ///
    /// # Errors
    ///
    /// [`Error::Host`] if they cannot be removed whole; the snapshot cannot be used any more then.
    async fn delete_snapshot(&self, snapshot: SnapshotId) -> Result<(), Error> {
        let _ = snapshot;
        Err(no_snapshots())
    }

    /// Compares the files of two snapshots, content by content.
    ///
    /// # Errors
    ///
    /// [`Error::NoSnapshot`]; [`Error::Host`].
    async fn compare(&self, before: SnapshotId, after: SnapshotId) -> Result<Comparison, Error> {
        let _ = (before, after);
        Err(no_snapshots())
    }

    /// Returns the walls this driver puts up on this host, with those that do not hold.
    fn layers(&self) -> Vec<Layer>;

    /// Stops every machine, for an orderly end of the server.
    async fn shutdown(&self);
}

/// Keeps a machine still until it is dropped.
#[must_use = "the machine goes on when it is dropped"]
pub struct Hold(Option<Box<dyn FnOnce() + Send>>);

impl Hold {
    /// Makes one that calls `release` once, when it is dropped.
    pub fn new(release: impl FnOnce() + Send + 'static) -> Self {
        Self(Some(Box::new(release)))
    }

    /// Makes one that holds nothing, since nothing runs.
    pub const fn nothing() -> Self {
        Self(None)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if let Some(release) = self.0.take() {
            release();
        }
    }
}

/// What a driver says that keeps no snapshots.
fn no_snapshots() -> Error {
    let source = std::io::Error::new(std::io::ErrorKind::Unsupported, "this driver keeps no snapshots");
    Error::Host { act: "use snapshots", source }
}

/// How a machine is to be.
#[derive(Debug, Clone, PartialEq)]
pub struct Spec {
    /// Whose it is.
    pub agent: AgentId,
    /// What it may use.
    pub limits: Limits,
    /// How freely its processes may connect; see `roost_domain::gate::decide_connection`.
    pub profile: Profile,
    /// Where its processes may connect to.
    pub network: NetworkRules,
    /// Which files of the workspace may be touched, by file operations and by commands.
    ///
    /// File operations keep to the rules exactly. For commands a driver may have to narrow them, never to widen
    /// them, and judges what is there when the machine starts: a rule to read or write that is no whole directory
    /// covers the files that exist then; a rule that denies covers what exists then, while what a command makes
    /// later under such a name is the machine's own until the next start.
    pub files: FileRules,
    /// What a machine has that hosts somebody else's runtime; `None` for any other.
    pub hosted: Option<Hosted>,
}

/// Where a machine finds the directory that [`Hosted::programs`] names.
pub const PROGRAMS: &str = "/opt/runtime";

/// What a machine has that hosts somebody else's runtime.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hosted {
    /// A directory of this host that its processes can read and run, at [`PROGRAMS`]. Everything in it must be
    /// readable to everybody.
    pub programs: PathBuf,
    /// A service of this server on loopback. Requests that name the address of the machine's own proxy and no other
    /// host go there: `http://127.0.0.1:3128/…`. It has to know by itself whom it serves.
    pub door: SocketAddr,
}

/// A machine that is up. Paths are UTF-8, relative to the workspace or absolute below `/workspace`; whatever
/// leads outside, by `..`, links or mounts, is refused, and so is what the file rules forbid ([`Error::Denied`]),
/// whatever link leads there.
#[async_trait]
pub trait Machine: Send + Sync {
    /// Runs a command in the workspace and returns when it has ended and its output is read.
    ///
    /// `output` is called with each piece of output as it comes, at most `command.output_cap` bytes in all;
    /// what is more is read and thrown away.
    ///
    /// # Errors
    ///
    /// [`Error::Gone`] if the machine ended meanwhile. A command that fails or runs out of time is no error.
    ///
    /// # Cancel
    ///
    /// Dropping the future kills the command with all its descendants.
    async fn exec(
        &self,
        permit: &Permit,
        command: Command,
        output: &mut (dyn for<'piece> FnMut(Output<'piece>) + Send),
    ) -> Result<Exit, Error>;

    /// As [`Machine::exec`], for a process that lives as long as its caller wants it: while it runs, the machine may
    /// still be idle, and freeze.
    ///
    /// # Errors
    ///
    /// As [`Machine::exec`].
    ///
    /// # Cancel
    ///
    /// As [`Machine::exec`].
    async fn serve(
        &self,
        permit: &Permit,
        command: Command,
        output: &mut (dyn for<'piece> FnMut(Output<'piece>) + Send),
    ) -> Result<Exit, Error>;

    /// Connects to a port of the machine's own loopback address, as its processes do. The socket does not block.
    ///
    /// # Errors
    ///
    /// [`Error::Host`] if nobody listens there.
    async fn dial(&self, permit: &Permit, port: u16) -> Result<TcpStream, Error>;

    /// Reads a file, at most `max` bytes from `offset`. A permit to write the file covers reading it too.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], [`Error::WrongKind`] unless it is a regular file, [`Error::Outside`].
    async fn read(&self, permit: &Permit, path: &str, offset: u64, max: Bytes) -> Result<FilePart, Error>;

    /// Writes a file whole, with the directories above it: a reader sees the old content or the new.
    ///
    /// # Errors
    ///
    /// [`Error::Outside`], [`Error::WrongKind`] if it is a directory, [`Error::NoSpace`].
    async fn write(&self, permit: &Permit, path: &str, content: &[u8]) -> Result<(), Error>;

    /// Lists a directory, sorted by path, `depth` levels deep (1 is the directory itself), at most `max`
    /// entries. What may not be read is left out.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], [`Error::WrongKind`] unless it is a directory, [`Error::Outside`].
    async fn list(&self, permit: &Permit, path: &str, depth: u32, max: u32) -> Result<Vec<Entry>, Error>;

    /// Searches files below a path for lines that match a regular expression, at most `max` lines. Binary files,
    /// files over 8 MiB and what may not be read are passed over.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], [`Error::Outside`], [`Error::BadPattern`].
    async fn search(&self, permit: &Permit, path: &str, pattern: &str, max: u32)
    -> Result<Vec<Match>, Error>;
}

/// A command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// As `/bin/sh -c` reads it.
    pub line: String,
    /// After this it is killed with all its descendants.
    pub timeout: Duration,
    /// The most output that is passed on.
    pub output_cap: Bytes,
}

/// A piece of output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output<'a> {
    /// From standard output.
    Stdout(&'a [u8]),
    /// From standard error.
    Stderr(&'a [u8]),
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exit {
    /// What ended it.
    pub status: ExitStatus,
    /// How long it ran.
    pub took: Duration,
    /// How much output was thrown away.
    pub dropped: Bytes,
}

/// What ended a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitStatus {
    /// It ended by itself, with this code.
    Code(i32),
    /// A signal ended it.
    Signal(i32),
    /// Its time ran out.
    TimedOut,
    /// The machine's memory was used up and the kernel ended it.
    OutOfMemory,
}

/// A part of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilePart {
    /// The bytes.
    pub content: Vec<u8>,
    /// The whole file's size.
    pub size: Bytes,
}

/// An entry of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Relative to the workspace.
    pub path: String,
    /// What it is.
    pub kind: EntryKind,
    /// A regular file's size.
    pub size: Bytes,
}

/// What an entry of a directory is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link, not followed.
    Link,
    /// A socket, pipe or device.
    Other,
}

/// A line that matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// The file, relative to the workspace.
    pub path: String,
    /// The line's number, from 1.
    pub line: u64,
    /// The line, cut to 400 characters.
    pub text: String,
}

/// Is told of connections that machines' processes try to make.
pub trait Connections: Send + Sync {
    /// Takes note of an attempt. Must not block.
    fn attempted(&self, attempt: Attempt);
}

/// A connection that a machine's process tried to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Whose machine.
    pub agent: AgentId,
    /// Where to, as the process named it: `host:port`.
    pub target: String,
    /// Why it was refused; `None` if it was let through.
    pub refused: Option<String>,
}

/// Why a machine did not do what was asked. Paths are the caller's own.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The machine did not come up.
    #[error("the machine cannot start: {problem}")]
    CannotStart {
        /// Which part, and what would help.
        problem: String,
    },
    /// The machine ended while it was used.
    #[error("the machine ended")]
    Gone,
    /// There is nothing at the path.
    #[error("there is no {path:?} in the workspace")]
    NotFound {
        /// The path.
        path: String,
    },
    /// The path leads out of the workspace.
    #[error("{path:?} is outside the workspace")]
    Outside {
        /// The path.
        path: String,
    },
    /// The file rules forbid it.
    #[error("{why}")]
    Denied {
        /// The path.
        path: String,
        /// A sentence that names the path and the rule.
        why: String,
    },
    /// What is at the path is not what the operation needs.
    #[error("{path:?} is {found}, not {needed}")]
    WrongKind {
        /// The path.
        path: String,
        /// What is there.
        found: &'static str,
        /// What was needed.
        needed: &'static str,
    },
    /// The pattern is no regular expression.
    #[error("the pattern is no regular expression: {problem}")]
    BadPattern {
        /// What is wrong with it.
        problem: String,
    },
    /// The disk or the workspace's quota is full.
    #[error("there is no space left to write {path:?}")]
    NoSpace {
        /// The path.
        path: String,
    },
    /// There are no files of this snapshot.
    #[error("the files of the snapshot {0} are not here")]
    NoSnapshot(SnapshotId),
    /// The permit is for another agent or another kind of act.
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
