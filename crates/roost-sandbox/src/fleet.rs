//! The machines of one driver: one place for each agent, and what is the same however machines are started.

use std::collections::HashMap;
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use roost_domain::gate::Permit;
use roost_domain::id::{AgentId, SnapshotId};
use roost_domain::machine::{Condition, Layer, Stats};
use roost_domain::snapshot::{Comparison, Transfer};
use roost_ports::machine::{Connections, Error, Hold, Machine, Machines, Spec};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::egress::{Counted, Door};
use crate::hands::fences;
use crate::live::Live;
use crate::lock;
use crate::permitted::{self, Act};
use crate::remote::Remote;
use crate::shelf::Shelf;
use crate::slot::Slot;
use crate::up::UpMachine;
use crate::wire::Ready;
use crate::workspace::{Workspace, Workspaces};

/// The users that machines run as unless told otherwise: above those of people, services and container tools.
const UIDS: Range<u32> = 1_900_000_000..2_100_000_000;
/// How long a start waits for what a dead server has left to be gone.
const CLEAR_DEADLINE: Duration = Duration::from_secs(60);

/// How many snapshots are compared with others at once: each takes a thread for as long as it takes to read both.
const COMPARISONS: usize = 2;

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
    /// The container engine does not do what it is asked.
    #[error("the container engine at {} cannot be used: {problem}", socket.display())]
    Engine {
        /// Where it listens.
        socket: PathBuf,
        /// What it said, and what would help.
        problem: String,
    },
}

/// What a driver adds: how its machines start, and which walls stand.
pub(crate) trait Host: Send + Sync + 'static {
    /// Returns what all drivers have.
    fn common(&self) -> &Common;

    /// Starts a machine. After an error nothing of it is left.
    fn start(self: &Arc<Self>, spec: &Spec) -> impl Future<Output = Result<Live, Error>> + Send;

    /// Returns the walls, with those that do not hold here.
    fn layers(&self) -> Vec<Layer>;
}

/// What every driver has.
pub(crate) struct Common {
    pub(crate) workspaces: Workspaces,
    pub(crate) connections: Arc<Counted>,
    pub(crate) tasks: TaskTracker,
    /// Comparisons of snapshots wait here for one another.
    comparing: Arc<Semaphore>,
    /// Set when what a dead server has left is gone.
    pub(crate) cleared: CancellationToken,
    /// What the last machine that started said of its walls.
    pub(crate) ready: Mutex<Option<Ready>>,
    /// Why the file rules of the last machine that has some could not be enforced.
    pub(crate) fences: Mutex<Option<String>>,
    /// Keeps other servers away from the workspaces.
    _lock: File,
}

impl Common {
    /// Takes a directory for workspaces.
    pub(crate) fn open(
        root: PathBuf,
        uids: Option<Range<u32>>,
        connections: Arc<dyn Connections>,
    ) -> Result<Self, OpenError> {
        let failed = |source| OpenError::Workspaces { path: root.clone(), source };
        let Some(lock) = Workspaces::lock(&root).map_err(failed)? else {
            return Err(OpenError::InUse { path: root });
        };
        let workspaces = Workspaces::open(&root, uids.unwrap_or(UIDS)).map_err(failed)?;
        Ok(Self {
            workspaces,
            connections: Arc::new(Counted::new(connections)),
            tasks: TaskTracker::new(),
            comparing: Arc::new(Semaphore::new(COMPARISONS)),
            cleared: CancellationToken::new(),
            ready: Mutex::new(None),
            fences: Mutex::new(None),
            _lock: lock,
        })
    }

    /// Returns a name for this server's machines: the same in every run, another for every directory.
    pub(crate) fn name(&self) -> String {
        format!("roost-{:016x}", fingerprint(self.workspaces.root()))
    }

    /// Waits until what a dead server has left is gone.
    pub(crate) async fn wait_until_cleared(&self) -> Result<(), Error> {
        let cleared = tokio::time::timeout(CLEAR_DEADLINE, self.cleared.cancelled()).await;
        cleared.map_err(|_| Error::CannotStart {
            problem: "what a dead server has left is still being cleared away".to_owned(),
        })
    }

    /// Makes the agent's workspace ready.
    pub(crate) async fn prepare(&self, agent: AgentId) -> Result<Workspace, Error> {
        let workspaces = self.workspaces.clone();
        let prepared = self.tasks.spawn_blocking(move || workspaces.prepare(agent)).await;
        prepared
            .unwrap_or_else(|error| Err(std::io::Error::other(error)))
            .map_err(|error| Error::CannotStart { problem: format!("prepare its workspace: {error}") })
    }

    /// Takes note of whether a machine's file rules could be enforced, by the problem that kept it from starting.
    pub(crate) fn note_fences(&self, spec: &Spec, problem: Option<&str>) {
        if !spec.files.is_unrestricted() {
            let problem = problem.filter(|problem| problem.starts_with(fences::PROBLEM));
            *lock(&self.fences) = problem.map(str::to_owned);
        }
    }

    /// Removes what removals of workspaces that were cut off have left.
    pub(crate) async fn sweep(&self) {
        let workspaces = self.workspaces.clone();
        let swept = tokio::task::spawn_blocking(move || workspaces.sweep()).await;
        if let Err(error) = swept.unwrap_or_else(|error| Err(std::io::Error::other(error))) {
            tracing::warn!(%error, "a half-removed workspace cannot be removed");
        }
    }

    /// Serves a machine's way out until the machine ends.
    pub(crate) fn open_door(&self, spec: &Spec, listener: tokio::net::TcpListener, remote: &Remote) {
        let door = Door::new(spec, Arc::clone(&self.connections) as _);
        let (tasks, remote) = (self.tasks.clone(), remote.clone());
        self.tasks.spawn(async move {
            tokio::select! {
                () = door.serve(listener, &tasks, &remote) => {}
                () = remote.closed() => {}
            }
        });
    }
}

/// The machines of one driver. They end with it: by [`Machines::shutdown`], or with this process however it ends.
pub struct Fleet<H> {
    slots: Mutex<HashMap<AgentId, Arc<Slot<H>>>>,
    /// After the machines, as it waits for those that end by being dropped.
    host: Arc<H>,
}

impl<H> Fleet<H> {
    pub(crate) fn of(host: Arc<H>) -> Arc<Self> {
        Arc::new(Self { host, slots: Mutex::new(HashMap::new()) })
    }

    fn slot(&self, agent: AgentId) -> Arc<Slot<H>> {
        let mut slots = lock(&self.slots);
        Arc::clone(slots.entry(agent).or_insert_with(|| Arc::new(Slot::new(agent, Arc::clone(&self.host)))))
    }

    fn existing(&self, agent: AgentId) -> Option<Arc<Slot<H>>> {
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

#[expect(private_bounds, reason = "all drivers are this crate's, and so is what these methods are for")]
impl<H: Host> Fleet<H> {
    /// Does something to its end, also when the caller goes away meanwhile.
    async fn whole<T: Send + 'static>(
        &self,
        act: &'static str,
        work: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error> {
        let done = self.host.common().tasks.spawn(work).await;
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
            host.common().cleared.cancelled().await;
            let at = Arc::clone(&host);
            let done = host.common().tasks.spawn_blocking(move || work(at.common().workspaces.shelf())).await;
            done.unwrap_or_else(|error| Err(Error::Host { act, source: std::io::Error::other(error) }))
        })
        .await
    }
}

#[async_trait]
impl<H: Host> Machines for Fleet<H> {
    async fn open(&self, permit: &Permit, spec: &Spec) -> Result<Arc<dyn Machine>, Error> {
        permitted::check(permit, spec.agent, Act::Open)?;
        let slot = self.slot(spec.agent);
        let spec = spec.clone();
        // A task of its own, so that a caller who goes away leaves nothing half started.
        let opening = self.host.common().tasks.spawn({
            let slot = Arc::clone(&slot);
            async move { slot.open(&spec).await }
        });
        let live = opening.await.map_err(|error| Error::CannotStart { problem: error.to_string() })??;
        Ok(Arc::new(UpMachine::new(slot, live)))
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
        self.host.common().connections.forget(agent);
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
        self.host.common().connections.of(agent)
    }

    fn idle(&self, idle: Duration) -> Vec<AgentId> {
        let slots: Vec<_> = lock(&self.slots).values().cloned().collect();
        slots.iter().filter(|slot| slot.is_idle(idle)).map(|slot| slot.agent()).collect()
    }

    async fn workspaces(&self) -> Result<Vec<AgentId>, Error> {
        let workspaces = self.host.common().workspaces.clone();
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
        let act = "compare the snapshots";
        let place = Arc::clone(&self.host.common().comparing).acquire_owned().await;
        let place = place.map_err(|error| Error::Host { act, source: std::io::Error::other(error) })?;
        // Held by the work, which goes on when its caller has gone.
        let compare = move |shelf: &Shelf| {
            let _place = place;
            shelf.compare(before, after)
        };
        self.on_shelf(act, compare).await
    }

    fn layers(&self) -> Vec<Layer> {
        self.host.layers()
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
        self.host.common().tasks.close();
        self.host.common().tasks.wait().await;
    }
}

/// FNV-1a: a name for a path, the same in every run.
fn fingerprint(path: &Path) -> u64 {
    path.as_os_str()
        .as_encoded_bytes()
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
