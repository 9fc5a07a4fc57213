//! Machines' workspaces on the host: one directory for each agent, owned by a user of its own.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io;
use std::ops::Range;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, lchown};
use std::path::{Path, PathBuf};

use roost_domain::id::AgentId;

use crate::removal::remove;

/// Directories on their way out begin with this.
const TRASH: &str = ".trash-";

/// The directory of all workspaces.
#[derive(Debug, Clone)]
pub(crate) struct Workspaces {
    root: PathBuf,
    /// The host's users that machines run as; `None` if the server may not use other users.
    uids: Option<Range<u32>>,
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
        Ok(Self { root, uids: others.then_some(uids) })
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
        let (uid, gid) = match &self.uids {
            None => (found.uid(), found.gid()),
            // Whoever owns it already stays: so the range may be changed later.
            Some(uids) if uids.contains(&found.uid()) && found.uid() == found.gid() => {
                (found.uid(), found.gid())
            }
            Some(uids) => {
                let uid = choose(agent, uids);
                give(&path, uid)?;
                (uid, uid)
            }
        };
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700))?;
        Ok(Workspace { path, uid, gid })
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

/// Gives a directory and all in it to a user; links themselves, not what they point to.
fn give(path: &Path, uid: u32) -> io::Result<()> {
    let mut waiting = vec![path.to_owned()];
    while let Some(directory) = waiting.pop() {
        lchown(&directory, Some(uid), Some(uid))?;
        for entry in fs::read_dir(&directory)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                waiting.push(entry.path());
            } else {
                lchown(entry.path(), Some(uid), Some(uid))?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
