//! Snapshots: saved states of agents, to go back to and to make other agents from.

use std::time::Duration;

use jiff::Timestamp;

use crate::id::{AccountId, AgentId, SessionId, SnapshotId, TurnId};
use crate::unit::Bytes;

mod diff;

pub use diff::{DIFF_MAX, TEXT_MAX, unified};

/// The longest name, in characters.
const NAME_MAX: usize = 100;

/// A saved state of an agent: its files, its documents, and how far its log was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Its id.
    pub id: SnapshotId,
    /// The account it belongs to.
    pub account: AccountId,
    /// Whose state it is.
    pub agent: AgentId,
    /// What people call it, 1 to 100 characters.
    pub name: String,
    /// When it was taken.
    pub created_at: Timestamp,
    /// How far the agent's log was.
    pub mark: Mark,
    /// How its files were saved.
    pub transfer: Transfer,
}

/// How far an agent's log was at a moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mark {
    /// The place of its last event among all events of the server; 0 before the first.
    pub seq: u64,
    /// How many events its conversations had.
    pub events: u64,
    /// The turns that were not over.
    pub open: Vec<(SessionId, TurnId)>,
}

/// How a workspace was copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transfer {
    /// By what means.
    pub method: Method,
    /// The size of all files.
    pub size: Bytes,
    /// How much data was read and written again.
    pub copied: Bytes,
    /// How many files, directories and links there are.
    pub entries: u64,
    /// How many sockets, pipes and devices were left out.
    pub left_out: u64,
    /// How long it took, until it was safe on the disk.
    pub took: Duration,
}

/// By what means a workspace was copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// Both copies share their data on the disk until one changes it.
    Reflink,
    /// Data was read and written again: the filesystem cannot share it.
    Copy,
}

impl Method {
    /// Every method.
    pub const ALL: [Self; 2] = [Self::Reflink, Self::Copy];

    /// Returns its name on the wire and in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reflink => "reflink",
            Self::Copy => "copy",
        }
    }
}

/// What two saved workspaces differ in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Comparison {
    /// The changes, sorted by path, cut to the first [`CHANGES_MAX`].
    pub changes: Vec<FileChange>,
    /// How many changes there are in all.
    pub total: u64,
}

/// The most changes that a comparison names.
pub const CHANGES_MAX: usize = 1_000;

/// A file, link or directory in which two workspaces differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    /// Relative to the workspace. What is not UTF-8 in it is replaced.
    pub path: String,
    /// What is different.
    pub change: Change,
    /// A file's size before; `None` where there was no file.
    pub before: Option<Bytes>,
    /// A file's size after; `None` where there is no file.
    pub after: Option<Bytes>,
    /// The lines that changed, for small text files; see [`unified`].
    pub diff: Option<String>,
}

/// What is different about a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Change {
    /// It is only in the second.
    Added,
    /// It is only in the first.
    Removed,
    /// Its content or kind is different.
    Changed,
    /// Only its mode is different.
    Mode,
}

impl Change {
    /// Returns its name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
            Self::Mode => "mode",
        }
    }
}

/// A name that no snapshot can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must have 1 to {NAME_MAX} characters, none of them a control character")]
pub struct InvalidName;

/// Returns what a snapshot is called: the name given, without space around it, or the time it was taken.
///
/// # Errors
///
/// [`InvalidName`]
pub fn name(given: Option<&str>, at: Timestamp) -> Result<String, InvalidName> {
    let Some(given) = given else { return Ok(at.strftime("%Y-%m-%d %H:%M:%S").to_string()) };
    let name = given.trim();
    let fits = (1..=NAME_MAX).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    if fits { Ok(name.to_owned()) } else { Err(InvalidName) }
}

/// Returns what a fork is called that nobody named: its parent's name and `fork`, within an agent's 100 characters.
pub fn fork_name(parent: &str) -> String {
    let kept: String = parent.chars().take(95).collect();
    format!("{} fork", kept.trim_end())
}

#[cfg(test)]
mod tests;
