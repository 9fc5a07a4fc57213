//! The database: one writer thread, readers in place.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use roost_ports::store::{Error, ReadWork, Store, WriteWork};
use tempfile::TempDir;

use self::readers::Readers;
use self::writer::Writer;

mod create;
mod open;
mod options;
mod readers;
mod wal;
mod writer;

pub use open::OpenError;
pub use options::Options;

/// The store on one SQLite file.
///
/// Writers hand their work to one thread, which runs what has gathered while the last commit was being made
/// durable, each in a savepoint of its own, and commits once for all of them. Readers run where they are called,
/// on read-only connections of which there is a bounded number; they never wait for writers.
///
/// Another process may write the same file for a moment (the command line does); its transactions and ours wait
/// for one another up to [`Options::busy_timeout`].
#[derive(Debug)]
pub struct Database {
    writer: Writer,
    readers: Readers,
    closed: AtomicBool,
    path: PathBuf,
    /// Where a temporary database lives; removed after everything else is dropped.
    _temporary: Option<TempDir>,
}

/// What the writer has done since it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// Pieces of work that were run, whether kept or rolled back.
    pub writes: u64,
    /// Transactions that were committed, each of which was made durable once.
    pub commits: u64,
}

impl Database {
    /// Opens a database, creating and migrating it as needed.
    ///
    /// # Errors
    ///
    /// [`OpenError`] says what is wrong with the file and what to do. The file is unchanged then, unless it was
    /// new.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "options are made for one opening: `open(Options { … })`"
    )]
    pub fn open(options: Options) -> Result<Self, OpenError> {
        Self::open_in(&options, None)
    }

    /// Opens a new database for a test: the same code over a file in the system's temporary directory, which
    /// goes away with it and is never synced to the disk.
    ///
    /// # Errors
    ///
    /// [`OpenError`] if the temporary directory cannot be used.
    pub fn in_memory() -> Result<Self, OpenError> {
        let directory = tempfile::Builder::new()
            .prefix("roost-store-")
            .tempdir()
            .map_err(|source| OpenError::Temporary { source })?;
        let options =
            Options { wal_bytes: 0, durable: false, ..Options::new(directory.path().join("roost.db")) };
        Self::open_in(&options, Some(directory))
    }

    fn open_in(options: &Options, temporary: Option<TempDir>) -> Result<Self, OpenError> {
        let connection = open::writer(options)?;
        let readers = Readers::new(options);
        readers.warm_up().map_err(|source| open::failed(&options.path, source))?;
        let writer = Writer::start(connection, options)?;
        Ok(Self {
            writer,
            readers,
            closed: AtomicBool::new(false),
            path: options.path.clone(),
            _temporary: temporary,
        })
    }

    /// Returns where its file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns what the writer has done.
    pub fn stats(&self) -> Stats {
        self.writer.stats()
    }

    /// Takes no new work, finishes what is queued, moves the log into the database file and ends the writer's
    /// thread. Closing twice is a no-op; dropping closes too. Blocks until the queue is empty.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.readers.close();
        self.writer.close();
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.close();
    }
}

#[async_trait]
impl Store for Database {
    async fn run_read(&self, work: ReadWork) -> Result<(), Error> {
        if self.closed.load(Ordering::Acquire) {
            return Err(Error::Closed);
        }
        self.readers.run(work).await
    }

    async fn run_write(&self, work: WriteWork) -> Result<(), Error> {
        self.writer.run(work).await
    }
}

/// Tells whether a database stands at a path.
pub(crate) fn exists(path: &Path) -> bool {
    path.is_file()
}

#[cfg(test)]
mod tests;
