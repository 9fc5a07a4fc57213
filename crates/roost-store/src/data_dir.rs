//! The data directory, and the lock by which one server owns it.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// A data directory that this process owns until the value is dropped.
///
/// The owner holds an exclusive lock on the file `lock`, which ends with the process however it ends. Whoever
/// only needs the database for a moment (`roost keys create`) opens it without claiming the directory.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    /// Holds the lock.
    _lock: File,
}

/// Why a data directory cannot be claimed.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// Another server owns it.
    #[error("the data directory {} is in use by the process {pid}; stop it or choose another with --data", path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
        /// The owner's process id as it wrote it down, or `unknown`.
        pid: String,
    },
    /// There is something else of that name.
    #[error("the data directory {} is not a directory", path.display())]
    NotADirectory {
        /// The path.
        path: PathBuf,
    },
    /// It cannot be created or written.
    #[error("the data directory {} cannot be created or written", path.display())]
    NotWritable {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl DataDir {
    /// Claims a data directory, creating it (open to its owner only) if it is not there.
    ///
    /// # Errors
    ///
    /// [`ClaimError`], which names the directory and, where another process owns it, that process.
    pub fn claim(path: impl Into<PathBuf>) -> Result<Self, ClaimError> {
        let path = path.into();
        Self::create(&path)?;
        let not_writable = |source| ClaimError::NotWritable { path: path.clone(), source };
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path.join("lock"))
            .map_err(not_writable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(ClaimError::InUse { pid: owner(&mut lock), path }),
            Err(TryLockError::Error(source)) => return Err(not_writable(source)),
        }
        write_owner(&mut lock).map_err(not_writable)?;
        Ok(Self { path, _lock: lock })
    }

    /// Creates a data directory (open to its owner only) if it is not there, without claiming it.
    ///
    /// # Errors
    ///
    /// [`ClaimError`], which names the directory.
    pub fn create(path: &Path) -> Result<(), ClaimError> {
        if path.exists() && !path.is_dir() {
            return Err(ClaimError::NotADirectory { path: path.to_owned() });
        }
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(|source| ClaimError::NotWritable { path: path.to_owned(), source })
    }

    /// Returns where a data directory keeps its database.
    pub fn database_in(path: &Path) -> PathBuf {
        path.join("roost.db")
    }

    /// Returns the directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns where its database is.
    pub fn database(&self) -> PathBuf {
        Self::database_in(&self.path)
    }
}

fn write_owner(lock: &mut File) -> io::Result<()> {
    lock.set_len(0)?;
    lock.rewind()?;
    writeln!(lock, "{}", std::process::id())
}

/// Returns who owns the directory, for a message; the owner may be writing itself down just now.
fn owner(lock: &mut File) -> String {
    let mut text = String::new();
    let pid = lock.take(20).read_to_string(&mut text).ok().and_then(|_| text.trim().parse::<u32>().ok());
    pid.map_or_else(|| "unknown".to_owned(), |pid| pid.to_string())
}

/// Makes the names in a directory survive a power loss.
pub(crate) fn sync(directory: &Path) -> io::Result<()> {
    fs::File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests;
