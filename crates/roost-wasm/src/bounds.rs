//! What a module may use.

use std::time::Duration;

use roost_domain::unit::{Bytes, MilliCpus};
use wasmtime::ResourceLimiter;

/// What one CPU does in a second, in instructions: what a module gets of them for a whole CPU.
const FUEL_PER_SECOND: u64 = 1_000_000_000;
/// The most entries of one table.
const TABLE_MAX: usize = 1_000_000;

/// Returns how many instructions a module may run.
pub(crate) fn fuel(cpu: MilliCpus, timeout: Duration) -> u64 {
    let millis = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
    (FUEL_PER_SECOND / 1_000).saturating_mul(millis).saturating_mul(u64::from(cpu.0)) / 1_000
}

/// Refuses memory beyond a bound, and remembers that it did.
#[derive(Debug)]
pub(crate) struct Bounds {
    memory: usize,
    used: usize,
    refused: bool,
}

impl Bounds {
    pub(crate) fn new(memory: Bytes) -> Self {
        Self { memory: usize::try_from(memory.0).unwrap_or(usize::MAX), used: 0, refused: false }
    }

    /// Tells whether memory was refused.
    pub(crate) const fn refused(&self) -> bool {
        self.refused
    }
}

impl ResourceLimiter for Bounds {
    fn memory_growing(&mut self, now: usize, wanted: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        // A module may have several memories; together they have one bound.
        let used = self.used.saturating_add(wanted.saturating_sub(now));
        let fits = used <= self.memory;
        if fits {
            self.used = used;
        } else {
            self.refused = true;
        }
        Ok(fits)
    }

    fn table_growing(&mut self, _: usize, wanted: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(wanted <= TABLE_MAX)
    }

    fn instances(&self) -> usize {
        1
    }

    fn memories(&self) -> usize {
        4
    }

    fn tables(&self) -> usize {
        16
    }
}
