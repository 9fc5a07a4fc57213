//! The system's time and randomness, for everything that is told them.

use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;
use roost_ports::clock::Clock;
use roost_ports::random::Random;

/// The system's clock, to the microsecond (as the store keeps it), never going backwards.
#[derive(Debug, Default)]
pub(crate) struct SystemClock {
    /// The latest time that was told, in microseconds since 1970.
    latest: AtomicI64,
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "the one place that asks the system for the time")]
        let now = Timestamp::now();
        let micros = now.as_microsecond();
        let latest = self.latest.fetch_max(micros, Ordering::AcqRel).max(micros);
        Timestamp::from_microsecond(latest).unwrap_or(now)
    }
}

/// The system's source of cryptographically strong randomness.
#[derive(Debug)]
pub(crate) struct SystemRandom;

impl Random for SystemRandom {
    /// # Panics
    ///
    /// If the system has no randomness to give: nothing made without it could be trusted.
    fn fill(&self, bytes: &mut [u8]) {
        if let Err(error) = getrandom::fill(bytes) {
            panic!("the system gives no randomness: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_never_goes_backwards() {
        let clock = SystemClock::default();
        let future = Timestamp::from_second(4_000_000_000).expect("a time");
        clock.latest.store(future.as_microsecond(), Ordering::Release);
        assert_eq!(clock.now(), future, "the system's clock was set back");
    }

    #[test]
    fn the_clock_tells_no_more_than_the_store_keeps() {
        let now = SystemClock::default().now();
        assert_eq!(now.subsec_nanosecond() % 1_000, 0);
    }

    #[test]
    fn randomness_differs() {
        let (mut one, mut two) = ([0; 32], [0; 32]);
        SystemRandom.fill(&mut one);
        SystemRandom.fill(&mut two);
        assert_ne!(one, two);
    }
}
