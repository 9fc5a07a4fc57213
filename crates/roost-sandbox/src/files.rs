//! Files of a workspace, confined to it.
//!
//! Every path is taken apart lexically, so that `..` is gone before the kernel sees it, and then resolved by
//! `openat2` beneath the workspace's directory: links that lead outside, magic links, other mounts and
//! directories that are renamed meanwhile cannot lead out. Links are followed where they stay inside; an
//! absolute one is taken to lead outside, unless [`Files::write`] finds it in the last place and it points
//! below `/workspace`. Nothing blocks on pipes or devices.
//!
//! File rules are kept twice: for the path as it is named, before anything is touched, and for the place where it
//! leads, once that is open and cannot change any more.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::fd::OwnedFd;
use std::path::Path;

use roost_domain::files::FileRules;
use rustix::fs::{CWD, FileType, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::Errno;

use crate::wire::{Failure, Kind};

mod rules;
mod search;
mod walk;
mod write;

pub(crate) use write::Writing;

/// Where the workspace is, as its machine's processes see it.
pub(crate) const WORKSPACE: &str = "/workspace";

/// The files of one workspace.
#[derive(Debug)]
pub(crate) struct Files {
    root: OwnedFd,
    rules: FileRules,
    /// Where the workspace is, as the kernel names it; asked only where there are rules.
    place: String,
    /// Files that must not be replaced, as they are mounted elsewhere.
    single: HashSet<String>,
}

impl Files {
    /// Opens the workspace at a path of the host, or of the machine.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::openat(CWD, path, flags, Mode::empty())?;
        Self::ruled(root, FileRules::default(), HashSet::new())
    }

    /// Takes an open workspace, with the rules that hold in it, and the files in it that must not be replaced.
    pub(crate) fn ruled(root: OwnedFd, rules: FileRules, single: HashSet<String>) -> io::Result<Self> {
        let place = if rules.is_unrestricted() { String::new() } else { rules::place(&root)? };
        Ok(Self { root, rules, place, single })
    }

    /// Puts rules up.
    pub(crate) fn with(self, rules: FileRules) -> io::Result<Self> {
        Self::ruled(self.root, rules, HashSet::new())
    }

    /// Opens a regular file for reading at `offset` and returns it with its size.
    pub(crate) fn read(&self, path: &str, offset: u64) -> Result<(File, u64), Failure> {
        let inner = normal(path)?;
        self.may_read(&inner)?;
        let (file, stat) = self.open_regular(&inner)?;
        let mut file = File::from(file);
        file.seek(SeekFrom::Start(offset)).map_err(|e| system(&e))?;
        Ok((file, size(&stat)))
    }

    fn open_regular(&self, inner: &str) -> Result<(OwnedFd, Stat), Failure> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
        let file = match self.resolve(inner, flags) {
            // What an open socket file answers.
            Err(Errno::NXIO) => return Err(Failure::WrongKind { found: Kind::Other, needed: Kind::File }),
            opened => opened.map_err(failure)?,
        };
        let stat = rustix::fs::fstat(&file).map_err(failure)?;
        match kind(&stat) {
            Kind::File => {
                if let Some(real) = self.real(&file)? {
                    self.may_read(&real)?;
                }
                Ok((file, stat))
            }
            found @ (Kind::Directory | Kind::Link | Kind::Other) => {
                Err(Failure::WrongKind { found, needed: Kind::File })
            }
        }
    }

    /// Opens what is at a normal path, beneath the workspace whatever happens.
    fn resolve(&self, inner: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
        // A rename somewhere on the way makes the kernel give up with `EAGAIN`, as it cannot be sure.
        const TRIES: usize = 64;
        let confined = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS | ResolveFlags::NO_XDEV;
        let mut last = Errno::AGAIN;
        for _ in 0..TRIES {
            match rustix::fs::openat2(&self.root, inner, flags | OFlags::CLOEXEC, Mode::empty(), confined) {
                Err(error @ (Errno::AGAIN | Errno::INTR)) => last = error,
                result => return result,
            }
        }
        Err(last)
    }
}

/// Turns a caller's path into one relative to the workspace, without `.`, `..` and empty parts; `.` is the
/// workspace itself.
pub(crate) fn normal(path: &str) -> Result<String, Failure> {
    let inner = match path.strip_prefix('/') {
        None => path,
        Some(absolute) => {
            let rest =
                absolute.trim_start_matches('/').strip_prefix(&WORKSPACE[1..]).ok_or(Failure::Outside)?;
            if !rest.is_empty() && !rest.starts_with('/') {
                return Err(Failure::Outside);
            }
            rest
        }
    };
    let mut parts = Vec::new();
    for part in inner.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop().ok_or(Failure::Outside)?),
            name if name.contains('\0') => return Err(Failure::NotFound),
            name => parts.push(name),
        }
    }
    Ok(if parts.is_empty() { ".".to_owned() } else { parts.join("/") })
}

/// Reads until `buffer` is full or the file ends.
pub(crate) fn read_full(mut from: impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match from.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

fn kind(stat: &Stat) -> Kind {
    kind_of(FileType::from_raw_mode(stat.st_mode))
}

fn kind_of(file_type: FileType) -> Kind {
    if file_type == FileType::RegularFile {
        Kind::File
    } else if file_type == FileType::Directory {
        Kind::Directory
    } else if file_type == FileType::Symlink {
        Kind::Link
    } else {
        Kind::Other
    }
}

fn size(stat: &Stat) -> u64 {
    u64::try_from(stat.st_size).unwrap_or(0)
}

fn failure(error: Errno) -> Failure {
    if error == Errno::NOENT || error == Errno::NOTDIR || error == Errno::LOOP || error == Errno::NAMETOOLONG
    {
        Failure::NotFound
    } else if error == Errno::XDEV {
        Failure::Outside
    } else if error == Errno::NOSPC || error == Errno::DQUOT {
        Failure::NoSpace
    } else {
        Failure::System(error.raw_os_error())
    }
}

/// Says of a failed call of the standard library what [`failure`] says of a system call.
pub(crate) fn system(error: &io::Error) -> Failure {
    failure(Errno::from_io_error(error).unwrap_or(Errno::IO))
}

#[cfg(test)]
mod tests;
