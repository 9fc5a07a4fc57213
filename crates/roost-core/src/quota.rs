//! How much keys have used of what their plan limits, in the last 24 hours.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use roost_domain::id::KeyId;
use roost_domain::plan::Metered;
use roost_ports::store::Writer;

use crate::{Core, Ctx, Error, Kind, Principal};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The times of uses that still count, by key, oldest first, in microseconds. What a dead process counted is read
/// back when a key first asks.
#[derive(Default)]
pub(crate) struct Quotas(Mutex<HashMap<(KeyId, Metered), VecDeque<i64>>>);

/// A use that was counted in memory and is to be written down with what it was for.
#[must_use]
pub(crate) struct Counted {
    key: Option<KeyId>,
    what: Metered,
}

impl Counted {
    /// Writes the use down.
    pub(crate) fn write(&self, writer: &mut dyn Writer, ctx: &Ctx) -> Result<(), Error> {
        match self.key {
            Some(key) => Ok(writer.meter(key, self.what, ctx.now)?),
            None => Ok(()),
        }
    }
}

impl Core {
    /// Counts a use. The server's owner and plans without a limit are not counted.
    ///
    /// # Errors
    ///
    /// `RateLimited` with when the oldest use stops counting.
    pub(crate) async fn count(&self, ctx: &Ctx, what: Metered) -> Result<Counted, Error> {
        let Principal::Key(key) = &ctx.principal else { return Ok(Counted { key: None, what }) };
        let Some(limit) = self.plan_of(ctx).await?.allowance.of(what) else {
            return Ok(Counted { key: None, what });
        };
        let key = key.id;
        let since = ctx.now - DAY;
        if !self.quotas.knows(key, what) {
            let read = move |reader: &dyn roost_ports::store::Reader| {
                Ok::<_, Error>(reader.metered_since(key, what, since)?)
            };
            let seen = self.ports.store.read(read).await?;
            self.quotas.learn(key, what, seen.into_iter().map(jiff::Timestamp::as_microsecond).collect());
        }
        match self.quotas.take(key, what, ctx.now.as_microsecond(), limit) {
            Ok(()) => Ok(Counted { key: Some(key), what }),
            Err(wait) => {
                let message = format!(
                    "this key has used its {limit} {}s of any 24 hours; the header Retry-After says when the next \
                     one is possible",
                    what.name()
                );
                Err(Error::new(Kind::RateLimited, "rate_limit_exceeded", message).retry_after(wait))
            }
        }
    }
}

impl Quotas {
    fn knows(&self, key: KeyId, what: Metered) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&(key, what))
    }

    fn learn(&self, key: KeyId, what: Metered, seen: VecDeque<i64>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry((key, what)).or_insert(seen);
    }

    /// Counts one more, or says how long until one would be possible.
    fn take(&self, key: KeyId, what: Metered, now: i64, limit: u64) -> Result<(), Duration> {
        let span = i64::try_from(DAY.as_micros()).unwrap_or(i64::MAX);
        let mut quotas = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let uses = quotas.entry((key, what)).or_default();
        while uses.front().is_some_and(|oldest| oldest.saturating_add(span) <= now) {
            uses.pop_front();
        }
        if uses.len() as u64 >= limit {
            let free = uses.front().map_or(now, |oldest| oldest.saturating_add(span));
            return Err(Duration::from_micros(u64::try_from(free - now).unwrap_or(0)));
        }
        uses.push_back(now);
        Ok(())
    }
}
