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
            "select min(at) from (
                 select at from (
                     select run_at as at from jobs
                     where queue = $1 and leased_until is null and not exists (
                         select 1 from jobs as older
                         where older.queue = jobs.queue and older.key = jobs.key and older.position < jobs.position)
                     order by run_at limit 1) as few
                 union all
                 select min(case when leased_until > run_at then leased_until else run_at end) as at from jobs
                 where queue = $1 and leased_until is not null and not exists (
                     select 1 from jobs as older
                     where older.queue = jobs.queue and older.key = jobs.key and older.position < jobs.position)
             ) as few",
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
        // Those that wait and those whose lease is over are found by an index each, in the order in which they are due.
        // On PostgreSQL the inner selects end in `for update skip locked`; here the one writer locks enough.
        let mut leased = self.all(
            JOB,
            "update jobs set worker = $1, leased_until = $2, attempt = attempt + 1
             where position in (
                 select position from (
                     select position, run_at from (
                         select due.position, due.run_at from jobs as due
                         where due.queue = $3 and due.leased_until is null and due.run_at <= $4
                           and not exists (
                               select 1 from jobs as older
                               where older.queue = due.queue and older.key = due.key
                                 and older.position < due.position)
                         order by due.run_at, due.position limit $5) as few
                     union all
                     select position, run_at from (
                         select due.position, due.run_at from jobs as due
                         where due.queue = $3 and due.leased_until <= $4 and due.run_at <= $4
                           and not exists (
                               select 1 from jobs as older
                               where older.queue = due.queue and older.key = due.key
                                 and older.position < due.position)
                         order by due.run_at, due.position limit $5) as few
                 ) as few order by run_at, position limit $5)
             returning run_at, position, id, key, payload, attempt, worker",
            params![worker, micros(until), queue, micros(now), max],
            |columns| Ok(((columns.take::<i64>()?, columns.take::<i64>()?), job(columns)?)),
        )?;
        // What an update returns has no order.
        leased.sort_by_key(|(due, _)| *due);
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
            "update jobs set worker = null, leased_until = null where queue = $1 and leased_until is not null",
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
