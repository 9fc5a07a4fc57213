//! The place of one agent's machine: absent, running or frozen, one change at a time.

use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use roost_domain::id::{AgentId, SnapshotId};
use roost_domain::machine::{Condition, Stats};
use roost_domain::snapshot::Transfer;
use roost_ports::machine::{Error, Hold, Spec};

use crate::fleet::Host;
use crate::live::Live;
use crate::lock;
use crate::workspace::Workspaces;

/// The place of one agent's machine.
pub(crate) struct Slot<H> {
    agent: AgentId,
    /// Held while the machine starts, stops, freezes or thaws.
    change: Arc<tokio::sync::Mutex<()>>,
    live: Mutex<Option<Arc<Live>>>,
    /// Last, as it waits for machines that end by being dropped.
    host: Arc<H>,
}

impl<H> Slot<H> {
    pub(crate) fn new(agent: AgentId, host: Arc<H>) -> Self {
        Self { agent, host, change: Arc::default(), live: Mutex::new(None) }
    }

    pub(crate) const fn agent(&self) -> AgentId {
        self.agent
    }

    /// Returns the machine if it is up.
    fn up(&self) -> Option<Arc<Live>> {
        lock(&self.live).clone().filter(|live| !live.is_gone())
    }

    pub(crate) fn is_absent(&self) -> bool {
        lock(&self.live).is_none()
    }
}

impl<H: Host> Slot<H> {
    pub(crate) fn condition(&self) -> Condition {
        match self.up() {
            None => Condition::Absent,
            Some(live) if live.is_frozen() => Condition::Frozen,
            Some(_) => Condition::Running,
        }
    }

    pub(crate) fn is_idle(&self, idle: Duration) -> bool {
        self.up().is_some_and(|live| !live.is_frozen() && live.activity().is_idle(idle))
    }

    /// Returns the machine, running as `spec` says. One that runs otherwise ends first.
    pub(crate) async fn open(self: &Arc<Self>, spec: &Spec) -> Result<Arc<Live>, Error> {
        if let Some(live) = self.up()
            && live.spec() == spec
            && !live.is_frozen()
        {
            live.activity().touch();
            return Ok(live);
        }
        let _change = self.change.lock().await;
        if let Some(live) = self.up()
            && live.spec() == spec
        {
            live.freeze(false).await?;
            live.activity().touch();
            return Ok(live);
        }
        self.end().await?;
        let live = Arc::new(self.host.start(spec).await?);
        *lock(&self.live) = Some(Arc::clone(&live));
        self.host.common().tasks.spawn(reap(Arc::downgrade(self), Arc::downgrade(&live), live.gone()));
        Ok(live)
    }

    /// Freezes the machine or lets it go on.
    pub(crate) async fn freeze(&self, freeze: bool) -> Result<(), Error> {
        let _change = self.change.lock().await;
        match self.up() {
            Some(live) => live.freeze(freeze).await,
            None => Ok(()),
        }
    }

    /// Ends the machine.
    pub(crate) async fn stop(&self) -> Result<(), Error> {
        let _change = self.change.lock().await;
        self.end().await
    }

    /// Ends the machine and removes its workspace.
    pub(crate) async fn destroy(&self) -> Result<(), Error> {
        let _change = self.change.lock().await;
        self.host.common().cleared.cancelled().await;
        self.end().await?;
        let failed = |source| Error::Host { act: "remove the workspace", source };
        self.on_disk(move |workspaces, agent| workspaces.destroy(agent).map_err(failed)).await
    }

    /// Saves the workspace while the machine stands still, which it does until the hold is dropped.
    pub(crate) async fn snapshot(self: &Arc<Self>, snapshot: SnapshotId) -> Result<(Transfer, Hold), Error> {
        let change = Arc::clone(&self.change).lock_owned().await;
        self.host.common().cleared.cancelled().await;
        let running = self.up().filter(|live| !live.is_frozen());
        if let Some(live) = &running {
            live.freeze(true).await?;
        }
        let slot = Arc::clone(self);
        // What is dropped on the way lets the machine go on, too.
        let hold = Hold::new(move || {
            let tasks = slot.host.common().tasks.clone();
            tasks.spawn(async move {
                let _change = change;
                if let Some(live) = running
                    && let Err(error) = live.freeze(false).await
                    && !live.is_gone()
                {
                    tracing::error!(agent = %slot.agent, %error, "a machine does not thaw after a snapshot");
                }
            });
        });
        let transfer = self.on_disk(move |workspaces, agent| workspaces.save(agent, snapshot)).await?;
        Ok((transfer, hold))
    }

    /// Ends the machine and makes the workspace what a snapshot holds.
    pub(crate) async fn restore(&self, snapshot: SnapshotId) -> Result<Transfer, Error> {
        let _change = self.change.lock().await;
        self.host.common().cleared.cancelled().await;
        self.end().await?;
        self.on_disk(move |workspaces, agent| workspaces.restore(snapshot, agent)).await
    }

    /// Ends the machine and makes a snapshot itself the workspace.
    pub(crate) async fn adopt(&self, snapshot: SnapshotId) -> Result<(), Error> {
        let _change = self.change.lock().await;
        self.host.common().cleared.cancelled().await;
        self.end().await?;
        self.on_disk(move |workspaces, agent| workspaces.adopt(snapshot, agent)).await
    }

    /// Works on the disk, where waiting is allowed.
    async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Workspaces, AgentId) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (host, agent) = (Arc::clone(&self.host), self.agent);
        let done =
            self.host.common().tasks.spawn_blocking(move || work(&host.common().workspaces, agent)).await;
        done.unwrap_or_else(|error| {
            Err(Error::Host { act: "work on the disk", source: std::io::Error::other(error) })
        })
    }

    /// Ends the machine if there is one, alive or not. The caller holds `change`.
    async fn end(&self) -> Result<(), Error> {
        let live = lock(&self.live).clone();
        if let Some(live) = live {
            live.end().await?;
            *lock(&self.live) = None;
        }
        Ok(())
    }

    pub(crate) async fn stats(&self) -> Result<Option<Stats>, Error> {
        match self.up() {
            None => Ok(None),
            Some(live) => match live.stats().await {
                Ok(stats) => Ok(Some(stats)),
                Err(_) if live.is_gone() => Ok(None),
                Err(error) => Err(error),
            },
        }
    }
}

/// Clears away a machine that ended by itself: its processes' remains and its groups.
async fn reap<H: Host>(slot: Weak<Slot<H>>, live: Weak<Live>, gone: impl Future<Output = ()>) {
    gone.await;
    let Some(slot) = slot.upgrade() else { return };
    let _change = slot.change.lock().await;
    let current = lock(&slot.live).clone();
    if let (Some(current), Some(live)) = (current, live.upgrade())
        && Arc::ptr_eq(&current, &live)
        && let Err(error) = slot.end().await
    {
        tracing::warn!(agent = %slot.agent, %error, "a machine that ended cannot be cleared away");
    }
}
