//! Which mounts the rules come to in a workspace as it is.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use roost_domain::files::FileRules;

/// The most entries of a workspace that are looked at.
const ENTRIES_MAX: usize = 500_000;
/// The most mounts.
const STEPS_MAX: usize = 5_000;
/// Deeper directories are covered where something in them might be denied.
const DEPTH_MAX: usize = 100;

/// What to mount, in this order.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) view: View,
    pub(crate) steps: Vec<Step>,
    /// Files that are shown by themselves.
    pub(crate) single: HashSet<String>,
}

/// What commands find at `/workspace`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum View {
    /// The workspace.
    Whole(Access),
    /// Only the parts that are shown.
    Parts,
}

/// What may be done with a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Directory,
    File,
}

/// One mount. Paths are relative to the workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// Shows a part, in its own place.
    Show { path: PathBuf, kind: Kind, access: Access },
    /// Covers what is denied.
    Cover { path: PathBuf, kind: Kind },
}

impl Step {
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Show { path, .. } | Self::Cover { path, .. } => path,
        }
    }
}

impl Plan {
    /// Looks through a workspace, as far as the rules leave something open. Nobody may change it meanwhile.
    pub(crate) fn make(root: &Path, rules: &FileRules) -> Result<Self, String> {
        let mut walk = Walk {
            root,
            rules,
            left: ENTRIES_MAX,
            pinned: HashSet::new(),
            steps: Vec::new(),
            single: HashSet::new(),
        };
        let access = walk.access("");
        let top =
            Directory { path: PathBuf::new(), inner: String::new(), depth: 0, mounted: access, above: None };
        walk.look(&top)?;
        let view = access.map_or(View::Parts, View::Whole);
        Ok(Self { view, steps: walk.steps, single: walk.single })
    }
}

struct Walk<'a> {
    root: &'a Path,
    rules: &'a FileRules,
    left: usize,
    /// Directories that cannot be renamed, as something is mounted on them.
    pinned: HashSet<PathBuf>,
    steps: Vec<Step>,
    single: HashSet<String>,
}

/// A directory that is not denied.
struct Directory<'a> {
    path: PathBuf,
    /// The same as rules see it.
    inner: String,
    depth: usize,
    /// What the mount that shows it allows; `None` if nothing shows it.
    mounted: Option<Access>,
    above: Option<&'a Directory<'a>>,
}

impl Walk<'_> {
    /// Returns what may be done with all that is or will be below a directory, but for what is denied.
    fn access(&self, inner: &str) -> Option<Access> {
        match (self.rules.reads_all_below(inner), self.rules.writes_all_below(inner)) {
            (true, true) => Some(Access::Write),
            (true, false) => Some(Access::Read),
            (false, _) => None,
        }
    }

    fn look(&mut self, directory: &Directory<'_>) -> Result<(), String> {
        let Directory { path, inner, depth, mounted, .. } = directory;
        let open = match mounted {
            Some(Access::Write) => self.rules.denies_below(inner),
            Some(Access::Read) => self.rules.denies_below(inner) || self.rules.writes_below(inner),
            None => self.rules.reads_below(inner),
        };
        if !open {
            return Ok(());
        }
        let entries = match self.list(path, *depth) {
            Ok(entries) => entries,
            // What cannot be looked into, because its owner closed it or because it is too deep, is covered: it
            // could be opened again from inside.
            Err(_) if mounted.is_some() && !inner.is_empty() => {
                return self.cover(directory.above, path.clone(), Kind::Directory);
            }
            Err(_) if mounted.is_none() && !inner.is_empty() => return Ok(()),
            Err(error) => return Err(format!("look through the workspace: {error}")),
        };
        for entry in entries {
            let entry = entry.map_err(|error| format!("look through the workspace: {error}"))?;
            self.left = self.left.checked_sub(1).ok_or_else(|| {
                format!("the workspace has more than {ENTRIES_MAX} files to look through; deny whole directories, or tidy up")
            })?;
            self.entry(directory, &entry)?;
        }
        Ok(())
    }

    fn list(&self, path: &Path, depth: usize) -> io::Result<fs::ReadDir> {
        if depth == DEPTH_MAX {
            return Err(io::ErrorKind::InvalidFilename.into());
        }
        let path = self.root.join(path);
        // A directory may be readable and still let nobody through to what is in it.
        fs::symlink_metadata(path.join("."))?;
        fs::read_dir(path)
    }

    fn entry(&mut self, directory: &Directory<'_>, entry: &fs::DirEntry) -> Result<(), String> {
        let kind = entry.file_type().map_err(|error| format!("look through the workspace: {error}"))?;
        // A link is no more than a name for what is judged in its own place.
        if kind.is_symlink() {
            return Ok(());
        }
        let path = directory.path.join(entry.file_name());
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let inner = if directory.inner.is_empty() {
            name.into_owned()
        } else {
            format!("{}/{name}", directory.inner)
        };
        if self.rules.denies(&inner).is_some() {
            let kind = if kind.is_dir() { Kind::Directory } else { Kind::File };
            return if directory.mounted.is_some() {
                self.cover(Some(directory), path, kind)
            } else {
                Ok(())
            };
        }
        if kind.is_dir() {
            let access = self.access(&inner);
            if access != directory.mounted
                && let Some(access) = access
            {
                self.step(Step::Show { path: path.clone(), kind: Kind::Directory, access })?;
                self.pinned.insert(path.clone());
            }
            let depth = directory.depth + 1;
            let below = Directory { path, inner, depth, mounted: access, above: Some(directory) };
            return self.look(&below);
        }
        if kind.is_file() { self.file(directory, path, inner) } else { Ok(()) }
    }

    fn file(&mut self, directory: &Directory<'_>, path: PathBuf, inner: String) -> Result<(), String> {
        let (read, write) = (self.rules.may_read(&inner).is_ok(), self.rules.may_write(&inner).is_ok());
        let access = match directory.mounted {
            Some(Access::Read) if write && read => Access::Write,
            None if write && read => Access::Write,
            None if read => Access::Read,
            _ => return Ok(()),
        };
        self.single.insert(inner);
        self.step(Step::Show { path, kind: Kind::File, access })
    }

    /// Covers something in a directory, and sees to it that no directory above it can be renamed: under another
    /// name, what is covered now would be open to the next machine.
    fn cover(&mut self, directory: Option<&Directory<'_>>, path: PathBuf, kind: Kind) -> Result<(), String> {
        let mut loose = Vec::new();
        let mut next = directory;
        while let Some(above) = next.filter(|above| above.mounted == Some(Access::Write) && above.depth > 0) {
            if self.pinned.insert(above.path.clone()) {
                loose.push(above.path.clone());
            }
            next = above.above;
        }
        for path in loose.into_iter().rev() {
            self.step(Step::Show { path, kind: Kind::Directory, access: Access::Write })?;
        }
        self.step(Step::Cover { path, kind })
    }

    fn step(&mut self, step: Step) -> Result<(), String> {
        if self.steps.len() == STEPS_MAX {
            return Err(format!(
                "they need more than {STEPS_MAX} mounts, one for each file that a pattern names; name whole directories instead"
            ));
        }
        self.steps.push(step);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
