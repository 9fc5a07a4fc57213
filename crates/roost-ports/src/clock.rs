//! The time.

use jiff::Timestamp;

/// Tells the time. Only the composition root asks the system; everything else is told.
pub trait Clock: Send + Sync {
    /// Returns the time now. Never goes backwards within a process.
    fn now(&self) -> Timestamp;
}
