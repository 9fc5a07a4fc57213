//! What control groups the host shows this process.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::Controllers;

/// The server's own group in each tree.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Hosts {
    pub(super) unified: Option<PathBuf>,
    pub(super) v1: Controllers,
}

pub(super) fn read() -> io::Result<Hosts> {
    Ok(parse(&fs::read_to_string("/proc/self/mountinfo")?, &fs::read_to_string("/proc/self/cgroup")?))
}

/// **Source:** `proc_pid_mountinfo(5)`, `cgroups(7)`.
pub(super) fn parse(mounts: &str, own: &str) -> Hosts {
    let mut hosts = Hosts::default();
    for line in mounts.lines() {
        let Some((mount, system)) = line.split_once(" - ") else { continue };
        let mut mount = mount.split(' ').skip(3);
        let (Some(root), Some(point)) = (mount.next(), mount.next()) else { continue };
        let mut system = system.split(' ');
        let (kind, options) = (system.next().unwrap_or(""), system.nth(1).unwrap_or(""));
        let options: Vec<_> = options.split(',').collect();
        let place = |controller: &str| Some(place(root, point, &own_path(own, controller)?));
        match kind {
            "cgroup2" => hosts.unified = hosts.unified.take().or_else(|| place("")),
            "cgroup" => {
                for (name, slot) in [
                    ("memory", &mut hosts.v1.memory),
                    ("cpu", &mut hosts.v1.cpu),
                    ("cpuacct", &mut hosts.v1.cpuacct),
                    ("pids", &mut hosts.v1.pids),
                    ("freezer", &mut hosts.v1.freezer),
                ] {
                    if slot.is_none() && options.contains(&name) {
                        *slot = place(name);
                    }
                }
            }
            _ => {}
        }
    }
    hosts
}

/// Returns the process's group in the tree of a controller; the unified tree has no name.
fn own_path(own: &str, controller: &str) -> Option<String> {
    own.lines().find_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        let (controllers, path) = (fields.next()?, fields.next()?);
        controllers.split(',').any(|one| one == controller).then(|| path.to_owned())
    })
}

/// A container may see only its own part of a tree, while its processes are named from the tree's root.
fn place(root: &str, point: &str, own: &str) -> PathBuf {
    let below = Path::new(own).strip_prefix(root).unwrap_or(Path::new(""));
    Path::new(point).join(below)
}
