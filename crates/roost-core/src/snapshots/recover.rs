use std::time::Duration;

use roost_domain::id::SnapshotId;
use roost_domain::page::Limit;
use roost_ports::store::{Reader, Restoration, RestorationKind, SnapshotStatus, Writer};

use super::Snapshots;
use crate::Error;

/// How many intents are looked after at a time.
const BATCH: Limit = Limit::clamped(1_000, 1_000);

/// What is being made is left alone for so long while the server runs: its caller may be gone while the driver is
/// still at it.
const GRACE: Duration = Duration::from_secs(60 * 60);

impl Snapshots<'_> {
    /// Ends what was begun and never ended, because the server died or a caller went away: restorations are made to
    /// their end, forks are removed. Returns how many.
    ///
    /// # Errors
    ///
    /// `Internal` if the store fails. A restoration that the host cannot make is given up, which is logged.
    pub async fn recover(&self) -> Result<usize, Error> {
        let mut ended = 0;
        for intent in self.left(RestorationKind::Fork).await? {
            if let Some(_doing) = self.0.under_way.begin(intent.agent.uuid().as_u128()) {
                self.0.abandon(intent.agent).await;
                ended += 1;
            }
        }
        for intent in self.left(RestorationKind::Restore).await? {
            if let Some(_doing) = self.0.under_way.begin(intent.agent.uuid().as_u128()) {
                self.make_good(intent).await?;
                ended += 1;
            }
        }
        Ok(ended)
    }

    async fn left(&self, kind: RestorationKind) -> Result<Vec<Restoration>, Error> {
        let read = move |reader: &dyn Reader| Ok::<_, Error>(reader.restorations(kind, BATCH)?);
        self.0.ports.store.read(read).await
    }

    async fn make_good(&self, intent: Restoration) -> Result<(), Error> {
        let read = move |reader: &dyn Reader| {
            let Some(agent) = reader.agent_of_any_account(intent.agent)? else { return Ok(None) };
            Ok::<_, Error>(reader.snapshot(agent.account, agent.id, intent.snapshot)?)
        };
        match self.0.ports.store.read(read).await? {
            Some(snapshot) => {
                if let Err(error) = self.0.carry_out(snapshot).await {
                    tracing::error!(agent = %intent.agent, %error, "a snapshot cannot be restored; given up");
                }
                Ok(())
            }
            None => {
                let forget = move |writer: &mut dyn Writer| Ok(writer.delete_restoration(intent.agent)?);
                self.0.ports.store.write::<_, Error>(forget).await
            }
        }
    }

    /// Removes snapshots that were being made or removed when somebody went away. Returns how many. At the start of
    /// the server nobody can still be at it.
    ///
    /// # Errors
    ///
    /// `Internal` if the store fails. What the host will not remove is logged, and tried again the next time.
    pub async fn remove_leftovers(&self, when: Moment) -> Result<usize, Error> {
        let read = move |reader: &dyn Reader| Ok::<_, Error>(reader.half_snapshots(BATCH)?);
        let half = self.0.ports.store.read(read).await?;
        let mut removed = 0;
        for (id, status) in half {
            let left = when == Moment::Start || status == SnapshotStatus::Going || self.is_old(id);
            if left && !self.0.under_way.has(id.uuid().as_u128()) {
                self.0.discard(id).await;
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// Tells by a snapshot's id, which holds when it was begun, whether nobody can still be at it.
    fn is_old(&self, id: SnapshotId) -> bool {
        let Some(begun) = id.uuid().get_timestamp() else { return true };
        let now = u64::try_from(self.0.now().as_second()).unwrap_or(0);
        now.saturating_sub(begun.to_unix().0) > GRACE.as_secs()
    }
}

/// When it is looked for what was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// At the start of the server: whoever was at it is dead.
    Start,
    /// While it runs.
    Later,
}
