//! How often each trigger was called in the last minute. In memory: another server counts by itself.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use roost_domain::id::TriggerId;

/// One minute, in microseconds.
const SPAN: i64 = 60_000_000;

/// The times of calls that still count, by trigger, oldest first, in microseconds.
#[derive(Default)]
pub(crate) struct Rates(Mutex<Counted>);

#[derive(Default)]
struct Counted {
    by_trigger: HashMap<TriggerId, VecDeque<i64>>,
    /// When triggers that are silent are looked for next.
    sweep_at: i64,
}

impl Rates {
    /// Counts a call, unless there have been `limit` in the last minute; then returns how long until one would count.
    pub(super) fn take(&self, trigger: TriggerId, now: Timestamp, limit: u32) -> Result<(), Duration> {
        let now = now.as_microsecond();
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if now >= counted.sweep_at {
            counted
                .by_trigger
                .retain(|_, times| times.back().is_some_and(|last| last.saturating_add(SPAN) > now));
            counted.sweep_at = now.saturating_add(SPAN);
        }
        let times = counted.by_trigger.entry(trigger).or_default();
        while times.front().is_some_and(|oldest| oldest.saturating_add(SPAN) <= now) {
            times.pop_front();
        }
        match times.front() {
            Some(oldest) if times.len() >= limit as usize => {
                let wait = oldest.saturating_add(SPAN).saturating_sub(now);
                Err(Duration::from_micros(u64::try_from(wait).unwrap_or(0)))
            }
            Some(_) | None => {
                times.push_back(now);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_minute_holds_as_many_calls_as_are_allowed() {
        let rates = Rates::default();
        let [one, other] = ["trg_00000000000070008000000000000001", "trg_00000000000070008000000000000002"];
        let (one, other): (TriggerId, TriggerId) = (one.parse().unwrap(), other.parse().unwrap());
        let limit = 2;
        let at = |seconds| Timestamp::from_second(seconds).unwrap();
        assert_eq!(rates.take(one, at(0), limit), Ok(()));
        assert_eq!(rates.take(one, at(30), limit), Ok(()));
        assert_eq!(rates.take(one, at(59), limit), Err(Duration::from_secs(1)));
        assert_eq!(rates.take(other, at(59), limit), Ok(()), "each counts by itself");
        assert_eq!(rates.take(one, at(60), limit), Ok(()));
        assert_eq!(rates.take(one, at(61), limit), Err(Duration::from_secs(29)));
    }
}
