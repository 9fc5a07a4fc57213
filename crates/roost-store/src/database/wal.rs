//! The log file, made large once so that commits overwrite instead of append.

use std::fs::OpenOptions;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, TransactionBehavior};

use super::OpenError;
use super::open;

/// Fills the log file with zeros up to a size, and makes that durable. Fails where the database cannot be written.
///
/// SQLite ends the log at the first frame whose checksum is wrong, so zeros behind it mean nothing. Nobody
/// writes the log or cuts it back meanwhile, since that takes the lock held here. The file that SQLite locks is
/// another one, so opening and closing this one drops none of its locks.
pub(super) fn grow(connection: &mut Connection, database: &Path, bytes: u64) -> Result<(), OpenError> {
    let failed = |source| open::failed(database, source);
    let writing = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    if bytes > 0 {
        fill(&path(database), bytes)
            .map_err(|source| OpenError::Log { path: database.to_owned(), source })?;
    }
    writing.rollback().map_err(failed)
}

/// Returns where the log of a database is.
pub(super) fn path(database: &Path) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push("-wal");
    PathBuf::from(path)
}

fn fill(path: &Path, bytes: u64) -> io::Result<()> {
    static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];
    let mut file = OpenOptions::new().write(true).open(path)?;
    let mut length = file.seek(SeekFrom::End(0))?;
    if length >= bytes {
        return Ok(());
    }
    while length < bytes {
        let missing = usize::try_from(bytes - length).unwrap_or(ZEROS.len()).min(ZEROS.len());
        file.write_all(&ZEROS[..missing])?;
        length += missing as u64;
    }
    file.sync_all()
}
