//! The thread that writes. Group commit: whatever work has gathered while the last commit was made durable goes
//! into the next one together.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use roost_ports::store::{Error, Keep, WriteWork};
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::{OpenError, Options, Stats};
use crate::sqlite::Tx;

pub(super) struct Writer {
    queue: Mutex<Option<mpsc::Sender<Piece>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    counters: Arc<Counters>,
    queue_timeout: Duration,
}

/// One caller's work, and where its outcome goes.
struct Piece {
    work: WriteWork,
    answer: Answer,
}

type Answer = oneshot::Sender<Result<(), Error>>;

#[derive(Default)]
struct Counters {
    writes: AtomicU64,
    commits: AtomicU64,
}

impl Writer {
    pub(super) fn start(connection: Connection, options: &Options) -> Result<Self, OpenError> {
        let (queue, pieces) = mpsc::channel(options.queue.max(1));
        let counters = Arc::new(Counters::default());
        let (batch, counted) = (options.batch.max(1), Arc::clone(&counters));
        let thread = thread::Builder::new()
            .name("roost-store".to_owned())
            .spawn(move || serve(&connection, pieces, batch, &counted))
            .map_err(|source| OpenError::Thread { source })?;
        Ok(Self {
            queue: Mutex::new(Some(queue)),
            thread: Mutex::new(Some(thread)),
            counters,
            queue_timeout: options.queue_timeout,
        })
    }

    pub(super) async fn run(&self, work: WriteWork) -> Result<(), Error> {
        let queue = lock(&self.queue).clone().ok_or(Error::Closed)?;
        let (answer, outcome) = oneshot::channel();
        queue.send_timeout(Piece { work, answer }, self.queue_timeout).await.map_err(
            |error| match error {
                mpsc::error::SendTimeoutError::Timeout(_) => Error::Overloaded,
                mpsc::error::SendTimeoutError::Closed(_) => Error::Closed,
            },
        )?;
        // The thread ends only when no sender is left.
        drop(queue);
        // It always answers what it took, so that this wait ends when the transaction does.
        outcome.await.map_err(|_dropped| Error::Closed)?
    }

    pub(super) fn stats(&self) -> Stats {
        Stats {
            writes: self.counters.writes.load(Ordering::Relaxed),
            commits: self.counters.commits.load(Ordering::Relaxed),
        }
    }

    /// Returns how many pieces of work are in the queue.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        lock(&self.queue).as_ref().map_or(0, |queue| queue.max_capacity() - queue.capacity())
    }

    pub(super) fn close(&self) {
        drop(lock(&self.queue).take());
        // A piece of work that drops the last handle closes from the thread itself, which cannot wait for its end.
        let thread =
            lock(&self.thread).take().filter(|thread| thread.thread().id() != thread::current().id());
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that writes the database panicked");
        }
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Works until every sender is gone and the queue is empty.
fn serve(connection: &Connection, mut pieces: mpsc::Receiver<Piece>, batch: usize, counters: &Counters) {
    while let Some(first) = pieces.blocking_recv() {
        commit_together(connection, first, &mut pieces, batch, counters);
    }
    // Moves the log into the database file, so that the next opening finds little to replay. It is durable
    // without this; a reader of another process may hold it up.
    if let Err(error) = connection.query_row("pragma wal_checkpoint(passive)", [], |_row| Ok(())) {
        tracing::warn!(%error, "the database's log could not be moved into its file");
    }
}

/// Runs the first piece and what else is waiting in one transaction, then answers all of them.
fn commit_together(
    connection: &Connection,
    first: Piece,
    pieces: &mut mpsc::Receiver<Piece>,
    batch: usize,
    counters: &Counters,
) {
    if let Err(error) = run(connection, "begin immediate") {
        return refuse(vec![(first.answer, Ok(()))], "begin a transaction", error);
    }
    let mut outcomes = Vec::new();
    let mut next = Some(first);
    while let Some(Piece { work, answer }) = next {
        counters.writes.fetch_add(1, Ordering::Relaxed);
        let outcome = run_piece(connection, work);
        if connection.is_autocommit() {
            // On a full disk and the like SQLite rolls back all there is. This piece has the reason.
            reply(answer, outcome);
            return refuse(outcomes, "keep the transaction", EndedByAnother);
        }
        outcomes.push((answer, outcome));
        next = if outcomes.len() < batch { pieces.try_recv().ok() } else { None };
    }
    match run(connection, "commit") {
        Ok(()) => {
            counters.commits.fetch_add(1, Ordering::Relaxed);
            outcomes.into_iter().for_each(|(answer, outcome)| reply(answer, outcome));
        }
        Err(error) => {
            roll_back(connection);
            refuse(outcomes, "commit", error);
        }
    }
}

/// Another piece of work that shared the commit could not be rolled back alone.
#[derive(Debug, thiserror::Error)]
#[error("work that shared the transaction ended it, as happens when the disk is full")]
struct EndedByAnother;

/// Runs one caller's work in a savepoint of its own. Where the transaction is over afterwards, `Ok` still means
/// that the work itself wanted nothing kept.
fn run_piece(connection: &Connection, work: WriteWork) -> Result<(), Error> {
    run(connection, "savepoint piece").map_err(|source| failed("begin a savepoint", source))?;
    let kept = catch_unwind(AssertUnwindSafe(|| work(&mut Tx::new(connection))));
    let ended = match kept {
        Ok(Keep::Commit) => run(connection, "release piece"),
        Ok(Keep::Rollback) | Err(_) if connection.is_autocommit() => Ok(()),
        Ok(Keep::Rollback) | Err(_) => {
            run(connection, "rollback to piece").and_then(|()| run(connection, "release piece"))
        }
    };
    if let Err(source) = ended {
        // What cannot be taken back must not be committed with the others.
        roll_back(connection);
        return Err(failed("end a savepoint", source));
    }
    match kept {
        Ok(Keep::Commit | Keep::Rollback) => Ok(()),
        Err(_panic) => Err(Error::Panicked),
    }
}

fn roll_back(connection: &Connection) {
    if !connection.is_autocommit()
        && let Err(error) = run(connection, "rollback")
    {
        tracing::error!(%error, "a transaction that failed could not be rolled back");
    }
}

/// Tells every caller that nothing is kept. Not even the outcome of a rolled back piece counts: what it has seen
/// of the others' work is not true.
fn refuse(
    outcomes: Vec<(Answer, Result<(), Error>)>,
    act: &'static str,
    reason: impl std::error::Error + Send + Sync + 'static,
) {
    let reason = Arc::new(reason);
    for (answer, outcome) in outcomes {
        reply(answer, outcome.and_then(|()| Err(failed(act, Arc::clone(&reason)))));
    }
}

fn reply(answer: Answer, outcome: Result<(), Error>) {
    // silent-ok: a caller that was dropped wants no answer.
    let _ = answer.send(outcome);
}

fn run(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(|_rows| ())
}

fn failed(act: &'static str, source: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Database { act, source: Box::new(source) }
}
