use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use roost_ports::clock::Clock;

/// A clock that stands still until it is moved.
pub struct TestClock {
    micros: AtomicI64,
    /// Since when it goes.
    going: OnceLock<Instant>,
}

impl TestClock {
    /// 2026-02-10T14:00:00Z, the moment of Agento's documents.
    pub const START: Timestamp = Timestamp::constant(1_770_732_000, 0);

    /// Moves time on.
    pub fn advance(&self, by: Duration) {
        let micros = i64::try_from(by.as_micros()).expect("a test does not wait for ages");
        self.micros.fetch_add(micros, Ordering::SeqCst);
    }

    /// Lets time go by from now on as it does outside, for measurements.
    pub fn start(&self) {
        self.going.get_or_init(Instant::now);
    }
}

impl Default for TestClock {
    fn default() -> Self {
        Self { micros: AtomicI64::new(Self::START.as_microsecond()), going: OnceLock::new() }
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        let going = self.going.get().map_or(Duration::ZERO, Instant::elapsed);
        let micros =
            self.micros.load(Ordering::SeqCst) + i64::try_from(going.as_micros()).expect("not for ages");
        Timestamp::from_microsecond(micros).expect("moved in small steps")
    }
}
