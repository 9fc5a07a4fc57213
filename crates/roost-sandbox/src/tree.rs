//! Copies of directory trees that agents have made, and what two of them differ in.
//!
//! Nothing is followed: every path is opened beneath its tree, without links. What is deeper than the kernel takes
//! as one path (4,096 bytes) fails. Nobody changes a tree while it is copied.

use std::collections::HashMap;
use std::ffi::{CStr, OsStr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::lchown;
use std::path::{Path, PathBuf};
use std::{fs, io};

use roost_domain::snapshot::Method;
use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Gid, Mode, OFlags, ResolveFlags, Stat, Timespec, Timestamps, Uid,
};
use rustix::io::Errno;

mod compare;
mod content;

pub(crate) use compare::compare;
use content::Contents;

/// Whom the files of a copy belong to on the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

/// What a copy came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) method: Method,
    /// The size of all files, in bytes.
    pub(crate) size: u64,
    /// How much was read and written again, in bytes.
    pub(crate) copied: u64,
    pub(crate) entries: u64,
    pub(crate) left_out: u64,
}

/// Copies a directory with all in it to a place where nothing is, and sees to it that it is on the disk. Without an
/// owner everything belongs to whoever copies. What is there of a copy that failed is the caller's to remove.
pub(crate) fn copy(from: &Path, to: &Path, owner: Option<Owner>) -> io::Result<Tally> {
    rustix::fs::mkdir(to, Mode::RWXU)?;
    let mut copying = Copying {
        from: root(from)?,
        to: root(to)?,
        owner,
        contents: Contents::default(),
        entries: 0,
        left_out: 0,
        linked: HashMap::new(),
    };
    let mut waiting = vec![PathBuf::from(".")];
    let mut directories = Vec::new();
    while let Some(inner) = waiting.pop() {
        let stat = copying.directory(&inner, &mut waiting)?;
        directories.push((inner, stat));
    }
    // At the end, as a directory may be closed even to its owner, and everything made in it changes its times.
    for (inner, stat) in directories.into_iter().rev() {
        let directory = open(&copying.to, &inner, OFlags::DIRECTORY)?;
        copying.dress(&directory, &stat)?;
    }
    rustix::fs::syncfs(&copying.to)?;
    Ok(copying.tally())
}

/// Makes an empty directory.
pub(crate) fn empty(at: &Path, owner: Option<Owner>) -> io::Result<Tally> {
    rustix::fs::mkdir(at, Mode::RWXU)?;
    if let Some(Owner { uid, gid }) = owner {
        lchown(at, Some(uid), Some(gid))?;
    }
    Ok(Tally { method: Method::Copy, size: 0, copied: 0, entries: 0, left_out: 0 })
}

/// Gives a directory and all in it to an owner; links themselves, not what they point to.
pub(crate) fn give(path: &Path, owner: Owner) -> io::Result<()> {
    let Owner { uid, gid } = owner;
    let mut waiting = vec![path.to_owned()];
    while let Some(directory) = waiting.pop() {
        lchown(&directory, Some(uid), Some(gid))?;
        for entry in fs::read_dir(&directory)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                waiting.push(entry.path());
            } else {
                lchown(entry.path(), Some(uid), Some(gid))?;
            }
        }
    }
    Ok(())
}

struct Copying {
    from: OwnedFd,
    to: OwnedFd,
    owner: Option<Owner>,
    contents: Contents,
    entries: u64,
    left_out: u64,
    /// Where a file that has several names was copied to first, by its device and inode.
    linked: HashMap<(u64, u64), PathBuf>,
}

impl Copying {
    fn tally(&self) -> Tally {
        let Contents { size, copied, shared, .. } = self.contents;
        let method = if shared > 0 && copied == 0 { Method::Reflink } else { Method::Copy };
        Tally { method, size, copied, entries: self.entries, left_out: self.left_out }
    }

    /// Copies what stands in one directory; directories in it are made and wait for their turn.
    fn directory(&mut self, inner: &Path, waiting: &mut Vec<PathBuf>) -> io::Result<Stat> {
        let from = open_anyway(&self.from, inner, OFlags::DIRECTORY)?;
        let to = open(&self.to, inner, OFlags::DIRECTORY)?;
        for entry in Dir::read_from(&from)? {
            let entry = entry?;
            let name = entry.file_name();
            if name == c"." || name == c".." {
                continue;
            }
            let stat = rustix::fs::statat(&from, name, AtFlags::SYMLINK_NOFOLLOW)?;
            let path = inner.join(OsStr::from_bytes(name.to_bytes()));
            self.entries += 1;
            match FileType::from_raw_mode(stat.st_mode) {
                FileType::Directory => {
                    rustix::fs::mkdirat(&to, name, Mode::RWXU)?;
                    waiting.push(path);
                }
                FileType::RegularFile => self.file(&path, to.as_fd(), name, &stat)?,
                FileType::Symlink => self.link(from.as_fd(), to.as_fd(), name, &stat)?,
                FileType::Fifo
                | FileType::Socket
                | FileType::CharacterDevice
                | FileType::BlockDevice
                | FileType::Unknown => {
                    self.entries -= 1;
                    self.left_out += 1;
                }
            }
        }
        Ok(rustix::fs::fstat(&from)?)
    }

    fn file(&mut self, path: &Path, to: BorrowedFd<'_>, name: &CStr, stat: &Stat) -> io::Result<()> {
        if stat.st_nlink > 1 {
            if let Some(first) = self.linked.get(&(stat.st_dev, stat.st_ino)) {
                rustix::fs::linkat(&self.to, first, to, name, AtFlags::empty())?;
                return Ok(());
            }
            self.linked.insert((stat.st_dev, stat.st_ino), path.to_owned());
        }
        let source = open_anyway(&self.from, path, OFlags::NONBLOCK)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let target = rustix::fs::openat(to, name, flags, Mode::RUSR | Mode::WUSR)?;
        let size = u64::try_from(stat.st_size).unwrap_or(0);
        self.contents.fill(&source, &target, size)?;
        self.dress(&target, stat)
    }

    fn link(&self, from: BorrowedFd<'_>, to: BorrowedFd<'_>, name: &CStr, stat: &Stat) -> io::Result<()> {
        let target = rustix::fs::readlinkat(from, name, Vec::new())?;
        rustix::fs::symlinkat(&target, to, name)?;
        if let Some(Owner { uid, gid }) = self.owner {
            let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
            rustix::fs::chownat(to, name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)?;
        }
        rustix::fs::utimensat(to, name, &times(stat), AtFlags::SYMLINK_NOFOLLOW)?;
        Ok(())
    }

    /// Gives a copy the owner, the mode and the times it is to have.
    fn dress(&self, copy: &OwnedFd, stat: &Stat) -> io::Result<()> {
        if let Some(Owner { uid, gid }) = self.owner {
            rustix::fs::fchown(copy, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))?;
        }
        // After the owner, since a change of that takes away bits.
        rustix::fs::fchmod(copy, Mode::from_raw_mode(stat.st_mode & 0o7777))?;
        rustix::fs::futimens(copy, &times(stat))?;
        Ok(())
    }
}

fn times(stat: &Stat) -> Timestamps {
    let time = |seconds, nanoseconds: u64| Timespec {
        tv_sec: seconds,
        tv_nsec: i64::try_from(nanoseconds).unwrap_or(0),
    };
    Timestamps {
        last_access: time(stat.st_atime, stat.st_atime_nsec),
        last_modification: time(stat.st_mtime, stat.st_mtime_nsec),
    }
}

/// Opens a tree.
fn root(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    Ok(rustix::fs::openat(CWD, path, flags, Mode::empty())?)
}

/// Opens something in a tree for reading, without following links anywhere.
fn open(root: &OwnedFd, inner: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
    let confined = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_XDEV;
    let flags = flags | OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY;
    rustix::fs::openat2(root, inner, flags, Mode::empty(), confined)
}

/// As [`open`], also where the owner has closed it to himself and the server is no more than the owner.
fn open_anyway(root: &OwnedFd, inner: &Path, flags: OFlags) -> io::Result<OwnedFd> {
    match open(root, inner, flags) {
        Err(Errno::ACCESS) => {}
        opened => return Ok(opened?),
    }
    let parent = open(root, inner.parent().unwrap_or(Path::new(".")), OFlags::DIRECTORY)?;
    let name = inner.file_name().unwrap_or(OsStr::new("."));
    let closed = rustix::fs::statat(&parent, name, AtFlags::SYMLINK_NOFOLLOW)?;
    let mode = Mode::from_raw_mode(closed.st_mode & 0o7777);
    rustix::fs::chmodat(&parent, name, mode | Mode::RWXU, AtFlags::empty())?;
    let opened = open(root, inner, flags);
    rustix::fs::chmodat(&parent, name, mode, AtFlags::empty())?;
    Ok(opened?)
}

#[cfg(test)]
mod tests;
