//! What two trees differ in.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use roost_domain::snapshot::{CHANGES_MAX, Change, Comparison, DIFF_MAX, FileChange, TEXT_MAX, unified};
use roost_domain::unit::Bytes;
use rustix::fs::{AtFlags, Dir, FileType, OFlags, Stat};

use super::{open, open_anyway, root};

/// How much text the diffs of one comparison may have together, in bytes.
const DIFFS_MAX: usize = 16 * DIFF_MAX;

/// Compares two trees by names, kinds, modes and contents.
pub(crate) fn compare(before: &Path, after: &Path) -> io::Result<Comparison> {
    let mut comparing =
        Comparing { before: root(before)?, after: root(after)?, found: Vec::new(), total: 0, diffs: 0 };
    let mut waiting = vec![(PathBuf::from("."), Sides::Both)];
    while let Some((inner, sides)) = waiting.pop() {
        comparing.directory(&inner, sides, &mut waiting)?;
    }
    let Comparing { mut found, total, .. } = comparing;
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(Comparison { changes: found, total })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sides {
    Before,
    After,
    Both,
}

struct Comparing {
    before: OwnedFd,
    after: OwnedFd,
    found: Vec<FileChange>,
    total: u64,
    /// How much text the diffs have.
    diffs: usize,
}

impl Comparing {
    fn directory(
        &mut self,
        inner: &Path,
        sides: Sides,
        waiting: &mut Vec<(PathBuf, Sides)>,
    ) -> io::Result<()> {
        let listed =
            |root: &OwnedFd, wanted: bool| if wanted { list(root, inner) } else { Ok(BTreeMap::new()) };
        let before = listed(&self.before, sides != Sides::After)?;
        let mut after = listed(&self.after, sides != Sides::Before)?;
        for (name, was) in before {
            let path = inner.join(&name);
            let is = after.remove(&name);
            self.entry(&path, Some(was), is, waiting)?;
        }
        for (name, is) in after {
            self.entry(&inner.join(&name), None, Some(is), waiting)?;
        }
        Ok(())
    }

    fn entry(
        &mut self,
        path: &Path,
        was: Option<Stat>,
        is: Option<Stat>,
        waiting: &mut Vec<(PathBuf, Sides)>,
    ) -> io::Result<()> {
        let kind = |stat: &Stat| FileType::from_raw_mode(stat.st_mode);
        let (before, after) = (was.as_ref().map(kind), is.as_ref().map(kind));
        let below = match (before == Some(FileType::Directory), after == Some(FileType::Directory)) {
            (true, true) => Some(Sides::Both),
            (true, false) => Some(Sides::Before),
            (false, true) => Some(Sides::After),
            (false, false) => None,
        };
        waiting.extend(below.map(|sides| (path.to_owned(), sides)));
        let change = match (&was, &is) {
            (None, _) => Some(Change::Added),
            (_, None) => Some(Change::Removed),
            (Some(was), Some(is)) => self.difference(path, was, is)?,
        };
        if let Some(change) = change {
            self.note(path, change, was.as_ref(), is.as_ref())?;
        }
        Ok(())
    }

    fn difference(&self, path: &Path, was: &Stat, is: &Stat) -> io::Result<Option<Change>> {
        let kind = FileType::from_raw_mode(was.st_mode);
        let same = kind == FileType::from_raw_mode(is.st_mode)
            && match kind {
                FileType::RegularFile => was.st_size == is.st_size && self.same_content(path)?,
                FileType::Symlink => target(&self.before, path)? == target(&self.after, path)?,
                FileType::Directory
                | FileType::Fifo
                | FileType::Socket
                | FileType::CharacterDevice
                | FileType::BlockDevice
                | FileType::Unknown => true,
            };
        Ok(match same {
            false => Some(Change::Changed),
            true if was.st_mode != is.st_mode => Some(Change::Mode),
            true => None,
        })
    }

    fn same_content(&self, path: &Path) -> io::Result<bool> {
        const BUFFER: usize = 128 * 1024;
        let file = |root| open_anyway(root, path, OFlags::NONBLOCK).map(File::from);
        let (mut before, mut after) = (file(&self.before)?, file(&self.after)?);
        let (mut left, mut right) = (vec![0; BUFFER], vec![0; BUFFER]);
        loop {
            let read = before.read(&mut left)?;
            if read == 0 {
                return Ok(after.read(&mut right[..1])? == 0);
            }
            match after.read_exact(&mut right[..read]) {
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
                done => done?,
            }
            if left[..read] != right[..read] {
                return Ok(false);
            }
        }
    }

    fn note(&mut self, path: &Path, change: Change, was: Option<&Stat>, is: Option<&Stat>) -> io::Result<()> {
        self.total += 1;
        if self.found.len() >= CHANGES_MAX {
            return Ok(());
        }
        let diff = self.diff(path, change, was, is)?;
        self.diffs += diff.as_ref().map_or(0, String::len);
        let shown = path.strip_prefix(".").unwrap_or(path).to_string_lossy().into_owned();
        self.found.push(FileChange { path: shown, change, before: size(was), after: size(is), diff });
        Ok(())
    }

    /// Returns the lines that changed, where both sides are small texts.
    fn diff(
        &self,
        path: &Path,
        change: Change,
        was: Option<&Stat>,
        is: Option<&Stat>,
    ) -> io::Result<Option<String>> {
        if change == Change::Mode || self.diffs >= DIFFS_MAX || (size(was).is_none() && size(is).is_none()) {
            return Ok(None);
        }
        let Some(before) = text(&self.before, path, was)? else { return Ok(None) };
        let Some(after) = text(&self.after, path, is)? else { return Ok(None) };
        Ok(unified(&before, &after))
    }
}

fn size(stat: Option<&Stat>) -> Option<Bytes> {
    let file = stat.filter(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile)?;
    Some(Bytes(u64::try_from(file.st_size).unwrap_or(0)))
}

/// Returns a small text file's content; nothing where there is no file is the empty text.
fn text(root: &OwnedFd, path: &Path, stat: Option<&Stat>) -> io::Result<Option<String>> {
    let Some(stat) = stat else { return Ok(Some(String::new())) };
    let small = size(Some(stat)).is_some_and(|size| size.0 <= TEXT_MAX as u64);
    if !small {
        return Ok(None);
    }
    let mut content = Vec::new();
    File::from(open_anyway(root, path, OFlags::NONBLOCK)?).take(TEXT_MAX as u64).read_to_end(&mut content)?;
    // silent-ok: what is no text has no lines to be shown.
    Ok(String::from_utf8(content).ok().filter(|text| !text.contains('\0')))
}

fn target(root: &OwnedFd, path: &Path) -> io::Result<Vec<u8>> {
    let parent = open(root, path.parent().unwrap_or(Path::new(".")), OFlags::DIRECTORY)?;
    let name = path.file_name().unwrap_or_default();
    Ok(rustix::fs::readlinkat(&parent, name, Vec::new())?.into_bytes())
}

fn list(root: &OwnedFd, inner: &Path) -> io::Result<BTreeMap<OsString, Stat>> {
    let directory = open_anyway(root, inner, OFlags::DIRECTORY)?;
    let mut entries = BTreeMap::new();
    for entry in Dir::read_from(&directory)? {
        let name = OsString::from_vec(entry?.file_name().to_bytes().to_vec());
        if name.as_bytes() != b"." && name.as_bytes() != b".." {
            let stat = rustix::fs::statat(&directory, name.as_os_str(), AtFlags::SYMLINK_NOFOLLOW)?;
            entries.insert(name, stat);
        }
    }
    Ok(entries)
}
