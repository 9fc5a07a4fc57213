//! How long machines are up: counted in memory from the moment a machine opens, and written down now and then. A crash
//! loses what was not written: at most a minute of each machine.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use roost_domain::id::AgentId;
use roost_domain::machine::Condition;
use roost_ports::store::{Amounts, Writer};

use super::{Usages, count};
use crate::Error;

/// How long it takes until what was counted is written.
const WRITING: Duration = Duration::from_secs(60);

/// What machines have been up for.
#[derive(Default)]
pub(crate) struct MachineTime(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    /// Machines that were opened and have not ended; since when they are counted, unless they are frozen.
    known: HashMap<AgentId, Option<Timestamp>>,
    /// What was counted and not written.
    unwritten: HashMap<AgentId, Duration>,
    written_at: Option<Timestamp>,
}

impl MachineTime {
    /// Takes note of a machine that is up.
    pub(crate) fn opened(&self, agent: AgentId, now: Timestamp) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.known.entry(agent).or_default().get_or_insert(now);
    }

    /// Counts what a machine was up for, when it is about to freeze or to end.
    pub(crate) fn closing(&self, agent: AgentId, now: Timestamp) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.count(agent, now);
        inner.known.insert(agent, None);
    }

    fn known(&self) -> Vec<AgentId> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).known.keys().copied().collect()
    }

    fn look(&self, agent: AgentId, condition: Condition, now: Timestamp) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match condition {
            Condition::Running => inner.count(agent, now),
            Condition::Frozen => {
                inner.count(agent, now);
                inner.known.insert(agent, None);
            }
            // It ended at some time since the last look.
            Condition::Absent => {
                inner.count(agent, now);
                inner.known.remove(&agent);
            }
        }
    }

    fn is_due(&self, now: Timestamp) -> bool {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let written_at = *inner.written_at.get_or_insert(now);
        // silent-ok: a clock that went back means that it is not due.
        let since: Duration = now.duration_since(written_at).try_into().unwrap_or_default();
        since >= WRITING
    }

    fn take(&self, now: Timestamp) -> HashMap<AgentId, Duration> {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.written_at = Some(now);
        std::mem::take(&mut inner.unwritten)
    }

    fn give_back(&self, unwritten: HashMap<AgentId, Duration>) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (agent, time) in unwritten {
            *inner.unwritten.entry(agent).or_default() += time;
        }
    }
}

impl Inner {
    /// Counts a machine's time up to now, and begins anew.
    fn count(&mut self, agent: AgentId, now: Timestamp) {
        let Some(since) = self.known.get_mut(&agent) else { return };
        let before = since.replace(now).unwrap_or(now);
        // silent-ok: a clock that went back counts nothing.
        let up: Duration = now.duration_since(before).try_into().unwrap_or_default();
        if !up.is_zero() {
            *self.unwritten.entry(agent).or_default() += up;
        }
    }
}

impl Usages<'_> {
    /// Counts what machines have been up for, and writes it down if that was not done for a minute. The runtime calls
    /// this every second or so; a machine that ends or freezes by itself is counted to the next call.
    ///
    /// # Errors
    ///
    /// `Internal` if the store fails; nothing is lost then.
    pub async fn meter_machines(&self) -> Result<(), Error> {
        self.count_machines();
        if self.0.machine_time.is_due(self.0.now()) { self.write_machines().await } else { Ok(()) }
    }

    fn count_machines(&self) {
        let now = self.0.now();
        for agent in self.0.machine_time.known() {
            self.0.machine_time.look(agent, self.0.ports.machines.condition(agent), now);
        }
    }

    /// Writes down what machines have been up for until now.
    ///
    /// # Errors
    ///
    /// `Internal` if the store fails; nothing is lost then.
    pub async fn write_machines(&self) -> Result<(), Error> {
        self.count_machines();
        let now = self.0.now();
        let unwritten = self.0.machine_time.take(now);
        if unwritten.is_empty() {
            return Ok(());
        }
        let times = unwritten.clone();
        let write = move |writer: &mut dyn Writer| {
            for (agent, machine) in times {
                // What a deleted agent used last is nobody's business any more.
                if let Some(agent) = writer.agent_of_any_account(agent)? {
                    count(writer, &agent, None, Amounts { machine, ..Amounts::default() }, now)?;
                }
            }
            Ok::<_, Error>(())
        };
        let written = self.0.ports.store.write(write).await;
        if written.is_err() {
            self.0.machine_time.give_back(unwritten);
        }
        written
    }
}
