//! Runs as their events have left them, kept in memory within bounds: what was read of a log once stays true.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jsonschema::Validator;
use roost_domain::event::Offset;
use roost_domain::id::{AgentId, RunId};
use roost_domain::page::Limit;
use roost_domain::run::{Plan, State, step};
use roost_ports::store::Reader;
use serde_json::Value;

use super::criteria::compile;
use crate::Error;
use crate::workflows::read_kept;

/// About how much memory the states that are kept may take.
const MOST_BYTES: usize = 64 << 20;

/// How many bytes the configurations of the workflows that are kept ready may have in all.
const MOST_CONFIGURED: usize = 16 << 20;

/// How many schemas of inputs are kept ready.
const MOST_INPUTS: usize = 256;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // The data are plain collections that no panic leaves half changed.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Workflows, prepared for their runs. A version never changes.
#[derive(Default)]
pub(crate) struct Plans(Mutex<Ready>);

#[derive(Default)]
struct Ready {
    plans: HashMap<(AgentId, u64), Arc<Plan>>,
    /// What holds the inputs of runs to what their workflows take.
    inputs: HashMap<(AgentId, u64), Result<Arc<Validator>, String>>,
    bytes: usize,
}

impl Plans {
    /// Returns a version of an agent's workflow.
    pub(crate) fn get(&self, reader: &dyn Reader, agent: AgentId, version: u64) -> Result<Arc<Plan>, Error> {
        if let Some(plan) = lock(&self.0).plans.get(&(agent, version)) {
            return Ok(Arc::clone(plan));
        }
        let kept = reader.workflow_version(agent, version)?;
        let kept = kept.ok_or_else(|| Error::not_found("version of this workflow", version))?;
        let plan = Arc::new(Plan::new(read_kept(&kept)?));
        let bytes = kept.config.to_string().len();
        let mut ready = lock(&self.0);
        if ready.bytes + bytes > MOST_CONFIGURED {
            ready.plans.clear();
            ready.inputs.clear();
            ready.bytes = 0;
        }
        ready.bytes += bytes;
        ready.plans.insert((agent, version), Arc::clone(&plan));
        Ok(plan)
    }

    /// Returns what holds the input of a run to the schema of a version, made ready once.
    pub(super) fn input(
        &self,
        agent: AgentId,
        version: u64,
        schema: &Value,
    ) -> Result<Arc<Validator>, String> {
        if let Some(known) = lock(&self.0).inputs.get(&(agent, version)) {
            return known.clone();
        }
        let made = compile(schema);
        let mut ready = lock(&self.0);
        if ready.inputs.len() >= MOST_INPUTS {
            ready.inputs.clear();
        }
        ready.inputs.insert((agent, version), made.clone());
        made
    }
}

/// States of runs that were looked at lately.
#[derive(Default)]
pub(crate) struct States(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    states: HashMap<RunId, Held>,
    /// By when they were used last, the oldest first.
    order: BTreeMap<u64, RunId>,
    weight: usize,
    clock: u64,
}

struct Held {
    offset: Offset,
    state: State,
    weight: usize,
    used: u64,
}

impl States {
    /// Takes a state out; whoever takes it brings it back when what it made of it was committed.
    pub(super) fn take(&self, run: RunId) -> Option<(Offset, State)> {
        let mut kept = lock(&self.0);
        let held = kept.states.remove(&run)?;
        kept.order.remove(&held.used);
        kept.weight -= held.weight;
        Some((held.offset, held.state))
    }

    /// Puts a state in that was committed.
    pub(super) fn put(&self, run: RunId, offset: Offset, state: State) {
        let weight = state.weight();
        drop(self.take(run));
        if weight > MOST_BYTES / 4 {
            return;
        }
        let mut kept = lock(&self.0);
        kept.clock += 1;
        let used = kept.clock;
        kept.order.insert(used, run);
        kept.weight += weight;
        kept.states.insert(run, Held { offset, state, weight, used });
        while kept.weight > MOST_BYTES {
            let Some((_, oldest)) = kept.order.pop_first() else { break };
            if let Some(held) = kept.states.remove(&oldest) {
                kept.weight -= held.weight;
            }
        }
    }
}

/// Returns a run as its log has left it, with where that ends, going on from what was folded before.
pub(super) fn fold(
    reader: &dyn Reader,
    plan: &Arc<Plan>,
    run: RunId,
    from: Option<(Offset, State)>,
) -> Result<(Offset, State), Error> {
    const BATCH: Limit = Limit::clamped(1_000, 1_000);
    let (mut offset, mut state) = from.unwrap_or_else(|| (Offset::START, State::new(Arc::clone(plan))));
    loop {
        let entries = reader.run_entries(run, offset, BATCH)?;
        let full = entries.len() == BATCH.get() as usize;
        for entry in entries {
            offset = entry.offset;
            state = step(state, &entry.event, entry.at).map_err(Error::internal)?;
        }
        if !full {
            return Ok((offset, state));
        }
    }
}
