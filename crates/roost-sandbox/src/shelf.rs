//! Saved workspaces on the host, beside the workspaces themselves, for every driver whose workspaces are
//! directories.
//!
//! Whatever is made is made under another name first, brought to the disk, and then takes its place in one step:
//! a server that dies leaves the old or the new. What was left under another name begins with
//! [`TRASH`], and goes at the next start.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use roost_domain::id::{AgentId, SnapshotId};
use roost_domain::snapshot::{Comparison, Transfer};
use roost_domain::unit::Bytes;
use roost_ports::machine::Error;
use rustix::fs::{CWD, RenameFlags};

use crate::removal::remove;
use crate::tree::{self, Owner};

/// Directories on their way in or out begin with this.
pub(crate) const TRASH: &str = ".trash-";

/// Where snapshots stand in the directory of all workspaces.
const SNAPSHOTS: &str = ".snapshots";

/// The saved workspaces of one driver.
#[derive(Debug, Clone)]
pub(crate) struct Shelf {
    root: PathBuf,
}

impl Shelf {
    /// Opens the shelf in the directory of all workspaces.
    pub(crate) fn open(root: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(root.join(SNAPSHOTS))?;
        Ok(Self { root: root.to_owned() })
    }

    /// Saves a workspace that nobody changes meanwhile; without one, an empty directory.
    pub(crate) fn save(
        &self,
        workspace: &Path,
        snapshot: SnapshotId,
        owner: Option<Owner>,
    ) -> Result<Transfer, Error> {
        let begin = Instant::now();
        let part = self.part(&snapshot.uuid());
        let making = || -> io::Result<tree::Tally> {
            remove(&part)?;
            let tally = match fs::symlink_metadata(workspace) {
                Ok(_) => tree::copy(workspace, &part, owner)?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => tree::empty(&part, owner)?,
                Err(error) => return Err(error),
            };
            // What it takes the place of can only be of the same id, so of a save that nobody was told of.
            let place = self.place(snapshot);
            remove(&place)?;
            fs::rename(&part, &place)?;
            sync(&self.root.join(SNAPSHOTS))?;
            Ok(tally)
        };
        let tally = making();
        self.ended(tally, &part, begin, "save the workspace")
    }

    /// Makes a workspace what a snapshot holds.
    pub(crate) fn restore(
        &self,
        snapshot: SnapshotId,
        agent: AgentId,
        workspace: &Path,
        owner: Option<Owner>,
    ) -> Result<Transfer, Error> {
        let begin = Instant::now();
        let saved = self.existing(snapshot)?;
        let part = self.part(&agent.uuid());
        let making = || -> io::Result<tree::Tally> {
            remove(&part)?;
            let tally = tree::copy(&saved, &part, owner)?;
            self.swap(&part, workspace)?;
            Ok(tally)
        };
        let tally = making();
        self.ended(tally, &part, begin, "restore the workspace")
    }

    /// Makes a snapshot itself the workspace.
    pub(crate) fn adopt(
        &self,
        snapshot: SnapshotId,
        workspace: &Path,
        owner: Option<Owner>,
    ) -> Result<(), Error> {
        let saved = self.existing(snapshot)?;
        let adopting = || -> io::Result<()> {
            if let Some(owner) = owner {
                tree::give(&saved, owner)?;
            }
            sync_all(&saved)?;
            self.swap(&saved, workspace)?;
            // Where there was a workspace before, it stands in the snapshot's place now.
            remove(&saved)?;
            sync(&self.root.join(SNAPSHOTS))
        };
        adopting().map_err(|error| failed("restore the workspace", error))
    }

    /// Removes a snapshot; no-op when there is none.
    pub(crate) fn remove(&self, snapshot: SnapshotId) -> Result<(), Error> {
        let removing = || -> io::Result<()> {
            let part = self.part(&snapshot.uuid());
            remove(&part)?;
            match fs::rename(self.place(snapshot), &part) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                renamed => renamed.and_then(|()| remove(&part)),
            }
        };
        removing().map_err(|error| failed("remove the snapshot", error))
    }

    /// Compares the files of two snapshots.
    pub(crate) fn compare(&self, before: SnapshotId, after: SnapshotId) -> Result<Comparison, Error> {
        let (before, after) = (self.existing(before)?, self.existing(after)?);
        tree::compare(&before, &after).map_err(|error| failed("compare the snapshots", error))
    }

    /// Puts a directory in a workspace's place in one step. What was there stands in the directory's own place
    /// then.
    fn swap(&self, made: &Path, workspace: &Path) -> io::Result<()> {
        match rustix::fs::renameat_with(CWD, made, CWD, workspace, RenameFlags::EXCHANGE) {
            Err(rustix::io::Errno::NOENT) => fs::rename(made, workspace)?,
            swapped => swapped?,
        }
        sync(&self.root)
    }

    fn ended(
        &self,
        tally: io::Result<tree::Tally>,
        part: &Path,
        begin: Instant,
        act: &'static str,
    ) -> Result<Transfer, Error> {
        // Half a copy, or what was replaced.
        if let Err(error) = remove(part) {
            tracing::warn!(%error, "what a copy of a workspace left is removed at the next start");
        }
        let tally = tally.map_err(|error| failed(act, error))?;
        Ok(Transfer {
            method: tally.method,
            size: Bytes(tally.size),
            copied: Bytes(tally.copied),
            entries: tally.entries,
            left_out: tally.left_out,
            took: begin.elapsed(),
        })
    }

    fn existing(&self, snapshot: SnapshotId) -> Result<PathBuf, Error> {
        let place = self.place(snapshot);
        match fs::symlink_metadata(&place) {
            Ok(_) => Ok(place),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Error::NoSnapshot(snapshot)),
            Err(error) => Err(failed("find the snapshot", error)),
        }
    }

    fn place(&self, snapshot: SnapshotId) -> PathBuf {
        self.root.join(SNAPSHOTS).join(snapshot.to_string())
    }

    fn part(&self, of: &uuid::Uuid) -> PathBuf {
        self.root.join(format!("{TRASH}part-{}", of.as_hyphenated()))
    }
}

/// Brings a directory's entries to the disk.
fn sync(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Brings everything of the directory's filesystem to the disk.
fn sync_all(directory: &Path) -> io::Result<()> {
    Ok(rustix::fs::syncfs(File::open(directory)?)?)
}

fn failed(act: &'static str, source: io::Error) -> Error {
    let full = matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
    if full {
        Error::NoSpace { path: "a copy of the workspace".to_owned() }
    } else {
        Error::Host { act, source }
    }
}

#[cfg(test)]
mod tests;
