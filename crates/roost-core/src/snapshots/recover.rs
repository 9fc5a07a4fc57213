use std::time::Duration;

use roost_domain::id::SnapshotId;
use roost_domain::page::Limit;
use roost_ports::store::{Reader, Restoration, RestorationKind, Writer};

use super::Snapshots;
use crate::Error;

/// How many intents are looked after at a time.
const BATCH: Limit = Limit::clamped(1_000, 1_000);

/// Files that no row knows are left alone for so long while the server runs: their row may be on its way.
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
            if let Some(_doing) = self.0.under_way.begin(intent.agent.uuid()) {
                self.0.abandon(intent.agent, None).await;
                ended += 1;
            }
        }
        for intent in self.left(RestorationKind::Restore).await? {
            if let Some(_doing) = self.0.under_way.begin(intent.agent.uuid()) {
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

    /// Removes files of snapshots that no row knows: of those that were never written down, and of those that were
    /// deleted while the host refused. Returns how many. At the start of the server, `at_start`, nobody can be
    /// about to write any down.
    ///
    /// # Errors
    ///
    /// `Internal` if the store or the host fails.
    pub async fn remove_leftovers(&self, at_start: bool) -> Result<usize, Error> {
        let mut removed = 0;
        for id in self.0.ports.machines.snapshots().await? {
            if self.0.under_way.has(id.uuid()) || !(at_start || self.is_old(id)) {
                continue;
            }
            let known = move |reader: &dyn Reader| Ok::<_, Error>(reader.snapshot_listed(id)?.is_some());
            if !self.0.ports.store.read(known).await? {
                self.0.ports.machines.delete_snapshot(id).await?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// Tells by a snapshot's id, which holds when it was made, whether nobody can be about to write it down.
    fn is_old(&self, id: SnapshotId) -> bool {
        let Some(made) = id.uuid().get_timestamp() else { return true };
        let now = u64::try_from(self.0.now().as_second()).unwrap_or(0);
        now.saturating_sub(made.to_unix().0) > GRACE.as_secs()
    }
}
