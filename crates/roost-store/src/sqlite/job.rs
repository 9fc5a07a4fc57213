use jiff::Timestamp;
use roost_domain::id::JobId;
use roost_ports::store::{Error, Job, Jobs, JobsMut, NewJob};
use rusqlite::params;

use super::{Columns, Noun, Tx, corrupt, micros, noun};

const JOB: Noun = noun!("job");

impl Jobs for Tx<'_> {
    fn open_jobs(&self, queue: &'static str) -> Result<u64, Error> {
        self.only(JOB, "select count(*) from jobs where queue = $1", params![queue], |columns| {
            columns.count()
        })
    }

    fn next_job_at(&self, queue: &'static str) -> Result<Option<Timestamp>, Error> {
        self.only(
            JOB,
            "select min(case when leased_until > run_at then leased_until else run_at end)
             from jobs
             where queue = $1 and not exists (
                 select 1 from jobs as older
                 where older.queue = jobs.queue and older.key = jobs.key and older.position < jobs.position)",
            params![queue],
            |columns| columns.time_if_any(),
        )
    }
}

impl JobsMut for Tx<'_> {
    fn insert_job(&mut self, job: &NewJob) -> Result<(), Error> {
        self.change_one(
            JOB,
            "insert into jobs (id, queue, key, agent_id, payload, run_at, attempt)
             values ($1, $2, $3, $4, $5, $6, 0)",
            params![
                job.id.uuid().as_bytes(),
                job.queue,
                job.key,
                job.agent.map(|agent| agent.uuid().into_bytes()),
                job.payload,
                micros(job.run_at),
            ],
        )
    }

    fn lease_jobs(
        &mut self,
        queue: &'static str,
        worker: &str,
        now: Timestamp,
        until: Timestamp,
        max: u32,
    ) -> Result<Vec<Job>, Error> {
        // On PostgreSQL the inner select ends in `for update skip locked`; here the one writer locks enough.
        let mut leased = self.all(
            JOB,
            "update jobs set worker = $1, leased_until = $2, attempt = attempt + 1
             where position in (
                 select due.position from jobs as due
                 where due.queue = $3 and due.run_at <= $4
                   and (due.leased_until is null or due.leased_until <= $4)
                   and not exists (
                       select 1 from jobs as older
                       where older.queue = due.queue and older.key = due.key and older.position < due.position)
                 order by due.position limit $5)
             returning position, id, key, payload, attempt, worker",
            params![worker, micros(until), queue, micros(now), max],
            |columns| Ok((columns.take::<i64>()?, job(columns)?)),
        )?;
        // What an update returns has no order.
        leased.sort_by_key(|(position, _)| *position);
        Ok(leased.into_iter().map(|(_, job)| job).collect())
    }

    fn extend_lease(&mut self, job: JobId, worker: &str, until: Timestamp) -> Result<bool, Error> {
        let extended = self.change(
            JOB,
            "update jobs set leased_until = $1 where id = $2 and worker = $3",
            params![micros(until), job.uuid().as_bytes(), worker],
        )?;
        Ok(extended > 0)
    }

    fn finish_job(&mut self, job: JobId, worker: &str) -> Result<bool, Error> {
        let finished = self.change(
            JOB,
            "delete from jobs where id = $1 and worker = $2",
            params![job.uuid().as_bytes(), worker],
        )?;
        Ok(finished > 0)
    }

    fn release_leases(&mut self, queue: &'static str) -> Result<u64, Error> {
        let released = self.change(
            JOB,
            "update jobs set worker = null, leased_until = null where queue = $1 and worker is not null",
            params![queue],
        )?;
        Ok(released as u64)
    }
}

fn job(columns: &mut Columns<'_>) -> Result<Job, Error> {
    Ok(Job {
        id: columns.id()?,
        key: columns.take()?,
        payload: columns.take()?,
        attempt: u32::try_from(columns.count()?).map_err(|error| corrupt(JOB.name, error))?,
        worker: columns.take()?,
    })
}
