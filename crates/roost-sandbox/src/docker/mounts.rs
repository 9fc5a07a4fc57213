//! What is mounted into a machine's container.

use std::collections::HashSet;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use bollard::models::{Mount, MountBindOptions, MountBindOptionsPropagationEnum, MountType};
use roost_domain::files::FileRules;
use roost_ports::machine::PROGRAMS;
use rustix::fs::{Mode, OFlags};

use super::image;
use super::place::Place;
use crate::files::WORKSPACE;
use crate::hands::fences::{self, Access, Kind, Plan, Step, View};
use crate::workspace::Workspace;

/// Where the hands' program is in a container.
pub(super) const PROGRAM: &str = "/run/hands";
/// Where the directory of the socket is.
const SOCKETS: &str = "/run/roost";

/// The workspace as the rules show it.
pub(super) struct Shown {
    pub(super) mounts: Vec<Mount>,
    /// All of it, for file operations, where commands see only a part.
    pub(super) whole: Option<OwnedFd>,
    /// Files that commands see by a mount of their own.
    pub(super) single: HashSet<String>,
}

/// Returns the mounts of every machine: the hands' program, the socket, its own `/etc` and, with `shows_host`, this
/// host's programs; `programs` is a directory of this host that the machine shows.
pub(super) fn system(
    place: &Place,
    program: &Path,
    programs: Option<&Path>,
    shows_host: bool,
) -> Result<Vec<Mount>, String> {
    let mut mounts = vec![
        bind(program, Path::new(PROGRAM), Access::Read)?,
        bind(&place.socket_directory(), Path::new(SOCKETS), Access::Read)?,
    ];
    if let Some(programs) = programs {
        let real =
            std::fs::canonicalize(programs).map_err(|error| format!("{}: {error}", programs.display()))?;
        mounts.push(bind(&real, Path::new(PROGRAMS), Access::Read)?);
    }
    for entry in std::fs::read_dir(place.etc()).map_err(|error| error.to_string())? {
        let name = entry.map_err(|error| error.to_string())?.file_name();
        mounts.push(bind(&place.etc().join(&name), &Path::new("/etc").join(&name), Access::Read)?);
    }
    if shows_host {
        for path in image::shown() {
            mounts.push(bind(&path, &path, Access::Read)?);
            // The engine closes one mount at a time, so what is mounted below is named too.
            for below in crate::hands::mounted_below(&path).map_err(|error| error.to_string())? {
                mounts.push(bind(&below, &below, Access::Read)?);
            }
        }
    }
    Ok(mounts)
}

/// Puts the file rules into mounts. To be called while no process of the machine runs.
pub(super) fn workspace(place: &Place, workspace: &Workspace, rules: &FileRules) -> Result<Shown, String> {
    if rules.is_unrestricted() {
        let mounts = vec![bind(&workspace.path, Path::new(WORKSPACE), Access::Write)?];
        return Ok(Shown { mounts, whole: None, single: HashSet::new() });
    }
    ruled(place, workspace, rules).map_err(|problem| format!("{}: {problem}", fences::PROBLEM))
}

fn ruled(place: &Place, workspace: &Workspace, rules: &FileRules) -> Result<Shown, String> {
    let owner = rustix::process::geteuid().is_root().then_some((workspace.uid, workspace.gid));
    fences::make_directories(&workspace.path, rules, owner);
    let plan = Plan::make(&workspace.path, rules)?;
    let say = |error: io::Error| error.to_string();
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let whole = rustix::fs::open(&workspace.path, flags, Mode::empty()).map_err(|error| say(error.into()))?;
    let inside = Path::new(WORKSPACE);
    let first = match plan.view {
        View::Parts => bind(&place.skeleton(), inside, Access::Read)?,
        View::Whole(access) => bind(&workspace.path, inside, access)?,
    };
    let mut mounts = vec![first];
    for step in &plan.steps {
        let target = inside.join(step.path());
        mounts.push(match step {
            Step::Show { path, kind, access } => {
                if matches!(plan.view, View::Parts) {
                    place.add_part(path, matches!(kind, Kind::Directory)).map_err(say)?;
                }
                bind(&workspace.path.join(path), &target, *access)?
            }
            Step::Cover { kind: Kind::Directory, .. } => {
                bind(&place.cover_directory(), &target, Access::Read)?
            }
            Step::Cover { kind: Kind::File, .. } => bind(&place.cover_file(), &target, Access::Read)?,
        });
    }
    Ok(Shown { mounts, whole: Some(whole), single: plan.single })
}

fn bind(source: &Path, target: &Path, access: Access) -> Result<Mount, String> {
    let text = |path: &Path| match path.to_str() {
        Some(text) => Ok(text.to_owned()),
        None => Err(format!("{}: the engine mounts no path that is not UTF-8", path.display())),
    };
    Ok(Mount {
        target: Some(text(target)?),
        source: Some(text(source)?),
        typ: Some(MountType::BIND),
        read_only: Some(matches!(access, Access::Read)),
        bind_options: Some(MountBindOptions {
            propagation: Some(MountBindOptionsPropagationEnum::RPRIVATE),
            non_recursive: Some(true),
            ..MountBindOptions::default()
        }),
        ..Mount::default()
    })
}
