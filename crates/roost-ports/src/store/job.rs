use jiff::Timestamp;
use roost_domain::id::{AgentId, JobId};

use super::Error;

/// A job to be queued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewJob {
    /// Its id.
    pub id: JobId,
    /// Which workers take it: `turn`, …
    pub queue: &'static str,
    /// Jobs of one queue with the same key are done one at a time, in the order they were queued.
    pub key: String,
    /// The agent it is done for, together with which it is deleted; `None` for the server's own.
    pub agent: Option<AgentId>,
    /// What to do.
    pub payload: String,
    /// Not before this time.
    pub run_at: Timestamp,
}

/// A job that a worker has leased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// Its key.
    pub key: String,
    /// What to do.
    pub payload: String,
    /// How often it was leased, this time included.
    pub attempt: u32,
    /// The worker that holds it.
    pub worker: String,
}

/// Looks at the durable queue.
pub trait Jobs {
    /// Returns how many jobs of a queue are not done, leased or not.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn open_jobs(&self, queue: &'static str) -> Result<u64, Error>;

    /// Returns when the next job of a queue can be leased, which may be in the past: its `run_at`, or the end of
    /// its lease where a worker holds it. `None` if the queue is empty.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn next_job_at(&self, queue: &'static str) -> Result<Option<Timestamp>, Error>;
}

/// Changes the durable queue.
pub trait JobsMut {
    /// Queues a job.
    ///
    /// # Errors
    ///
    /// [`Error::Exists`] if the id is taken.
    fn insert_job(&mut self, job: &NewJob) -> Result<(), Error>;

    /// Leases jobs that are due: not leased or their lease over at `now`, and none older of the queue with the
    /// same key open, whether due or not. The one that has been due for longest first, and of several the oldest.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn lease_jobs(
        &mut self,
        queue: &'static str,
        worker: &str,
        now: Timestamp,
        until: Timestamp,
        max: u32,
    ) -> Result<Vec<Job>, Error>;

    /// Extends a lease; returns `false` if it was lost, so that the worker stops.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn extend_lease(&mut self, job: JobId, worker: &str, until: Timestamp) -> Result<bool, Error>;

    /// Ends a job; returns `false` if the lease was lost meanwhile, so that the caller rolls back.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn finish_job(&mut self, job: JobId, worker: &str) -> Result<bool, Error>;

    /// Gives back every lease of a queue, for a start after a crash: whoever owns the store alone knows that the
    /// holders are dead. Returns how many there were.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn release_leases(&mut self, queue: &'static str) -> Result<u64, Error>;
}
