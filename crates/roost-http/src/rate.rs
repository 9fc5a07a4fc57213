//! Sliding-window rate limits: in any window of time, however it is laid, a key's requests are at most so many.

use std::collections::{HashMap, VecDeque};
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use roost_domain::id::KeyId;

/// How many requests a key may make on one face.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// So many requests …
    pub requests: NonZeroU32,
    /// … in any span of this length.
    pub window: Duration,
}

impl Limits {
    /// Returns a limit per minute.
    pub const fn per_minute(requests: NonZeroU32) -> Self {
        Self { requests, window: Duration::from_secs(60) }
    }
}

/// Counts requests by key. Costs eight bytes for each request of the last window, and nothing for silent keys.
pub struct Limiter {
    limits: Limits,
    windows: Mutex<Windows>,
}

#[derive(Default)]
struct Windows {
    by_key: HashMap<KeyId, Window>,
    /// When silent keys are looked for next, in microseconds.
    sweep_at: i64,
}

/// The times of a key's requests that still count, oldest first, in microseconds.
#[derive(Default)]
struct Window(VecDeque<i64>);

/// Where a key stands after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// How many requests a window holds.
    pub limit: u32,
    /// How many more it would take now.
    pub remaining: u32,
    /// When the oldest request that counts leaves the window.
    pub reset_at: Timestamp,
    /// `None` if the request is let through, else how long until one would be.
    pub wait: Option<Duration>,
}

impl Limiter {
    /// Makes a limiter that has seen nothing yet.
    pub fn new(limits: Limits) -> Self {
        Self { limits, windows: Mutex::default() }
    }

    /// Counts a request, unless the window is full. Requests that are turned away do not count.
    pub fn take(&self, key: KeyId, now: Timestamp) -> Standing {
        let now = now.as_microsecond();
        let span = i64::try_from(self.limits.window.as_micros()).unwrap_or(i64::MAX);
        // Nothing in there is left half changed by a panic.
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        if now >= windows.sweep_at {
            windows
                .by_key
                .retain(|_, window| window.0.back().is_some_and(|last| last.saturating_add(span) > now));
            windows.sweep_at = now.saturating_add(span);
        }
        windows.by_key.entry(key).or_default().take(now, span, self.limits.requests.get())
    }

    #[cfg(test)]
    fn keys(&self) -> usize {
        self.windows.lock().unwrap_or_else(PoisonError::into_inner).by_key.len()
    }
}

impl Window {
    fn take(&mut self, now: i64, span: i64, limit: u32) -> Standing {
        // Two requests can read the clock in one order and come here in the other.
        let now = self.0.back().map_or(now, |last| now.max(*last));
        while self.0.front().is_some_and(|oldest| oldest.saturating_add(span) <= now) {
            self.0.pop_front();
        }
        let full = self.0.len() >= limit as usize;
        if !full {
            self.0.push_back(now);
        }
        let used = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        let leaves = self.0.front().map_or(now, |oldest| oldest.saturating_add(span));
        Standing {
            limit,
            remaining: limit.saturating_sub(used),
            reset_at: Timestamp::from_microsecond(leaves).unwrap_or(Timestamp::MAX),
            wait: full.then(|| Duration::from_micros(u64::try_from(leaves - now).unwrap_or(0))),
        }
    }
}

#[cfg(test)]
mod tests;
