//! Control groups: where machines' limits, freezer and statistics are.
//!
//! A host has version 2 (one tree), version 1 (a tree for each controller), both, or lets this server write to
//! none. Groups go below the server's own, so that whatever holds the server in bounds holds its machines too:
//! `…/roost-<id of the workspaces' directory>/<agent>`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

mod group;
mod hosts;

pub(crate) use group::Group;

/// Where each controller's groups are made. In version 2 the paths are all the same.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Controllers {
    pub(crate) memory: Option<PathBuf>,
    pub(crate) cpu: Option<PathBuf>,
    pub(crate) cpuacct: Option<PathBuf>,
    pub(crate) pids: Option<PathBuf>,
    pub(crate) freezer: Option<PathBuf>,
}

/// Which kind of control groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    V1,
    V2,
}

/// The directories that hold one server's groups.
#[derive(Debug, Clone)]
pub(crate) struct Cgroups {
    pub(crate) version: Version,
    pub(crate) parents: Controllers,
}

impl Controllers {
    fn each(&self) -> [Option<&PathBuf>; 5] {
        [&self.memory, &self.cpu, &self.cpuacct, &self.pids, &self.freezer].map(Option::as_ref)
    }

    /// Returns the different paths.
    pub(crate) fn paths(&self) -> Vec<PathBuf> {
        let mut paths: Vec<_> = self.each().into_iter().flatten().cloned().collect();
        paths.sort();
        paths.dedup();
        paths
    }

    fn map(&self, change: impl Fn(&Path) -> PathBuf) -> Self {
        let map = |path: &Option<PathBuf>| path.as_deref().map(&change);
        Self {
            memory: map(&self.memory),
            cpu: map(&self.cpu),
            cpuacct: map(&self.cpuacct),
            pids: map(&self.pids),
            freezer: map(&self.freezer),
        }
    }
}

impl Cgroups {
    /// Finds where groups can be made on this host, and makes the directory `name` there.
    ///
    /// With `parent`, a directory of version 2 that belongs to the server; otherwise below the server's own group.
    pub(crate) fn find(name: &str, parent: Option<&Path>) -> io::Result<Option<Self>> {
        if let Some(parent) = parent {
            return prepare_v2(parent, name).map(Some);
        }
        let hosts = hosts::read()?;
        // silent-ok: a tree that this server may not write to is one that the host does not have; `layers` says
        // what follows from that.
        let v2 = hosts.unified.and_then(|own| delegate(&own).and_then(|at| prepare_v2(&at, name)).ok());
        if v2.as_ref().is_some_and(|v2| v2.parents.memory.is_some() && v2.parents.pids.is_some()) {
            return Ok(v2);
        }
        let made = |own: &Option<PathBuf>| {
            let path = own.as_ref()?.join(name);
            // silent-ok: as above.
            make(&path).ok().map(|()| path)
        };
        let v1 = &hosts.v1;
        let parents = Controllers {
            memory: made(&v1.memory),
            cpu: made(&v1.cpu),
            cpuacct: made(&v1.cpuacct),
            pids: made(&v1.pids),
            freezer: made(&v1.freezer),
        };
        if parents == Controllers::default() {
            return Ok(v2);
        }
        if let Some(unused) = v2.and_then(|v2| v2.parents.freezer) {
            // silent-ok: an empty directory of a tree that turned out not to be the better one.
            let _ = fs::remove_dir(unused);
        }
        Ok(Some(Self { version: Version::V1, parents }))
    }

    /// Returns a machine's group; it may not exist.
    pub(crate) fn group(&self, machine: &str) -> Group {
        Group::new(self.version, self.parents.map(|parent| parent.join(machine)))
    }

    /// Returns the names of the groups that exist.
    pub(crate) fn existing(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for parent in self.parents.paths() {
            for entry in fs::read_dir(parent)? {
                let entry = entry?;
                if entry.file_type()?.is_dir() {
                    names.extend(entry.file_name().into_string());
                }
            }
        }
        names.sort();
        names.dedup();
        Ok(names)
    }

    /// Removes the directories. Groups of machines that are just ending are waited for so long.
    pub(crate) fn remove(&self, patience: Duration) {
        let deadline = Instant::now() + patience;
        // silent-ok: an empty directory that stays costs nothing and is used again.
        while let Ok(names) = self.existing()
            && !names.is_empty()
            && Instant::now() < deadline
        {
            for path in names.iter().flat_map(|name| self.parents.map(|parent| parent.join(name)).paths()) {
                let _ = fs::remove_dir(path);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        for parent in self.parents.paths() {
            let _ = fs::remove_dir(parent);
        }
    }
}

/// Makes `name` in a directory of version 2 and gives it what controllers there are.
fn prepare_v2(at: &Path, name: &str) -> io::Result<Cgroups> {
    enable(at);
    let own = at.join(name);
    make(&own)?;
    enable(&own);
    let enabled = fs::read_to_string(own.join("cgroup.subtree_control"))?;
    let has =
        |controller: &str| enabled.split_whitespace().any(|word| word == controller).then(|| own.clone());
    // Freezing needs no controller, and counting CPU time neither.
    let parents = Controllers {
        memory: has("memory"),
        cpu: has("cpu"),
        cpuacct: Some(own.clone()),
        pids: has("pids"),
        freezer: Some(own.clone()),
    };
    Ok(Cgroups { version: Version::V2, parents })
}

/// Makes the server's own group fit to hold others: one with groups below it may hold no processes itself, except
/// at the root, so the server moves into a group of its own.
fn delegate(own: &Path) -> io::Result<PathBuf> {
    let is_root = !own.join("cgroup.type").exists();
    let controllers = fs::read_to_string(own.join("cgroup.controllers"))?;
    if !is_root && controllers.split_whitespace().any(|word| word == "memory") {
        let server = own.join("roost-server");
        make(&server)?;
        fs::write(server.join("cgroup.procs"), std::process::id().to_string())?;
    }
    Ok(own.to_owned())
}

fn enable(at: &Path) {
    for controller in ["+memory", "+cpu", "+pids"] {
        // silent-ok: what could not be had is missing in `cgroup.subtree_control`, which is read next.
        let _ = fs::write(at.join("cgroup.subtree_control"), controller);
    }
}

fn make(path: &Path) -> io::Result<()> {
    match fs::create_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

#[cfg(test)]
mod tests;
