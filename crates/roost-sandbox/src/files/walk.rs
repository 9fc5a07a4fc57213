//! Walking through directories, never along links.

use rustix::fs::{AtFlags, Dir, OFlags};

use super::{Files, failure, kind, normal, size};
use crate::wire::{Entry, Failure, Kind};

/// The most entries that are looked at; with more, an answer covers only a part.
const LOOKED_AT_MAX: usize = 100_000;
/// The most levels of directories.
const DEPTH_MAX: u32 = 64;

impl Files {
    /// Lists a directory, sorted by path.
    pub(crate) fn list(&self, path: &str, depth: u32, max: u32) -> Result<Vec<Entry>, Failure> {
        let inner = normal(path)?;
        self.may_look(&inner)?;
        let mut found = Vec::new();
        self.walk(&inner, depth.min(DEPTH_MAX), &mut found)?;
        found.sort_by(|a, b| a.path.cmp(&b.path));
        found.truncate(usize::try_from(max).unwrap_or(usize::MAX));
        Ok(found)
    }

    /// Collects what is below a directory. An unreadable directory further down is passed over.
    pub(super) fn walk(&self, inner: &str, depth: u32, found: &mut Vec<Entry>) -> Result<(), Failure> {
        let mut waiting = vec![(inner.to_owned(), 1)];
        let mut first = true;
        while let Some((directory, level)) = waiting.pop() {
            let listed =
                if level <= depth { self.list_one(&directory, found, first) } else { Ok(Vec::new()) };
            match listed {
                Ok(below) => waiting.extend(below.into_iter().map(|path| (path, level + 1))),
                Err(failure) if first => return Err(failure),
                // silent-ok: it was removed meanwhile or its owner closed it; the rest is still worth listing.
                Err(_) => {}
            }
            first = false;
            if found.len() >= LOOKED_AT_MAX {
                break;
            }
        }
        Ok(())
    }

    /// Adds the entries of one directory and returns the directories among them.
    fn list_one(&self, inner: &str, found: &mut Vec<Entry>, follow: bool) -> Result<Vec<String>, Failure> {
        let mut flags = OFlags::RDONLY | OFlags::NONBLOCK;
        if !follow {
            flags |= OFlags::NOFOLLOW;
        }
        let directory = self.resolve(inner, flags).map_err(failure)?;
        let what = kind(&rustix::fs::fstat(&directory).map_err(failure)?);
        if what != Kind::Directory {
            return Err(Failure::WrongKind { found: what, needed: Kind::Directory });
        }
        let real = self.real(&directory)?;
        if let Some(real) = &real {
            self.may_look(real)?;
        }
        let mut below = Vec::new();
        for entry in Dir::read_from(&directory).map_err(failure)? {
            let entry = entry.map_err(failure)?;
            let name = entry.file_name().to_string_lossy();
            if name == "." || name == ".." {
                continue;
            }
            // silent-ok: it was removed meanwhile.
            let Ok(stat) = rustix::fs::statat(&directory, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW)
            else {
                continue;
            };
            let kind = kind(&stat);
            let at =
                |above: &str| if above.is_empty() { name.to_string() } else { format!("{above}/{name}") };
            if real.as_deref().is_some_and(|real| !self.shows(&at(real), kind == Kind::Directory)) {
                continue;
            }
            let path = at(if inner == "." { "" } else { inner });
            if kind == Kind::Directory {
                below.push(path.clone());
            }
            let size = if kind == Kind::File { size(&stat) } else { 0 };
            found.push(Entry { path, kind, size });
            if found.len() >= LOOKED_AT_MAX {
                break;
            }
        }
        Ok(below)
    }
}
