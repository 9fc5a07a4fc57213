//! Calls whose end nobody writes: their callers went away, or the server died.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use roost_domain::id::ModelCallId;
use roost_domain::page::Limit;
use roost_domain::unit::MicroUsd;
use roost_ports::store::Writer;

use super::ModelCalls;
use super::settle::settle_unanswered;
use crate::Error;

/// The calls that this process has begun and not settled. A call that is in the database and not here was begun by a
/// process that died.
#[derive(Default)]
pub(crate) struct Live(Mutex<HashMap<ModelCallId, Option<MicroUsd>>>);

impl Live {
    /// Remembers a call that is being made.
    pub(crate) fn begin(&self, id: ModelCallId) {
        self.lock().insert(id, None);
    }

    /// Remembers what a call may have cost that nobody listens to any more.
    pub(crate) fn abandon(&self, id: ModelCallId, cost: MicroUsd) {
        self.lock().insert(id, Some(cost));
    }

    /// Forgets a call that is settled.
    pub(crate) fn end(&self, id: ModelCallId) {
        self.lock().remove(&id);
    }

    /// Tells whether a call is being made, or what it may have cost; `None` of a call of another process.
    fn of(&self, id: ModelCallId) -> Option<Option<MicroUsd>> {
        self.lock().get(&id).copied()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<ModelCallId, Option<MicroUsd>>> {
        // A plain map that no panic leaves half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ModelCalls<'_> {
    /// Settles calls whose end nobody writes: with what they may have cost where that is known, and with all that was
    /// reserved where it is not. Returns how many there were.
    ///
    /// # Errors
    ///
    /// `Internal` if the store fails.
    pub async fn settle_abandoned(&self) -> Result<u64, Error> {
        const BATCH: Limit = Limit::clamped(500, 500);
        let (core, now) = (self.0.clone(), self.0.now());
        let open = self
            .0
            .ports
            .store
            .read(move |reader| Ok::<_, Error>(reader.open_model_calls(now, BATCH)?))
            .await?;
        let open: Vec<_> =
            open.into_iter().filter(|call| core.live_calls.of(call.id) != Some(None)).collect();
        if open.is_empty() {
            return Ok(0);
        }
        let count = open.len() as u64;
        let settle = move |writer: &mut dyn Writer| {
            for call in &open {
                if writer.delete_model_call(call.id)? {
                    let cost = core.live_calls.of(call.id).flatten().unwrap_or(call.reserved);
                    settle_unanswered(writer, call, cost, now)?;
                }
            }
            Ok::<_, Error>(open)
        };
        for call in self.0.ports.store.write(settle).await? {
            self.0.live_calls.end(call.id);
        }
        Ok(count)
    }
}
