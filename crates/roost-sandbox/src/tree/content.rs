//! The content of one file, shared where the filesystem can, else copied with its holes.

use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::SeekFrom;
use rustix::io::Errno;

/// What must stay free on the disk, in bytes: the server's own log lives there too.
const RESERVE: u64 = 64 << 20;
/// How much is copied at a time, in bytes.
const CHUNK: u64 = 16 << 20;

/// Fills files, and counts.
#[derive(Debug, Default)]
pub(super) struct Contents {
    /// The size of all files, in bytes.
    pub(super) size: u64,
    /// How much was read and written again, in bytes.
    pub(super) copied: u64,
    /// How many files share their data with their originals.
    pub(super) shared: u64,
    /// The filesystem has said that it cannot share.
    unshared: bool,
    /// The kernel cannot copy between these two by itself.
    by_hand: bool,
}

impl Contents {
    /// Makes an empty file have the content of another.
    pub(super) fn fill(&mut self, from: &OwnedFd, to: &OwnedFd, size: u64) -> io::Result<()> {
        self.size += size;
        if size == 0 || self.share(from, to)? {
            return Ok(());
        }
        let disk = rustix::fs::fstatvfs(to)?;
        if disk.f_bavail.saturating_mul(disk.f_frsize) < RESERVE {
            return Err(Errno::NOSPC.into());
        }
        let mut at = 0;
        while at < size {
            let (begin, end) = match rustix::fs::seek(from, SeekFrom::Data(at)) {
                Ok(begin) => (begin, rustix::fs::seek(from, SeekFrom::Hole(begin))?.min(size)),
                // Nothing but a hole up to the end.
                Err(Errno::NXIO) => break,
                // The filesystem does not know its holes.
                Err(Errno::INVAL | Errno::OPNOTSUPP) => (at, size),
                Err(error) => return Err(error.into()),
            };
            self.part(from, to, begin, end)?;
            at = end;
        }
        Ok(rustix::fs::ftruncate(to, size)?)
    }

    /// Lets both files share the data on the disk, or says that they cannot.
    fn share(&mut self, from: &OwnedFd, to: &OwnedFd) -> io::Result<bool> {
        if self.unshared {
            return Ok(false);
        }
        match rustix::fs::ioctl_ficlone(to, from) {
            Ok(()) => {
                self.shared += 1;
                Ok(true)
            }
            Err(Errno::OPNOTSUPP | Errno::NOTTY | Errno::NOSYS | Errno::XDEV) => {
                self.unshared = true;
                Ok(false)
            }
            // This one cannot be shared; another may.
            Err(Errno::INVAL | Errno::TXTBSY | Errno::PERM) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn part(&mut self, from: &OwnedFd, to: &OwnedFd, begin: u64, end: u64) -> io::Result<()> {
        let mut at = begin;
        while at < end {
            let most = CHUNK.min(end - at);
            let copied =
                if self.by_hand { by_hand(from, to, at, most)? } else { self.by_kernel(from, to, at, most)? };
            if copied == 0 {
                // It is shorter than it said; the rest reads as nothing.
                break;
            }
            at += copied;
            self.copied += copied;
        }
        Ok(())
    }

    fn by_kernel(&mut self, from: &OwnedFd, to: &OwnedFd, at: u64, most: u64) -> io::Result<u64> {
        let (mut read, mut written) = (at, at);
        let length = usize::try_from(most).unwrap_or(usize::MAX);
        match rustix::fs::copy_file_range(from, Some(&mut read), to, Some(&mut written), length) {
            Ok(copied) => Ok(copied as u64),
            Err(Errno::INTR) => self.by_kernel(from, to, at, most),
            Err(Errno::XDEV | Errno::NOSYS | Errno::OPNOTSUPP | Errno::INVAL | Errno::PERM) => {
                self.by_hand = true;
                by_hand(from, to, at, most)
            }
            Err(error) => Err(error.into()),
        }
    }
}

fn by_hand(from: &OwnedFd, to: &OwnedFd, at: u64, most: u64) -> io::Result<u64> {
    const BUFFER: usize = 256 * 1024;
    let mut buffer = vec![0; BUFFER.min(usize::try_from(most).unwrap_or(BUFFER))];
    let read = rustix::io::retry_on_intr(|| rustix::io::pread(from, buffer.as_mut_slice(), at))?;
    let mut written = 0;
    while written < read {
        let rest = &buffer[written..read];
        written += rustix::io::retry_on_intr(|| rustix::io::pwrite(to, rest, at + written as u64))?;
    }
    Ok(read as u64)
}
