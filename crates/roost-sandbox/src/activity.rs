//! When a machine was last used.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// When a machine was last used, and how many calls are under way.
#[derive(Debug)]
pub(crate) struct Activity(Mutex<State>);

#[derive(Debug)]
struct State {
    under_way: usize,
    last: Instant,
}

/// A call under way; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct InUse(Arc<Activity>);

impl Activity {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(State { under_way: 0, last: Instant::now() }))
    }

    /// Takes note of a use.
    pub(crate) fn touch(&self) {
        self.change(|_| {});
    }

    /// Begins a call.
    pub(crate) fn begin(self: &Arc<Self>) -> InUse {
        self.change(|state| state.under_way += 1);
        InUse(Arc::clone(self))
    }

    /// Tells whether there has been no use for so long and no call is under way.
    pub(crate) fn is_idle(&self, idle: Duration) -> bool {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.under_way == 0 && state.last.elapsed() >= idle
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut state);
        state.last = Instant::now();
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        self.0.change(|state| state.under_way = state.under_way.saturating_sub(1));
    }
}
