//! A new database file, made beside its place and put there whole.

use std::io;
use std::path::Path;

use rusqlite::Connection;
use tempfile::TempPath;

use super::{OpenError, open};
use crate::{data_dir, migration};

/// Creates a database with the latest schema where there is none; several processes may do this at once.
///
/// Making the schema in place would wait for the disk a dozen times. Here nothing waits until the file is
/// complete; then it is made durable and gets its name, which fails where the name is taken.
pub(super) fn create(path: &Path) -> Result<(), OpenError> {
    // A log without its database is debris, which SQLite clears away itself when it creates a file.
    if path.exists() || super::wal::path(path).exists() {
        return Ok(());
    }
    let failed = |source| OpenError::NotCreated { path: path.to_owned(), source };
    let directory = match path.parent() {
        Some(directory) if !directory.as_os_str().is_empty() => directory,
        _ => Path::new("."),
    };
    let draft = tempfile::Builder::new().prefix(".roost-new-").tempfile_in(directory).map_err(failed)?;
    fill(draft.path()).map_err(|source| open::failed(path, source))?;
    let (file, draft) = draft.into_parts();
    file.sync_all().map_err(failed)?;
    // Closed before anybody can lock it: closing a file drops all of a process's locks on it.
    drop(file);
    put(draft, path).and_then(|()| data_dir::sync(directory)).map_err(failed)
}

fn fill(draft: &Path) -> rusqlite::Result<()> {
    let mut connection = Connection::open(draft)?;
    connection.pragma_update(None, "synchronous", "off")?;
    connection.pragma_update(None, "journal_mode", "memory")?;
    migration::run(&mut connection)?;
    // Written into the file; its log goes away again on closing.
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.close().map_err(|(_, source)| source)
}

fn put(draft: TempPath, path: &Path) -> io::Result<()> {
    match draft.persist_noclobber(path) {
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        outcome => outcome.map_err(|error| error.error),
    }
}
