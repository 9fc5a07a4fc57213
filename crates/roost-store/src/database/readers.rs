//! The connections that read, handed out one at a time to whoever reads.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

use roost_ports::store::{Error, ReadWork};
use rusqlite::Connection;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::{Options, open};
use crate::sqlite::Tx;

pub(super) struct Readers {
    options: Options,
    /// One permit for each connection that may be in use.
    free: Semaphore,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            options: options.clone(),
            free: Semaphore::new(options.readers.max(1)),
            idle: Mutex::new(Vec::new()),
        }
    }

    /// Opens the first connection, so that a failure shows at once. The others are opened when they are needed.
    pub(super) fn warm_up(&self) -> rusqlite::Result<()> {
        let connection = open::reader(&self.options)?;
        self.put_back(connection);
        Ok(())
    }

    /// Runs work on one consistent state, on this thread.
    pub(super) async fn run(&self, work: ReadWork) -> Result<(), Error> {
        let _permit = timeout(self.options.queue_timeout, self.free.acquire())
            .await
            .map_err(|_elapsed| Error::Overloaded)?
            .map_err(|_closed| Error::Closed)?;
        let connection = self.take().map_err(|source| failed("open a connection", source))?;
        let outcome = read(&connection, work);
        if connection.is_autocommit() {
            self.put_back(connection);
        }
        outcome
    }

    pub(super) fn close(&self) {
        self.free.close();
        self.idle().clear();
    }

    fn take(&self) -> rusqlite::Result<Connection> {
        let idle = self.idle().pop();
        match idle {
            Some(connection) => Ok(connection),
            None => open::reader(&self.options),
        }
    }

    fn put_back(&self, connection: Connection) {
        let mut idle = self.idle();
        if !self.free.is_closed() {
            idle.push(connection);
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Readers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readers").field("path", &self.options.path).finish_non_exhaustive()
    }
}

fn read(connection: &Connection, work: ReadWork) -> Result<(), Error> {
    run(connection, "begin deferred").map_err(|source| failed("begin to read", source))?;
    let outcome = catch_unwind(AssertUnwindSafe(|| work(&Tx::new(connection))));
    run(connection, "rollback").map_err(|source| failed("end reading", source))?;
    outcome.map_err(|_panic| Error::Panicked)
}

fn run(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(|_rows| ())
}

fn failed(act: &'static str, source: rusqlite::Error) -> Error {
    Error::Database { act, source: Box::new(source) }
}
