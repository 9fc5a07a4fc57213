use std::io;
use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::{Options, create, wal};
use crate::migration::{self, Stamp};

/// Different statements there are, and some more.
const STATEMENTS: usize = 128;

/// Pages in the log at which a commit also moves them into the database file, so that the log starts over.
const CHECKPOINT_PAGES: u32 = 1_000;

/// A log that one huge transaction has blown up is cut back to this; far above where it usually ends.
const LOG_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Why a database cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The path leads to something that is no file.
    #[error("{} is not a file, so it cannot be the database", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// The directory of the database is missing or no directory.
    #[error("{} is not a directory, so the database cannot be in it", directory.display())]
    NoDirectory {
        /// The directory.
        directory: PathBuf,
    },
    /// The file or its directory cannot be written.
    #[error("the database {} cannot be written; check who owns it and its directory", path.display())]
    NotWritable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: rusqlite::Error,
    },
    /// The file cannot be created.
    #[error("the database {} cannot be created; check who owns its directory", path.display())]
    NotCreated {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file is no SQLite database, or is damaged.
    #[error("{} is not a database, or is damaged; restore it from a backup", path.display())]
    NotADatabase {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        #[source]
        source: rusqlite::Error,
    },
    /// The file is a database of another program.
    #[error("{} is a database of another program", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The file was written by a newer version of the server.
    #[error(
        "{} has schema version {found}, this version of roost knows {known}: use the version that wrote it, or a \
         newer one",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The version of its schema.
        found: usize,
        /// The newest version of the schema that is known here.
        known: usize,
    },
    /// Something else failed.
    #[error("the database {} cannot be opened", path.display())]
    Failed {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        #[source]
        source: rusqlite::Error,
    },
    /// The file system cannot share a log between processes.
    #[error(
        "the database {} cannot use a write-ahead log here, only {mode}; put it on a local disk",
        path.display()
    )]
    NoLog {
        /// The file.
        path: PathBuf,
        /// What it would use instead.
        mode: String,
    },
    /// The log cannot be prepared.
    #[error("the log of the database {} cannot be prepared", path.display())]
    Log {
        /// The database file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The writer's thread cannot be started.
    #[error("the thread that writes the database cannot be started")]
    Thread {
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// There is no room for a temporary database.
    #[error("a temporary database cannot be created")]
    Temporary {
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// Sorts what SQLite says by what a person can do about it.
pub(super) fn failed(path: &Path, source: rusqlite::Error) -> OpenError {
    let path = path.to_owned();
    match source.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            OpenError::NotADatabase { path, source }
        }
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            OpenError::NotWritable { path, source }
        }
        _ => OpenError::Failed { path, source },
    }
}

/// Opens the connection that writes: checks the file, migrates it, prepares the log.
pub(super) fn writer(options: &Options) -> Result<Connection, OpenError> {
    check_path(&options.path)?;
    create::create(&options.path)?;
    let failed = |source| failed(&options.path, source);
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(&options.path, flags).map_err(failed)?;
    connection.busy_timeout(options.busy_timeout).map_err(failed)?;
    check_stamp(&options.path, Stamp::read(&connection).map_err(failed)?)?;
    use_log(&connection, &options.path)?;
    set_up_writer(&connection, options).map_err(failed)?;
    migration::run(&mut connection).map_err(failed)?;
    // Again: a newer server may have been at it in between.
    check_stamp(&options.path, Stamp::read(&connection).map_err(failed)?)?;
    wal::grow(&mut connection, &options.path, options.wal_bytes)?;
    Ok(connection)
}

/// Opens a connection that only reads. The writer must have been opened before.
pub(super) fn reader(options: &Options) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(&options.path, flags)?;
    connection.busy_timeout(options.busy_timeout)?;
    connection.pragma_update(None, "query_only", true)?;
    set_up(&connection, options.cache_bytes / 4)?;
    Ok(connection)
}

fn check_path(path: &Path) -> Result<(), OpenError> {
    if path.exists() && !super::exists(path) {
        return Err(OpenError::NotAFile { path: path.to_owned() });
    }
    match path.parent() {
        Some(directory) if !directory.as_os_str().is_empty() && !directory.is_dir() => {
            Err(OpenError::NoDirectory { directory: directory.to_owned() })
        }
        _ => Ok(()),
    }
}

fn check_stamp(path: &Path, stamp: Stamp) -> Result<(), OpenError> {
    let path = path.to_owned();
    if !stamp.is_ours() {
        Err(OpenError::Foreign { path })
    } else if stamp.version > migration::KNOWN {
        Err(OpenError::Newer { path, found: stamp.version, known: migration::KNOWN })
    } else {
        Ok(())
    }
}

fn use_log(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let mode: String = connection
        .query_row("pragma journal_mode = wal", [], |row| row.get(0))
        .map_err(|source| failed(path, source))?;
    if mode == "wal" { Ok(()) } else { Err(OpenError::NoLog { path: path.to_owned(), mode }) }
}

fn set_up_writer(connection: &Connection, options: &Options) -> rusqlite::Result<()> {
    set_up(connection, options.cache_bytes)?;
    connection.pragma_update(None, "synchronous", if options.durable { "full" } else { "off" })?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    connection.pragma_update(None, "journal_size_limit", LOG_BYTES_MAX.max(options.wal_bytes).cast_signed())
}

/// What every connection has. Memory-mapped reading stays off: a failing disk would then be a signal that ends
/// the process instead of an error, and the mapped pages would count as the server's memory.
fn set_up(connection: &Connection, cache_bytes: u32) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // The log file stays as it is when the last connection closes, to be overwritten after the next opening.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, true)?;
    // Negative is in KiB, positive would be in pages.
    connection.pragma_update(None, "cache_size", -i64::from(cache_bytes / 1024))
}
