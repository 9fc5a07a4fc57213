//! Counts the connections that each machine was let make.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use roost_domain::id::AgentId;
use roost_ports::machine::{Attempt, Connections};

/// Counts what is let through and passes everything on.
pub(crate) struct Counted {
    next: Arc<dyn Connections>,
    let_through: Mutex<HashMap<AgentId, u64>>,
}

impl Counted {
    pub(crate) fn new(next: Arc<dyn Connections>) -> Self {
        Self { next, let_through: Mutex::default() }
    }

    /// Returns how many connections of a machine were let through since the driver was opened.
    pub(crate) fn of(&self, agent: AgentId) -> u64 {
        self.let_through.lock().unwrap_or_else(PoisonError::into_inner).get(&agent).copied().unwrap_or(0)
    }

    /// Forgets a machine that is gone for good.
    pub(crate) fn forget(&self, agent: AgentId) {
        self.let_through.lock().unwrap_or_else(PoisonError::into_inner).remove(&agent);
    }
}

impl Connections for Counted {
    fn attempted(&self, attempt: Attempt) {
        if attempt.refused.is_none() {
            *self
                .let_through
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .entry(attempt.agent)
                .or_default() += 1;
        }
        self.next.attempted(attempt);
    }
}
