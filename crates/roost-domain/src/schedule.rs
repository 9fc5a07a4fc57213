//! Schedules: the times that a cron expression names in a time zone.
//!
//! Time zones come from the data that is built in, so that a server without any and two servers with different ones
//! agree. A clock that is put forward or back is where schedulers disagree most, so it is decided here once:
//!
//! - An expression that names its hours, minutes and seconds one by one, without `*`, means points on the wall's clock:
//!   each fires once. Where the clock is put back, it fires the first time round; where the clock is put forward over
//!   it, it fires at the first moment after.
//! - An expression with a `*` among them (`*/15 * * * *`) means an interval: it fires whenever the clock shows such a
//!   time, in a repeated hour twice, in a skipped one never.

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use crate::workflow::MissedFires;

mod expression;

use expression::Expression;

/// How late a fire may be and still be one that was not missed: a server that is replaced is down for less.
pub const PUNCTUAL: SignedDuration = SignedDuration::from_secs(60);

/// How many missed times are made up for at most.
pub const MADE_UP_MAX: usize = 100;

/// How long an expression may be, in bytes.
pub const EXPRESSION_BYTES_MAX: usize = 200;

/// The times that a cron expression names in a time zone.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    expression: Expression,
    zone: TimeZone,
}

/// A schedule that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSchedule {
    /// It is not made of five or six fields.
    #[error(
        "a cron expression has five fields (minute, hour, day of month, month, day of week), or six with the second \
         before them, and this has {found}; every morning at six is \"0 6 * * *\""
    )]
    Fields {
        /// How many it has.
        found: usize,
    },
    /// It is longer than any that means something.
    #[error("a cron expression has at most {EXPRESSION_BYTES_MAX} bytes")]
    TooLong,
    /// One of its fields is wrong.
    #[error(
        "{text:?} is no {field}; use {allowed}, * for every one, lists (1,2), ranges (1-5) and steps (*/5, 1-5/2)"
    )]
    Field {
        /// Which.
        field: &'static str,
        /// What it says.
        text: String,
        /// What it may hold.
        allowed: &'static str,
    },
    /// There is no such day.
    #[error("{expression:?} never fires: no year has such a day")]
    Never {
        /// The expression.
        expression: String,
    },
    /// The time zone is unknown.
    #[error("{name:?} is not a time zone of the IANA database; use a name such as Europe/Berlin or UTC")]
    Timezone {
        /// What was given.
        name: String,
    },
}

impl Schedule {
    /// Reads a cron expression of five fields, or six with seconds first, or one of `@yearly`, `@monthly`, `@weekly`,
    /// `@daily` and `@hourly`, to be read in the time zone of an IANA name.
    ///
    /// Where both a day of the month and a day of the week are named, either is enough.
    ///
    /// # Errors
    ///
    /// [`InvalidSchedule`] if there is no such expression or time zone, or if it never fires.
    pub fn new(expression: &str, timezone: &str) -> Result<Self, InvalidSchedule> {
        let zone = TimeZone::get(timezone)
            .map_err(|_| InvalidSchedule::Timezone { name: timezone.chars().take(80).collect() })?;
        Ok(Self { expression: Expression::read(expression)?, zone })
    }

    /// Returns the first time after `time`; `None` if there is none that a calendar can write down.
    pub fn next_after(&self, time: Timestamp) -> Option<Timestamp> {
        if self.expression.is_interval() { self.next_of_interval(time) } else { self.next_point(time) }
    }

    /// Returns the last time that is after `after` and not after `until`, if there is one.
    pub fn last_within(&self, after: Timestamp, until: Timestamp) -> Option<Timestamp> {
        // Halving looks at every time at most once more than the span has bits.
        let next = |time: Timestamp| self.next_after(time).filter(|next| *next <= until);
        let mut last = next(after)?;
        let mut end = until;
        while last < end {
            let half = end.duration_since(last) / 2;
            let middle = last.checked_add(half).ok()?;
            match next(middle) {
                Some(found) => last = found,
                None if middle == last => break,
                None => end = middle,
            }
        }
        Some(last)
    }

    /// Returns the times at which a run is to begin now, oldest first: those since `next`, which is the first that did
    /// not fire yet.
    ///
    /// A time that is at most [`PUNCTUAL`] ago was not missed. Of several the last alone fires, unless each is to be
    /// made up for; then it is the last [`MADE_UP_MAX`].
    pub fn due(&self, next: Timestamp, now: Timestamp, missed: MissedFires) -> Vec<Timestamp> {
        if next > now {
            return Vec::new();
        }
        let before = next - SignedDuration::from_nanos(1);
        let Some(last) = self.last_within(before, now) else {
            return Vec::new();
        };
        match missed {
            MissedFires::Skip if now.duration_since(last) > PUNCTUAL => Vec::new(),
            MissedFires::Skip | MissedFires::Once => vec![last],
            MissedFires::All => self.last_times(before, last),
        }
    }

    /// Returns the last times after `before`, the last of which is known, oldest first.
    fn last_times(&self, before: Timestamp, last: Timestamp) -> Vec<Timestamp> {
        let earlier = |time: &Timestamp| self.last_within(before, *time - SignedDuration::from_nanos(1));
        let mut times: Vec<_> = std::iter::successors(Some(last), earlier).take(MADE_UP_MAX).collect();
        times.reverse();
        times
    }

    /// Looks through spans in which the clock runs evenly, one after the other.
    fn next_of_interval(&self, time: Timestamp) -> Option<Timestamp> {
        let mut shown = self.expression.after(self.zone.to_datetime(time))?;
        let mut offset = self.zone.to_offset(time);
        for change in self.zone.following(time) {
            let found = offset.to_timestamp(shown).ok()?;
            if found < change.timestamp() {
                return Some(found);
            }
            offset = change.offset();
            shown = self.expression.from(offset.to_datetime(change.timestamp()))?;
        }
        offset.to_timestamp(shown).ok()
    }

    /// Looks through the points on the wall's clock. Their moments come in the same order.
    fn next_point(&self, time: Timestamp) -> Option<Timestamp> {
        let mut shown = self.zone.to_datetime(time);
        loop {
            shown = self.expression.after(shown)?;
            let moment = self.moment(shown)?;
            if moment > time {
                return Some(moment);
            }
        }
    }

    /// Returns the moment at which what the clock shows for the first time is `shown` or later.
    fn moment(&self, shown: DateTime) -> Option<Timestamp> {
        let at = |offset: Offset| offset.to_timestamp(shown).ok();
        match self.zone.to_ambiguous_timestamp(shown).offset() {
            AmbiguousOffset::Unambiguous { offset } => at(offset),
            AmbiguousOffset::Fold { before, .. } => at(before),
            AmbiguousOffset::Gap { before, .. } => {
                let within = at(before)?.checked_add(SignedDuration::from_secs(1)).ok()?;
                self.zone.preceding(within).next().map(|change| change.timestamp())
            }
        }
    }
}

#[cfg(test)]
mod tests;
