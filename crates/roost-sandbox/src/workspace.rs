//! Machines' workspaces on the host: one directory for each agent, owned by a user of its own.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io;
use std::ops::Range;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, lchown};
use std::path::{Path, PathBuf};

use roost_domain::id::{AgentId, SnapshotId};
use roost_domain::snapshot::Transfer;
use roost_ports::machine::Error;

use crate::removal::remove;
use crate::shelf::{Shelf, TRASH};
use crate::tree::{Owner, give};

/// The directory of all workspaces.
#[derive(Debug, Clone)]
pub(crate) struct Workspaces {
    root: PathBuf,
    /// The host's users that machines run as; `None` if the server may not use other users.
    uids: Option<Range<u32>>,
    shelf: Shelf,
}

/// A workspace that is ready.
#[derive(Debug)]
pub(crate) struct Workspace {
    pub(crate) path: PathBuf,
    /// The host's user and group that own it, and that its machine runs as.
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

impl Workspaces {
    /// Makes the directory if there is none, and takes it for this server; `None` if another has it. Nothing in a
    /// directory that another has is touched.
    pub(crate) fn lock(root: &Path) -> io::Result<Option<File>> {
        DirBuilder::new().recursive(true).mode(0o700).create(root)?;
        let lock = File::open(root)?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(lock)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Closes the directory to everybody else, and finds out whether it can hold other users' files.
    pub(crate) fn open(root: &Path, uids: Range<u32>) -> io::Result<Self> {
        let root = fs::canonicalize(root)?;
        fs::set_permissions(&root, fs::Permissions::from_mode(0o700))?;
        let probe = root.join(format!("{TRASH}probe"));
        remove(&probe)?;
        fs::create_dir(&probe)?;
        let others = !uids.is_empty() && lchown(&probe, Some(uids.start), Some(uids.start)).is_ok();
        fs::remove_dir(&probe)?;
        let shelf = Shelf::open(&root)?;
        Ok(Self { root, uids: others.then_some(uids), shelf })
    }

    /// Returns the directory, as the kernel names it.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Tells whether machines run as users of their own.
    pub(crate) const fn has_own_users(&self) -> bool {
        self.uids.is_some()
    }

    /// Makes the agent's workspace, or keeps the one there is.
    pub(crate) fn prepare(&self, agent: AgentId) -> io::Result<Workspace> {
        let path = self.path(agent);
        match DirBuilder::new().mode(0o700).create(&path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let found = fs::symlink_metadata(&path)?;
        if !found.is_dir() {
            return Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                "something else is in the workspace's place",
            ));
        }
        let (uid, gid) = match self.owner(agent) {
            None => (found.uid(), found.gid()),
            Some(owner) => {
                if (found.uid(), found.gid()) != (owner.uid, owner.gid) {
                    give(&path, owner)?;
                }
                (owner.uid, owner.gid)
            }
        };
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700))?;
        Ok(Workspace { path, uid, gid })
    }

    /// Returns whom the agent's workspace belongs to, if machines run as users of their own. Whoever owns it
    /// already stays: so the range may be changed later.
    fn owner(&self, agent: AgentId) -> Option<Owner> {
        let uids = self.uids.as_ref()?;
        // silent-ok: what is not there, or cannot be looked at, gets the owner that it would have from now on.
        let found = fs::symlink_metadata(self.path(agent)).ok();
        let owned = found.filter(|found| uids.contains(&found.uid()) && found.uid() == found.gid());
        let uid = owned.map_or_else(|| choose(agent, uids), |found| found.uid());
        Some(Owner { uid, gid: uid })
    }

    /// Returns the saved workspaces.
    pub(crate) const fn shelf(&self) -> &Shelf {
        &self.shelf
    }

    /// Saves the agent's workspace, which nobody changes meanwhile.
    pub(crate) fn save(&self, agent: AgentId, snapshot: SnapshotId) -> Result<Transfer, Error> {
        self.shelf.save(&self.path(agent), snapshot, self.owner(agent))
    }

    /// Makes the agent's workspace what a snapshot holds.
    pub(crate) fn restore(&self, snapshot: SnapshotId, agent: AgentId) -> Result<Transfer, Error> {
        self.shelf.restore(snapshot, agent, &self.path(agent), self.owner(agent))
    }

    /// Makes a snapshot itself the agent's workspace.
    pub(crate) fn adopt(&self, snapshot: SnapshotId, agent: AgentId) -> Result<(), Error> {
        self.shelf.adopt(snapshot, &self.path(agent), self.owner(agent))
    }

    /// Removes the agent's workspace; no-op when there is none.
    pub(crate) fn destroy(&self, agent: AgentId) -> io::Result<()> {
        // Under another name first: a removal that is cut off leaves no half workspace for a later machine.
        let trash = self.root.join(format!("{TRASH}{}", agent.uuid().as_hyphenated()));
        remove(&trash)?;
        match fs::rename(self.path(agent), &trash) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            renamed => renamed.and_then(|()| remove(&trash)),
        }
    }

    /// Returns the agents that have a workspace.
    pub(crate) fn agents(&self) -> io::Result<Vec<AgentId>> {
        let mut agents = Vec::new();
        for entry in fs::read_dir(&self.root)? {
            // What is no agent's (the lock, a half-removed workspace) is passed over.
            agents.extend(entry?.file_name().to_str().and_then(|name| name.parse::<AgentId>().ok()));
        }
        Ok(agents)
    }

    /// Removes what a removal that was cut off has left.
    pub(crate) fn sweep(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.root)? {
            let entry = entry?;
            if entry.file_name().as_encoded_bytes().starts_with(TRASH.as_bytes()) {
                remove(&entry.path())?;
            }
        }
        Ok(())
    }

    fn path(&self, agent: AgentId) -> PathBuf {
        self.root.join(agent.uuid().as_hyphenated().to_string())
    }
}

/// Chooses the machine's user, always the same for one agent. Two agents may meet on one, so this is only the
/// wall behind the walls.
fn choose(agent: AgentId, uids: &Range<u32>) -> u32 {
    let (high, low) = agent.uuid().as_u64_pair();
    // The ids differ mostly in their last bits, and the multiplication spreads those over the whole range.
    let spread = (high ^ low.rotate_left(31)).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
    let offset = spread % u64::from(uids.end - uids.start);
    uids.start + u32::try_from(offset).unwrap_or(0)
}

#[cfg(test)]
mod tests;
