//! Writing a file whole: into a temporary one beside it, then renamed over it.

use std::fs::File;
use std::io::{Seek, Write};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;

use super::{Files, failure, kind, normal, system};
use crate::wire::{Failure, Kind};

/// How many links in a row are followed in the last place of a path.
const LINKS_MAX: usize = 16;

/// A file that is being written. Dropped before [`Writing::finish`], it leaves nothing behind but the
/// directories above it.
#[derive(Debug)]
pub(crate) struct Writing {
    directory: OwnedFd,
    name: String,
    temporary: String,
    file: File,
    how: How,
    renamed: bool,
}

/// How a file gets its new content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    /// Another file takes its place.
    Replace,
    /// It keeps its place, and a reader may see it half written.
    Fill,
}

impl Files {
    /// Begins to write a file; makes the directories above it.
    pub(crate) fn write(&self, path: &str) -> Result<Writing, Failure> {
        let mut inner = normal(path)?;
        for _ in 0..LINKS_MAX {
            if inner == "." {
                return Err(Failure::WrongKind { found: Kind::Directory, needed: Kind::File });
            }
            self.may_write(&inner)?;
            let (above, name) = inner.rsplit_once('/').unwrap_or((".", &inner));
            let directory = self.make_directories(above)?;
            let mut how = How::Replace;
            if let Some(above) = self.real(&directory)? {
                let real = if above.is_empty() { name.to_owned() } else { format!("{above}/{name}") };
                self.may_write(&real)?;
                if self.is_single(&real) {
                    how = How::Fill;
                }
            }
            let mode = match rustix::fs::statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW) {
                Err(Errno::NOENT) => Mode::from_raw_mode(0o644),
                Err(error) => return Err(failure(error)),
                Ok(stat) => match kind(&stat) {
                    Kind::File => Mode::from_raw_mode(stat.st_mode & 0o777),
                    Kind::Link => {
                        inner = behind_link(&directory, above, name)?;
                        continue;
                    }
                    found @ (Kind::Directory | Kind::Other) => {
                        return Err(Failure::WrongKind { found, needed: Kind::File });
                    }
                },
            };
            return Writing::begin(directory, name, mode, how);
        }
        Err(Failure::NotFound)
    }

    /// Opens a directory of the workspace, after making it with all that are above it.
    fn make_directories(&self, inner: &str) -> Result<OwnedFd, Failure> {
        let flags = OFlags::PATH | OFlags::DIRECTORY;
        match self.resolve(inner, flags) {
            Err(Errno::NOENT) => {}
            // A file stands where a directory is needed.
            Err(Errno::NOTDIR) => {
                return Err(Failure::WrongKind { found: Kind::File, needed: Kind::Directory });
            }
            opened => return opened.map_err(failure),
        }
        let mut directory = self.resolve(".", flags).map_err(failure)?;
        let mut end = 0;
        for part in inner.split('/') {
            end += part.len() + usize::from(end > 0);
            if let Some(above) = self.real(&directory)? {
                self.may_make(format!("{above}/{part}").trim_start_matches('/'))?;
            }
            match rustix::fs::mkdirat(&directory, part, Mode::from_raw_mode(0o755)) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(error) => return Err(failure(error)),
            }
            directory = match self.resolve(&inner[..end], flags) {
                Err(Errno::NOTDIR) => {
                    return Err(Failure::WrongKind { found: Kind::File, needed: Kind::Directory });
                }
                opened => opened.map_err(failure)?,
            };
        }
        Ok(directory)
    }
}

/// Returns where the link `name` in `above` points to, as a normal path.
fn behind_link(directory: &OwnedFd, above: &str, name: &str) -> Result<String, Failure> {
    let target = rustix::fs::readlinkat(directory, name, Vec::new()).map_err(failure)?;
    let target = target.to_str().map_err(|_| Failure::Outside)?;
    if target.starts_with('/') { normal(target) } else { normal(&format!("{above}/{target}")) }
}

impl Writing {
    fn begin(directory: OwnedFd, name: &str, mode: Mode, how: How) -> Result<Self, Failure> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        loop {
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            let temporary = format!(".roost-write-{}-{count}", std::process::id());
            match rustix::fs::openat(&directory, temporary.as_str(), flags, Mode::from_raw_mode(0o600)) {
                // Left by a machine that was killed in the middle; the next number is free.
                Err(Errno::EXIST) => {}
                Err(error) => return Err(failure(error)),
                Ok(file) => {
                    let name = name.to_owned();
                    let writing = Self { directory, name, temporary, file: file.into(), how, renamed: false };
                    rustix::fs::fchmod(&writing.file, mode).map_err(failure)?;
                    return Ok(writing);
                }
            }
        }
    }

    /// Appends a piece.
    pub(crate) fn append(&mut self, piece: &[u8]) -> Result<(), Failure> {
        self.file.write_all(piece).map_err(|e| system(&e))
    }

    /// Puts the file in its place. Its content is on the disk before its name is, so that a power cut leaves the
    /// old file or the new one.
    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        rustix::fs::fdatasync(&self.file).map_err(failure)?;
        if self.how == How::Fill {
            return self.fill();
        }
        rustix::fs::renameat(&self.directory, self.temporary.as_str(), &self.directory, self.name.as_str())
            .map_err(|error| match error {
            Errno::ISDIR => Failure::WrongKind { found: Kind::Directory, needed: Kind::File },
            error => failure(error),
        })?;
        self.renamed = true;
        Ok(())
    }
}

impl Writing {
    /// Copies what was written into the file that is there.
    fn fill(&mut self) -> Result<(), Failure> {
        let flags = OFlags::WRONLY | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let place = rustix::fs::openat(&self.directory, self.name.as_str(), flags, Mode::empty());
        let mut place = File::from(place.map_err(failure)?);
        let copied = self.file.rewind().and_then(|()| std::io::copy(&mut self.file, &mut place));
        copied.map_err(|error| system(&error))?;
        rustix::fs::fdatasync(&place).map_err(failure)
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        if !self.renamed {
            // silent-ok: what failed or was cancelled is reported already, and the file is only a leftover.
            let _ = rustix::fs::unlinkat(&self.directory, self.temporary.as_str(), AtFlags::empty());
        }
    }
}
