//! Machines from what the Linux kernel has: namespaces, control groups, seccomp, Landlock. Nothing to install.

use std::collections::HashMap;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use roost_domain::gate::Permit;
use roost_domain::id::{AgentId, SnapshotId};
use roost_domain::machine::{Condition, Layer, Stats};
use roost_domain::snapshot::{Comparison, Transfer};
use roost_ports::machine::{Connections, Error, Hold, Machine, Machines, Spec};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::egress::Counted;
use crate::permitted::{self, Act};
use crate::shelf::Shelf;

mod cgroup;
mod layers;
mod live;
mod machine;
mod slot;
mod start;
mod workspace;

use cgroup::Cgroups;
use machine::KernelMachine;
use slot::Slot;
use workspace::Workspaces;

/// The users that machines run as unless told otherwise: above those of people, services and container tools.
const UIDS: std::ops::Range<u32> = 1_900_000_000..2_100_000_000;

/// How machines are made.
pub struct KernelOptions {
    /// The directory of all workspaces, made if there is none. One server at a time can use it.
    pub root: PathBuf,
    /// The binary that is started inside: one whose `main` hands over to [`crate::hands::main`]. `None` is this
    /// process's own.
    pub exe: Option<PathBuf>,
    /// The host's user ids that machines may run as, one each; `None` is 1,900,000,000 to 2,099,999,999. A server
    /// that is not root runs machines as its own user.
    pub uids: Option<std::ops::Range<u32>>,
    /// A directory of the control groups' version 2 that belongs to this server. `None` looks for the best there
    /// is below the server's own group.
    pub cgroup_parent: Option<PathBuf>,
    /// Is told of connections that machines' processes try to make.
    pub connections: Arc<dyn Connections>,
}

/// Why no machines can be made here.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The directory of workspaces cannot be used.
    #[error("cannot use {} for workspaces", path.display())]
    Workspaces {
        /// The directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Another server uses the directory.
    #[error("{} is in use by another server", path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// The binary to start inside cannot be opened.
    #[error("cannot open {} to start it inside machines", path.display())]
    Program {
        /// The binary.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The host's control groups cannot be read or made.
    #[error("cannot use the host's control groups")]
    Cgroups {
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// What a server that died has left cannot be cleared away.
    #[error("cannot clear away the machines of a server that died")]
    Leftovers {
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// The driver. Machines end with it: by [`Machines::shutdown`], or with this process however it ends.
pub struct KernelMachines {
    slots: Mutex<HashMap<AgentId, Arc<Slot>>>,
    /// After the machines, as it waits for those that end by being dropped.
    host: Arc<Host>,
}

/// What all machines of a driver share.
struct Host {
    program: OwnedFd,
    workspaces: Workspaces,
    cgroups: Option<Cgroups>,
    connections: Arc<Counted>,
    tasks: TaskTracker,
    /// Set when what a dead server has left is gone.
    cleared: CancellationToken,
    /// What the last machine that started said of its walls.
    ready: Mutex<Option<crate::wire::Ready>>,
    /// Why the file rules of the last machine that has some could not be enforced.
    fences: Mutex<Option<String>>,
    /// Keeps other servers away from the workspaces.
    _lock: File,
}

impl KernelMachines {
    /// Opens the driver, and ends what machines a server that died has left here. To be called inside a tokio
    /// runtime, which serves the machines.
    ///
    /// # Errors
    ///
    /// [`OpenError`]; nothing is left behind but directories.
    pub fn new(options: KernelOptions) -> Result<Arc<Self>, OpenError> {
        let KernelOptions { root, exe, uids, cgroup_parent, connections } = options;
        let failed = |path: &PathBuf| {
            let path = path.clone();
            move |source| OpenError::Workspaces { path, source }
        };
        let Some(lock) = Workspaces::lock(&root).map_err(failed(&root))? else {
            return Err(OpenError::InUse { path: root });
        };
        let workspaces = Workspaces::open(&root, uids.unwrap_or(UIDS)).map_err(failed(&root))?;
        let exe = exe.unwrap_or_else(|| PathBuf::from("/proc/self/exe"));
        let program = File::open(&exe).map_err(|source| OpenError::Program { path: exe, source })?;
        let name = format!("roost-{:016x}", fingerprint(workspaces.root().as_os_str().as_encoded_bytes()));
        let cgroups = Cgroups::find(&name, cgroup_parent.as_deref());
        let cgroups = cgroups.map_err(|source| OpenError::Cgroups { source })?;
        let tasks = TaskTracker::new();
        let host = Arc::new(Host {
            program: program.into(),
            workspaces,
            cgroups,
            connections: Arc::new(Counted::new(connections)),
            tasks,
            cleared: CancellationToken::new(),
            ready: Mutex::new(None),
            fences: Mutex::new(None),
            _lock: lock,
        });
        host.clear_leftovers().map_err(|source| OpenError::Leftovers { source })?;
        Ok(Arc::new(Self { host, slots: Mutex::new(HashMap::new()) }))
    }

    fn slot(&self, agent: AgentId) -> Arc<Slot> {
        let mut slots = lock(&self.slots);
        Arc::clone(slots.entry(agent).or_insert_with(|| Arc::new(Slot::new(agent, Arc::clone(&self.host)))))
    }

    fn existing(&self, agent: AgentId) -> Option<Arc<Slot>> {
        lock(&self.slots).get(&agent).cloned()
    }

    /// Forgets a machine that is absent and that nobody asks for at this moment.
    fn forget(&self, agent: AgentId) {
        let mut slots = lock(&self.slots);
        // Others get hold of it only through the map, which is locked here.
        if slots.get(&agent).is_some_and(|slot| Arc::strong_count(slot) == 1 && slot.is_absent()) {
            slots.remove(&agent);
        }
    }
}

impl KernelMachines {
    /// Does something to its end, also when the caller goes away meanwhile.
    async fn whole<T: Send + 'static>(
        &self,
        act: &'static str,
        work: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error> {
        let done = self.host.tasks.spawn(work).await;
        done.unwrap_or_else(|error| Err(Error::Host { act, source: std::io::Error::other(error) }))
    }

    /// Works on saved workspaces, where waiting is allowed, when what a dead server has left is gone.
    async fn on_shelf<T: Send + 'static>(
        &self,
        act: &'static str,
        work: impl FnOnce(&Shelf) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let host = Arc::clone(&self.host);
        self.whole(act, async move {
            host.cleared.cancelled().await;
            let at = Arc::clone(&host);
            let done = host.tasks.spawn_blocking(move || work(at.workspaces.shelf())).await;
            done.unwrap_or_else(|error| Err(Error::Host { act, source: std::io::Error::other(error) }))
        })
        .await
    }
}

impl Host {
    /// Ends machines that a dead server has left, frozen ones too, with their groups, and half-removed workspaces.
    /// Goes on in the background; machines wait for it.
    fn clear_leftovers(self: &Arc<Self>) -> std::io::Result<()> {
        let cgroups = self.cgroups.clone();
        let names = cgroups.as_ref().map_or_else(|| Ok(Vec::new()), Cgroups::existing)?;
        let host = Arc::clone(self);
        self.tasks.spawn(async move {
            for (name, cgroups) in names.iter().zip(cgroups.iter().cycle()) {
                if let Err(error) = cgroups.group(name).remove().await {
                    tracing::warn!(machine = name, %error, "a dead server's machine cannot be ended");
                }
            }
            let workspaces = host.workspaces.clone();
            let swept = tokio::task::spawn_blocking(move || workspaces.sweep()).await;
            if let Err(error) = swept.unwrap_or_else(|error| Err(std::io::Error::other(error))) {
                tracing::warn!(%error, "a half-removed workspace cannot be removed");
            }
            host.cleared.cancel();
        });
        Ok(())
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // Without an orderly shutdown machines are still ending here; what is not gone soon, because it is frozen,
        // is cleared away by the next start.
        if let Some(cgroups) = &self.cgroups {
            cgroups.remove(Duration::from_secs(1));
        }
    }
}

#[async_trait]
impl Machines for KernelMachines {
    async fn open(&self, permit: &Permit, spec: &Spec) -> Result<Arc<dyn Machine>, Error> {
        permitted::check(permit, spec.agent, Act::Open)?;
        let slot = self.slot(spec.agent);
        let spec = spec.clone();
        // A task of its own, so that a caller who goes away leaves nothing half started.
        let opening = self.host.tasks.spawn({
            let slot = Arc::clone(&slot);
            async move { slot.open(&spec).await }
        });
        let live = opening.await.map_err(|error| Error::CannotStart { problem: error.to_string() })??;
        Ok(Arc::new(KernelMachine::new(slot, live)))
    }

    async fn freeze(&self, agent: AgentId) -> Result<(), Error> {
        match self.existing(agent) {
            Some(slot) => slot.freeze(true).await,
            None => Ok(()),
        }
    }

    async fn thaw(&self, agent: AgentId) -> Result<(), Error> {
        match self.existing(agent) {
            Some(slot) => slot.freeze(false).await,
            None => Ok(()),
        }
    }

    async fn stop(&self, agent: AgentId) -> Result<(), Error> {
        if let Some(slot) = self.existing(agent) {
            slot.stop().await?;
        }
        self.forget(agent);
        Ok(())
    }

    async fn destroy(&self, agent: AgentId) -> Result<(), Error> {
        let slot = self.slot(agent);
        let result = slot.destroy().await;
        drop(slot);
        self.forget(agent);
        self.host.connections.forget(agent);
        result
    }

    async fn stats(&self, agent: AgentId) -> Result<Option<Stats>, Error> {
        match self.existing(agent) {
            Some(slot) => slot.stats().await,
            None => Ok(None),
        }
    }

    fn condition(&self, agent: AgentId) -> Condition {
        self.existing(agent).map_or(Condition::Absent, |slot| slot.condition())
    }

    fn connections(&self, agent: AgentId) -> u64 {
        self.host.connections.of(agent)
    }

    fn idle(&self, idle: Duration) -> Vec<AgentId> {
        let slots: Vec<_> = lock(&self.slots).values().cloned().collect();
        slots.iter().filter(|slot| slot.is_idle(idle)).map(|slot| slot.agent()).collect()
    }

    async fn workspaces(&self) -> Result<Vec<AgentId>, Error> {
        let workspaces = self.host.workspaces.clone();
        let listed = tokio::task::spawn_blocking(move || workspaces.agents()).await;
        let listed = listed.unwrap_or_else(|error| Err(std::io::Error::other(error)));
        listed.map_err(|source| Error::Host { act: "list the workspaces", source })
    }

    async fn snapshot(&self, agent: AgentId, snapshot: SnapshotId) -> Result<(Transfer, Hold), Error> {
        let slot = self.slot(agent);
        let result = self.whole("save the workspace", async move { slot.snapshot(snapshot).await }).await;
        if self.condition(agent) == Condition::Absent {
            self.forget(agent);
        }
        result
    }

    async fn restore(&self, snapshot: SnapshotId, agent: AgentId) -> Result<Transfer, Error> {
        let slot = self.slot(agent);
        let result = self.whole("restore the workspace", async move { slot.restore(snapshot).await }).await;
        self.forget(agent);
        result
    }

    async fn adopt(&self, snapshot: SnapshotId, agent: AgentId) -> Result<(), Error> {
        let slot = self.slot(agent);
        let result = self.whole("restore the workspace", async move { slot.adopt(snapshot).await }).await;
        self.forget(agent);
        result
    }

    async fn delete_snapshot(&self, snapshot: SnapshotId) -> Result<(), Error> {
        self.on_shelf("remove the snapshot", move |shelf| shelf.remove(snapshot)).await
    }

    async fn compare(&self, before: SnapshotId, after: SnapshotId) -> Result<Comparison, Error> {
        self.on_shelf("compare the snapshots", move |shelf| shelf.compare(before, after)).await
    }

    fn layers(&self) -> Vec<Layer> {
        layers::layers(&self.host)
    }

    async fn shutdown(&self) {
        let slots: Vec<_> = lock(&self.slots).values().cloned().collect();
        let mut stopping = tokio::task::JoinSet::new();
        for slot in slots {
            stopping.spawn(async move { (slot.agent(), slot.stop().await) });
        }
        while let Some(stopped) = stopping.join_next().await {
            if let Ok((agent, Err(error))) = stopped {
                tracing::error!(%agent, %error, "a machine cannot be stopped");
            }
        }
        self.host.tasks.close();
        self.host.tasks.wait().await;
    }
}

/// FNV-1a: a name for a path, the same in every run.
fn fingerprint(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
