//! The file rules, put up around a workspace before the first command: by mounts, which need nothing of the host
//! beyond what every machine needs, and which no link, rename or other name leads around.
//!
//! What commands see at `/workspace` is put together from parts of the whole workspace, each read-only or writable;
//! what is denied is covered by something empty that opens to nobody. The whole workspace stays reachable for file
//! operations alone, which keep to the rules exactly; see [`crate::files`].

use std::collections::HashSet;
use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

use roost_domain::files::FileRules;
use rustix::fs::{Mode, OFlags};
use rustix::mount::{MountFlags, UnmountFlags, mount, mount_bind, mount_remount, unmount};

use super::mounts;
use crate::files::WORKSPACE;

mod plan;

pub(crate) use plan::{Access, Kind, Plan, Step, View};

/// Where the whole workspace is while its parts are put together.
pub(super) const BEHIND: &str = "/.workspace";
/// Where what covers denied files is made.
const COVERS: &str = "/.covers";
/// What the error of a machine begins with whose rules cannot be enforced.
pub(crate) const PROBLEM: &str = "its file rules cannot be enforced";

/// A workspace of which commands see a part.
pub(super) struct Fenced {
    /// All of it.
    pub(super) whole: OwnedFd,
    /// Files that commands see by a mount of their own: replaced by another, they would go on to see the old one.
    pub(super) single: HashSet<String>,
}

/// Puts the rules up around the workspace at [`BEHIND`], and leaves that place.
pub(super) fn build(rules: &FileRules) -> Result<Fenced, String> {
    try_build(rules).map_err(|problem| format!("{PROBLEM}: {problem}"))
}

fn try_build(rules: &FileRules) -> Result<Fenced, String> {
    let behind = Path::new(BEHIND);
    make_directories(behind, rules, None);
    let plan = Plan::make(behind, rules)?;
    let say = |error: io::Error| error.to_string();
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let whole = rustix::fs::open(BEHIND, flags, Mode::empty()).map_err(|error| say(error.into()))?;
    let flags = mounts::flags_at(BEHIND).map_err(say)?;
    covers().map_err(say)?;
    let skeleton = matches!(plan.view, View::Parts);
    match plan.view {
        View::Parts => {
            let options = c"size=8m,nr_inodes=16384,mode=755";
            let nothing_special = MountFlags::NOSUID | MountFlags::NODEV;
            mount("tmpfs", WORKSPACE, "tmpfs", nothing_special, options)
                .map_err(|error| say(error.into()))?;
        }
        View::Whole(access) => bind(Path::new(""), access, flags).map_err(say)?,
    }
    for step in &plan.steps {
        put_up(step, flags).map_err(|error| format!("{}: {error}", step.path().display()))?;
    }
    if skeleton {
        let closed = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::RDONLY;
        mount_remount(WORKSPACE, closed, c"size=8m,nr_inodes=16384").map_err(|error| say(error.into()))?;
    }
    leave().map_err(say)?;
    Ok(Fenced { whole, single: plan.single })
}

fn put_up(step: &Step, flags: MountFlags) -> io::Result<()> {
    match step {
        Step::Show { path, kind, access } => {
            let target = Path::new(WORKSPACE).join(path);
            // In a view of parts, the place has to be made.
            if !target.exists() {
                match kind {
                    Kind::Directory => fs::create_dir_all(&target)?,
                    Kind::File => {
                        fs::create_dir_all(target.parent().unwrap_or(&target))?;
                        File::create(&target)?;
                    }
                }
            }
            bind(path, *access, flags)
        }
        Step::Cover { path, kind } => {
            let cover = match kind {
                Kind::Directory => "directory",
                Kind::File => "file",
            };
            let target = Path::new(WORKSPACE).join(path);
            mount_bind(Path::new(COVERS).join(cover), &target)?;
            close(&target, MountFlags::NOSUID | MountFlags::NODEV)
        }
    }
}

/// Shows a part of the whole workspace to commands.
fn bind(path: &Path, access: Access, flags: MountFlags) -> io::Result<()> {
    let target = Path::new(WORKSPACE).join(path);
    mount_bind(Path::new(BEHIND).join(path), &target)?;
    match access {
        Access::Write => Ok(()),
        Access::Read => close(&target, flags),
    }
}

fn close(target: &Path, flags: MountFlags) -> io::Result<()> {
    Ok(mount_remount(target, flags | MountFlags::BIND | MountFlags::RDONLY, c"")?)
}

/// Makes what is put over denied files and directories.
fn covers() -> io::Result<()> {
    fs::create_dir(COVERS)?;
    // A file system of their own: one that holds files without names could not be closed.
    mount("tmpfs", COVERS, "tmpfs", MountFlags::NOSUID | MountFlags::NODEV, c"size=4k,nr_inodes=4")?;
    fs::DirBuilder::new().mode(0o000).create(Path::new(COVERS).join("directory"))?;
    let file = File::create(Path::new(COVERS).join("file"))?;
    file.set_permissions(fs::Permissions::from_mode(0o000))
}

/// Takes the places away that were needed for building; what is mounted elsewhere stays.
fn leave() -> io::Result<()> {
    unmount(BEHIND, UnmountFlags::DETACH)?;
    fs::remove_dir(BEHIND)?;
    unmount(COVERS, UnmountFlags::DETACH)?;
    fs::remove_dir(COVERS)
}

/// Makes the directories that rules to write name outright, so that commands find somewhere to write; for another
/// user and group, if somebody else than the machine's user makes them.
pub(crate) fn make_directories(root: &Path, rules: &FileRules, owner: Option<(u32, u32)>) {
    for inner in rules.writable_directories() {
        let useful =
            rules.denies(inner).is_none() && rules.writes_all_below(inner) && rules.reads_all_below(inner);
        let mut path = root.to_owned();
        for part in inner.split('/').filter(|_| useful) {
            path.push(part);
            let there = fs::symlink_metadata(&path).is_ok_and(|found| found.is_dir());
            // silent-ok: what stands in the way, a link, a file or a closed directory, is the agent's own, and then
            // there is nothing to write to.
            if !there && make_directory(&path, owner).is_err() {
                break;
            }
        }
    }
}

fn make_directory(path: &Path, owner: Option<(u32, u32)>) -> io::Result<()> {
    fs::create_dir(path)?;
    match owner {
        Some((uid, gid)) => std::os::unix::fs::lchown(path, Some(uid), Some(gid)),
        None => Ok(()),
    }
}
