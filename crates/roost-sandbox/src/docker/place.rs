//! What stands beside a machine on the host while it is up: the socket on which its hands call, its own `/etc`, and
//! what is mounted into its workspace.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, lchown};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use roost_domain::id::AgentId;

use crate::hands::root::own_etc;
use crate::removal::remove;
use crate::workspace::{Workspace, Workspaces};

/// The directory of one machine that is up.
#[derive(Debug, Clone)]
pub(super) struct Place {
    path: PathBuf,
}

/// Returns the directory of all places.
pub(super) fn all(workspaces: &Workspaces) -> PathBuf {
    workspaces.root().join(".containers")
}

impl Place {
    /// Makes the directory, empty but for the machine's own `/etc`.
    pub(super) fn make(workspaces: &Workspaces, agent: AgentId, workspace: &Workspace) -> io::Result<Self> {
        let place = Self { path: all(workspaces).join(agent.uuid().as_hyphenated().to_string()) };
        remove(&place.path)?;
        DirBuilder::new().recursive(true).mode(0o700).create(place.etc())?;
        for (name, content) in own_etc(workspace.uid, workspace.gid) {
            fs::write(place.etc().join(name), content)?;
        }
        // What commands see of it is only what is mounted; the way there is closed to every other user.
        for path in [place.socket_directory(), place.skeleton(), place.covers()] {
            fs::create_dir(&path)?;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        }
        DirBuilder::new().mode(0o000).create(place.cover_directory())?;
        File::create(place.cover_file())?.set_permissions(fs::Permissions::from_mode(0o000))?;
        Ok(place)
    }

    /// Listens for the machine's hands.
    pub(super) fn listen(&self, workspace: &Workspace) -> io::Result<UnixListener> {
        // The path of a socket has few bytes; through the open directory it is always short.
        let directory = File::open(self.socket_directory())?;
        let listener = UnixListener::bind(format!("/proc/self/fd/{}/socket", directory.as_raw_fd()))?;
        let socket = self.socket_directory().join("socket");
        fs::set_permissions(&socket, fs::Permissions::from_mode(0o600))?;
        if rustix::process::geteuid().is_root() {
            lchown(&socket, Some(workspace.uid), Some(workspace.gid))?;
        }
        listener.set_nonblocking(true)?;
        Ok(listener)
    }

    /// Takes the socket away: nobody is to connect after the hands have.
    pub(super) fn hush(&self) -> io::Result<()> {
        fs::remove_file(self.socket_directory().join("socket"))
    }

    pub(super) fn remove(&self) -> io::Result<()> {
        remove(&self.path)
    }

    pub(super) fn socket_directory(&self) -> PathBuf {
        self.path.join("socket")
    }

    pub(super) fn etc(&self) -> PathBuf {
        self.path.join("etc")
    }

    /// Where the places are made on which the parts of a workspace are shown.
    pub(super) fn skeleton(&self) -> PathBuf {
        self.path.join("skeleton")
    }

    fn covers(&self) -> PathBuf {
        self.path.join("covers")
    }

    pub(super) fn cover_directory(&self) -> PathBuf {
        self.covers().join("directory")
    }

    pub(super) fn cover_file(&self) -> PathBuf {
        self.covers().join("file")
    }

    /// Makes the place for a part of the workspace.
    pub(super) fn add_part(&self, path: &Path, is_directory: bool) -> io::Result<()> {
        let part = self.skeleton().join(path);
        if part.exists() {
            return Ok(());
        }
        if is_directory {
            return fs::create_dir_all(part);
        }
        fs::create_dir_all(part.parent().unwrap_or(&part))?;
        File::create(part).map(drop)
    }
}
