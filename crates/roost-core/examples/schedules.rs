//! Measures 100,000 schedules: what it costs that they wait, and how late those fire that come due over one minute, each
//! beginning a durable run of its own agent. Prints a table.
//!
//! How late: from the time for which a schedule fires until its run is durable. The machines and models are doubles; the
//! database, the scheduler and the runs are the server's.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use roost_domain::agent::{Agent, Arming};
use roost_domain::id::{AgentId, TriggerId};
use roost_domain::trigger::Standing;
use roost_domain::workflow::{MissedFires, Trigger, TriggerKind};
use roost_ports::random::Random;
use roost_ports::store::{Error, WorkflowVersion};
use roost_testkit::{SeededRandom, TestApp};
use serde_json::json;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

const SCHEDULES: u32 = 100_000;

/// How long they all wait before the first is due, counted from when all are there.
const QUIET: Duration = Duration::from_secs(20);

/// Over how long they come due.
const SPAN: Duration = Duration::from_secs(60);

/// Takes down how late triggers fire, in microseconds, as the core tells the log.
#[derive(Clone, Default)]
struct Lateness(Arc<Mutex<Vec<u64>>>);

impl Subscriber for Lateness {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "roost_core::triggers::fire"
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut Late(&self.0));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Late<'a>(&'a Mutex<Vec<u64>>);

impl Visit for Late<'_> {
    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "late_us" {
            self.0.lock().expect("nobody panics").push(value);
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let late = Lateness::default();
    tracing::subscriber::set_global_default(late.clone()).expect("there is no other");
    let mut app = TestApp::builder().measured().without_runtime().build().await;
    let model = app.agent_of("test/echo", json!({})).await;
    let began = Instant::now();
    fill(&app, &model).await;
    let filled = began.elapsed();
    app.clock.start();
    app.start_runtime();
    // What a start has to do is done by then.
    tokio::time::sleep(QUIET / 4).await;
    let idle = cpu_over(QUIET / 2).await;
    tokio::time::sleep(QUIET / 4).await;
    let busy = cpu_over(SPAN).await;
    let deadline = Instant::now() + Duration::from_secs(60);
    while late.0.lock().expect("nobody panics").len() < SCHEDULES as usize && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let mut late = late.0.lock().expect("nobody panics").clone();
    late.sort_unstable();
    let at = |percent: usize| Duration::from_micros(late[(late.len() - 1) * percent / 100]);
    print("schedules, written in", &format!("{SCHEDULES}, {:.1} s", filled.as_secs_f64()));
    print("fired, over 60 s", &late.len().to_string());
    print("late, p50", &format!("{:.1?}", at(50)));
    print("late, p99", &format!("{:.1?}", at(99)));
    print("late, most", &format!("{:.1?}", at(100)));
    print("CPU while all wait", &format!("{:.2} % of one core", idle * 100.0));
    print("CPU while they fire", &format!("{:.0} % of one core", busy * 100.0));
    app.stop_runtime().await;
    assert_eq!(late.len(), SCHEDULES as usize, "each fires once");
}

#[expect(clippy::print_stdout, reason = "the table is what it is for")]
fn print(what: &str, value: &str) {
    println!("{what:<24} {value}");
}

/// Writes agents with a workflow and a schedule each, that come due one after the other.
async fn fill(app: &TestApp, model: &Agent) {
    const BATCH: u32 = 1_000;
    let random: Arc<dyn Random> = Arc::new(SeededRandom::new(7));
    let (model, first, now) = (model.clone(), app.core.now() + QUIET, app.core.now());
    for batch in 0..SCHEDULES / BATCH {
        let (random, model) = (Arc::clone(&random), model.clone());
        let write = move |writer: &mut dyn roost_ports::store::Writer| {
            for number in batch * BATCH..(batch + 1) * BATCH {
                let id = random.id::<AgentId>(now);
                let agent =
                    Agent { id, name: format!("agent {number}"), arming: Arming::Armed, ..model.clone() };
                writer.insert_agent(&agent)?;
                let step =
                    json!({"id": "ask", "type": "form", "fields": [{"name": "ok", "type": "boolean"}]});
                let config = json!({"steps": [step]});
                let version = WorkflowVersion { version: 1, config, author: "bench".to_owned(), at: now };
                writer.insert_workflow(id, &version)?;
                let kind = TriggerKind::Cron {
                    expression: "0 0 1 1 *".to_owned(),
                    timezone: "Europe/Berlin".to_owned(),
                    missed: MissedFires::Once,
                };
                writer.insert_trigger(&Standing {
                    id: TriggerId::from_uuid(random.id::<AgentId>(now).uuid()),
                    account: agent.account,
                    agent: id,
                    trigger: Trigger { name: "cron".to_owned(), kind, input: None },
                    next_at: Some(first + SPAN * number / SCHEDULES),
                    running: None,
                    cursor: None,
                    fired: 0,
                    failed: 0,
                    last: None,
                    created_at: now,
                })?;
            }
            Ok::<_, Error>(())
        };
        app.store.write(write).await.expect("they can be written");
    }
}

/// Returns how much of one core this process uses over a span.
async fn cpu_over(span: Duration) -> f64 {
    let (before, began) = (cpu(), Instant::now());
    tokio::time::sleep(span).await;
    (cpu() - before) / began.elapsed().as_secs_f64()
}

/// Returns the seconds of CPU that this process has used.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let fields = stat.rsplit(") ").next().expect("a name in brackets").split(' ');
    // Fields 14 and 15 of the line, in hundredths of a second.
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}
