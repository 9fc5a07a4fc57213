use std::collections::BTreeMap;

use jiff::Timestamp;
use roost_domain::id::JobId;
use roost_ports::store::{Error, Job, NewJob};

use super::{Any, at, id, read, write};

fn job(number: u128, key: &str) -> NewJob {
    NewJob {
        id: id(number),
        queue: "turn",
        key: key.into(),
        agent: None,
        payload: format!("payload {number}"),
        run_at: at(0),
    }
}

async fn queue(store: &Any, jobs: Vec<NewJob>) {
    write(store, move |writer| jobs.iter().try_for_each(|job| writer.insert_job(job))).await;
}

async fn lease(store: &Any, worker: &'static str, now: i64, until: i64) -> Vec<Job> {
    write(store, move |writer| writer.lease_jobs("turn", worker, at(now), at(until), 10)).await
}

fn ids(jobs: &[Job]) -> Vec<JobId> {
    jobs.iter().map(|job| job.id).collect()
}

pub(crate) async fn jobs_of_one_key_are_leased_one_at_a_time_in_order(store: Any) {
    let elsewhere = NewJob { queue: "delivery", ..job(5, "a") };
    queue(&store, vec![job(9, "a"), job(2, "a"), job(3, "b"), job(4, "a"), elsewhere]).await;
    let leased = lease(&store, "w1", 1, 100).await;
    assert_eq!(ids(&leased), [id(9), id(3)]);
    assert_eq!((leased[0].payload.as_str(), leased[0].key.as_str()), ("payload 9", "a"));
    assert_eq!((leased[0].attempt, leased[0].worker.as_str()), (1, "w1"));
    assert_eq!(lease(&store, "w2", 1, 100).await, []);
    assert!(write(&store, |writer| writer.finish_job(id(9), "w1")).await);
    assert_eq!(ids(&lease(&store, "w2", 1, 100).await), [id(2)]);
    assert_eq!(read(&store, |reader| reader.open_jobs("turn")).await, 3);
    assert_eq!(read(&store, |reader| reader.open_jobs("delivery")).await, 1);
    let again = store.write::<(), Error>(|writer| writer.insert_job(&job(2, "z"))).await;
    assert!(matches!(again, Err(Error::Exists { what: "job" })));
}

pub(crate) async fn a_lost_lease_is_neither_extended_nor_finished(store: Any) {
    queue(&store, vec![job(1, "a")]).await;
    lease(&store, "w1", 0, 10).await;
    assert!(write(&store, |writer| writer.extend_lease(id(1), "w1", at(20))).await);
    assert_eq!(lease(&store, "w2", 19, 30).await, [], "the extension holds");
    let taken_over = lease(&store, "w2", 20, 30).await;
    assert_eq!((taken_over[0].attempt, taken_over[0].worker.as_str()), (2, "w2"));
    assert!(!write(&store, |writer| writer.extend_lease(id(1), "w1", at(99))).await);
    assert!(!write(&store, |writer| writer.finish_job(id(1), "w1")).await);
    assert!(write(&store, |writer| writer.finish_job(id(1), "w2")).await);
    assert!(!write(&store, |writer| writer.finish_job(id(1), "w2")).await);
}

pub(crate) async fn a_job_waits_for_its_time_and_holds_up_its_key(store: Any) {
    let later = NewJob { run_at: at(50), ..job(1, "a") };
    queue(&store, vec![later, job(2, "a"), job(3, "b")]).await;
    assert_eq!(ids(&lease(&store, "w", 49, 60).await), [id(3)]);
    assert_eq!(ids(&lease(&store, "w", 50, 60).await), [id(1)]);
}

pub(crate) async fn releasing_leases_gives_jobs_back_at_once(store: Any) {
    queue(&store, vec![job(1, "a"), job(2, "b"), job(3, "b")]).await;
    lease(&store, "dead", 0, 1_000).await;
    assert_eq!(write(&store, |writer| writer.release_leases("turn")).await, 2);
    assert_eq!(write(&store, |writer| writer.release_leases("turn")).await, 0);
    assert!(!write(&store, |writer| writer.finish_job(id(1), "dead")).await);
    let leased = lease(&store, "alive", 1, 1_000).await;
    assert_eq!((ids(&leased), leased[0].attempt), (vec![id(1), id(2)], 2));
}

pub(crate) async fn the_next_job_is_due_when_its_lease_ends(store: Any) {
    let next = async || read(&store, |reader| reader.next_job_at("turn")).await;
    assert_eq!(next().await, None);
    queue(&store, vec![NewJob { run_at: at(70), ..job(1, "a") }, job(2, "a"), job(3, "b")]).await;
    assert_eq!(next().await, Some(at(0)));
    lease(&store, "w", 5, 60).await;
    assert_eq!(next().await, Some(at(60)), "job 3 can be taken over; job 2 waits for job 1");
    write(&store, |writer| writer.finish_job(id(3), "w")).await;
    assert_eq!(next().await, Some(at(70)));
}

/// One open job as the model keeps it.
struct Open {
    key: String,
    run_at: i64,
    lease: Option<(String, i64)>,
    attempt: u32,
}

/// The queue, as simple as it can be: position to job.
#[derive(Default)]
struct Model {
    jobs: BTreeMap<u128, Open>,
}

impl Model {
    fn due(&self, now: i64) -> Vec<u128> {
        let is_head =
            |number: u128, job: &Open| self.jobs.range(..number).all(|(_, older)| older.key != job.key);
        let is_free = |job: &Open| job.lease.as_ref().is_none_or(|(_, until)| *until <= now);
        let due =
            |(number, job): &(&u128, &Open)| job.run_at <= now && is_free(job) && is_head(**number, job);
        let mut due: Vec<_> =
            self.jobs.iter().filter(due).map(|(number, job)| (job.run_at, *number)).collect();
        due.sort_unstable();
        due.into_iter().map(|(_, number)| number).collect()
    }

    fn lease(&mut self, worker: &str, now: i64, until: i64, max: usize) -> Vec<(JobId, u32)> {
        let taken: Vec<u128> = self.due(now).into_iter().take(max).collect();
        let mut lease = |number: u128| {
            let job = self.jobs.get_mut(&number).unwrap();
            job.lease = Some((worker.to_owned(), until));
            job.attempt += 1;
            (id(number), job.attempt)
        };
        taken.into_iter().map(&mut lease).collect()
    }

    fn held_by(&self, number: u128, worker: &str) -> bool {
        self.jobs
            .get(&number)
            .is_some_and(|job| job.lease.as_ref().is_some_and(|(holder, _)| holder == worker))
    }

    fn next_at(&self) -> Option<Timestamp> {
        let is_head = |number: u128, key: &str| self.jobs.range(..number).all(|(_, older)| older.key != key);
        self.jobs
            .iter()
            .filter(|(number, job)| is_head(**number, &job.key))
            .map(|(_, job)| at(job.run_at.max(job.lease.as_ref().map_or(job.run_at, |(_, until)| *until))))
            .min()
    }
}

/// A small generator with a fixed seed, so that a failure comes again.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn seconds(&mut self, sides: u64) -> i64 {
        i64::try_from(self.roll(sides)).unwrap()
    }
}

pub(crate) async fn the_queue_agrees_with_a_model(store: Any) {
    const WORKERS: [&str; 3] = ["w0", "w1", "w2"];
    for seed in 0..8 {
        let mut dice = Dice(seed);
        let mut model = Model::default();
        let mut now = 0;
        // Numbers go on from seed to seed, so that ids are never used twice.
        let first = u128::from(seed) * 1_000 + 1;
        let mut next = first;
        for step in 0..300 {
            now += dice.seconds(3);
            let worker = WORKERS[usize::try_from(dice.roll(3)).unwrap()];
            let number = first + u128::from(dice.roll(u64::try_from(next - first).unwrap() + 1));
            let context = format!("seed {seed}, step {step}, job {number}, {worker} at {now}");
            match dice.roll(8) {
                0..=2 => {
                    let (key, run_at) = (format!("key {}", dice.roll(4)), now + dice.seconds(10) - 5);
                    let new = NewJob { run_at: at(run_at), ..job(next, &key) };
                    queue(&store, vec![new]).await;
                    model.jobs.insert(next, Open { key, run_at, lease: None, attempt: 0 });
                    next += 1;
                }
                3 | 4 => {
                    let (until, max) = (now + 1 + dice.seconds(8), dice.roll(3) + 1);
                    let leased = write(&store, move |writer| {
                        writer.lease_jobs("turn", worker, at(now), at(until), u32::try_from(max).unwrap())
                    })
                    .await;
                    let leased: Vec<_> = leased.into_iter().map(|job| (job.id, job.attempt)).collect();
                    assert_eq!(
                        leased,
                        model.lease(worker, now, until, usize::try_from(max).unwrap()),
                        "{context}"
                    );
                }
                5 => {
                    let until = now + dice.seconds(8);
                    let extended =
                        write(&store, move |writer| writer.extend_lease(id(number), worker, at(until))).await;
                    assert_eq!(extended, model.held_by(number, worker), "{context}");
                    if extended {
                        model.jobs.get_mut(&number).unwrap().lease = Some((worker.to_owned(), until));
                    }
                }
                6 => {
                    let finished = write(&store, move |writer| writer.finish_job(id(number), worker)).await;
                    assert_eq!(finished, model.held_by(number, worker), "{context}");
                    if finished {
                        model.jobs.remove(&number);
                    }
                }
                _ => assert_eq!(
                    read(&store, |reader| reader.next_job_at("turn")).await,
                    model.next_at(),
                    "{context}"
                ),
            }
            assert_eq!(
                read(&store, |reader| reader.open_jobs("turn")).await,
                model.jobs.len() as u64,
                "{context}"
            );
        }
        drain(&store, &mut model, now).await;
    }
}

/// Works off what is left: nothing was lost, and every key is done in its order.
async fn drain(store: &Any, model: &mut Model, now: i64) {
    let long_after = now + 10_000;
    let mut done: BTreeMap<String, Vec<JobId>> = BTreeMap::new();
    loop {
        let leased = lease(store, "last", long_after, long_after + 1_000).await;
        if leased.is_empty() {
            break;
        }
        for job in leased {
            assert!(write(store, move |writer| writer.finish_job(job.id, "last")).await);
            done.entry(job.key).or_default().push(job.id);
        }
    }
    let mut expected: BTreeMap<String, Vec<JobId>> = BTreeMap::new();
    for (number, job) in std::mem::take(&mut model.jobs) {
        expected.entry(job.key).or_default().push(id(number));
    }
    assert_eq!(done, expected);
}
