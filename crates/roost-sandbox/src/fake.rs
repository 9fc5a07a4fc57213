//! A stand-in for machines, where isolation is not the point.
//!
//! Files are real, in a temporary directory; commands are run by the host's own `sh`, with the host's rights and
//! no wall at all; file rules hold for file operations only. It needs no privileges and keeps the port's contract, so what works with it works with a real
//! driver; it is for tests only.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use roost_domain::gate::Permit;
use roost_domain::id::{AgentId, SnapshotId};
use roost_domain::machine::{Condition, Layer, Stats};
use roost_domain::snapshot::{Comparison, Transfer};
use roost_domain::unit::Bytes;
use roost_ports::machine::{Error, Hold, Machine, Machines, Spec};
use rustix::process::Signal;
use tokio_util::task::TaskTracker;

use crate::files::Files;
use crate::permitted::{self, Act};
use crate::shelf::Shelf;

mod exec;
mod machine;
mod marked;

use machine::FakeMachine;

/// The stand-in. Dropping it ends every command and removes every file.
pub struct FakeMachines {
    root: tempfile::TempDir,
    shelf: Shelf,
    /// Tells this instance's processes from all others on the host.
    name: String,
    live: Mutex<HashMap<AgentId, Arc<FakeMachine>>>,
    tasks: TaskTracker,
}

impl FakeMachines {
    /// Makes a stand-in with no machines. To be called inside a tokio runtime.
    ///
    /// # Errors
    ///
    /// If no temporary directory can be made.
    pub fn new() -> std::io::Result<Arc<Self>> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let name = format!("fake-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let root = tempfile::tempdir()?;
        Ok(Arc::new(Self {
            shelf: Shelf::open(root.path())?,
            root,
            name,
            live: Mutex::new(HashMap::new()),
            tasks: TaskTracker::new(),
        }))
    }

    fn live(&self) -> MutexGuard<'_, HashMap<AgentId, Arc<FakeMachine>>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn existing(&self, agent: AgentId) -> Option<Arc<FakeMachine>> {
        self.live().get(&agent).cloned()
    }

    fn path(&self, agent: AgentId) -> std::path::PathBuf {
        self.root.path().join(agent.uuid().to_string())
    }

    /// Works on saved workspaces, where waiting is allowed.
    async fn on_shelf<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Shelf) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let shelf = self.shelf.clone();
        let done = self.tasks.spawn_blocking(move || work(&shelf)).await;
        done.unwrap_or_else(|error| {
            Err(Error::Host { act: "use snapshots", source: std::io::Error::other(error) })
        })
    }

    fn start(&self, spec: &Spec) -> std::io::Result<Arc<FakeMachine>> {
        let path = self.path(spec.agent);
        match std::fs::create_dir(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let files = Files::open(&path)?.with(spec.files.clone())?;
        let mark = format!("{}-{}-", self.name, spec.agent.uuid().as_simple());
        Ok(Arc::new(FakeMachine::new(spec, path, files, mark, self.tasks.clone())))
    }
}

impl Drop for FakeMachines {
    fn drop(&mut self) {
        marked::kill(&self.name);
    }
}

#[async_trait]
impl Machines for FakeMachines {
    async fn open(&self, permit: &Permit, spec: &Spec) -> Result<Arc<dyn Machine>, Error> {
        permitted::check(permit, spec.agent, Act::Open)?;
        let mut live = self.live();
        let machine = match live.get(&spec.agent) {
            Some(machine) if machine.spec() == spec => Arc::clone(machine),
            other => {
                if let Some(other) = other {
                    other.end();
                }
                let started = self.start(spec);
                let machine = started.map_err(|error| Error::CannotStart { problem: error.to_string() })?;
                live.insert(spec.agent, Arc::clone(&machine));
                machine
            }
        };
        machine.thaw();
        machine.activity().touch();
        Ok(machine)
    }

    async fn freeze(&self, agent: AgentId) -> Result<(), Error> {
        if let Some(machine) = self.existing(agent) {
            machine.freeze();
        }
        Ok(())
    }

    async fn thaw(&self, agent: AgentId) -> Result<(), Error> {
        if let Some(machine) = self.existing(agent) {
            machine.thaw();
        }
        Ok(())
    }

    async fn stop(&self, agent: AgentId) -> Result<(), Error> {
        let machine = self.live().remove(&agent);
        if let Some(machine) = machine {
            machine.end();
        }
        Ok(())
    }

    async fn destroy(&self, agent: AgentId) -> Result<(), Error> {
        self.stop(agent).await?;
        crate::removal::remove(&self.path(agent))
            .map_err(|source| Error::Host { act: "remove the workspace", source })
    }

    async fn stats(&self, agent: AgentId) -> Result<Option<Stats>, Error> {
        Ok(self.existing(agent).map(|machine| machine.stats()))
    }

    fn condition(&self, agent: AgentId) -> Condition {
        match self.existing(agent) {
            None => Condition::Absent,
            Some(machine) if machine.is_frozen() => Condition::Frozen,
            Some(_) => Condition::Running,
        }
    }

    fn connections(&self, _: AgentId) -> u64 {
        0
    }

    fn idle(&self, idle: Duration) -> Vec<AgentId> {
        let live = self.live();
        let is_idle = |machine: &FakeMachine| !machine.is_frozen() && machine.activity().is_idle(idle);
        live.iter().filter(|(_, machine)| is_idle(machine)).map(|(agent, _)| *agent).collect()
    }

    async fn workspaces(&self) -> Result<Vec<AgentId>, Error> {
        let failed = |source| Error::Host { act: "list the workspaces", source };
        let mut agents = Vec::new();
        for entry in std::fs::read_dir(self.root.path()).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            agents.extend(name.to_str().and_then(|name| name.parse::<AgentId>().ok()));
        }
        Ok(agents)
    }

    async fn snapshot(&self, agent: AgentId, snapshot: SnapshotId) -> Result<(Transfer, Hold), Error> {
        let path = self.path(agent);
        let running = self.existing(agent).filter(|machine| !machine.is_frozen());
        let hold = match running {
            None => Hold::nothing(),
            Some(machine) => {
                machine.freeze();
                Hold::new(move || machine.thaw())
            }
        };
        let transfer = self.on_shelf(move |shelf| shelf.save(&path, snapshot, None)).await?;
        Ok((transfer, hold))
    }

    async fn restore(&self, snapshot: SnapshotId, agent: AgentId) -> Result<Transfer, Error> {
        self.stop(agent).await?;
        let path = self.path(agent);
        self.on_shelf(move |shelf| shelf.restore(snapshot, agent, &path, None)).await
    }

    async fn adopt(&self, snapshot: SnapshotId, agent: AgentId) -> Result<(), Error> {
        self.stop(agent).await?;
        let path = self.path(agent);
        self.on_shelf(move |shelf| shelf.adopt(snapshot, &path, None)).await
    }

    async fn delete_snapshot(&self, snapshot: SnapshotId) -> Result<(), Error> {
        self.on_shelf(move |shelf| shelf.remove(snapshot)).await
    }

    async fn compare(&self, before: SnapshotId, after: SnapshotId) -> Result<Comparison, Error> {
        self.on_shelf(move |shelf| shelf.compare(before, after)).await
    }

    fn layers(&self) -> Vec<Layer> {
        let names = [
            "namespaces",
            "network",
            "files",
            "seccomp",
            "landlock",
            "memory",
            "cpu",
            "processes",
            "freezer",
        ]
        .into_iter();
        let detail = "a stand-in for tests isolates nothing".to_owned();
        names.map(|name| Layer { name, holds: false, detail: detail.clone() }).collect()
    }

    async fn shutdown(&self) {
        let all = std::mem::take(&mut *self.live());
        all.into_values().for_each(|machine| machine.end());
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// What the marked processes hold, in bytes, and how many there are.
fn usage(mark: &str) -> (Bytes, u32) {
    let found = marked::find(mark);
    let pages: u64 = found.iter().filter_map(|pid| crate::hands::pages(*pid)).sum();
    let bytes = pages * rustix::param::page_size() as u64;
    (Bytes(bytes), u32::try_from(found.len()).unwrap_or(u32::MAX))
}

/// Sends a signal to every marked process, and to those started meanwhile.
fn signal_all(mark: &str, signal: Signal) {
    let mut reached = std::collections::HashSet::new();
    loop {
        let found: Vec<_> = marked::find(mark).into_iter().filter(|pid| reached.insert(*pid)).collect();
        if found.is_empty() {
            return;
        }
        found.into_iter().for_each(|pid| marked::signal(pid, signal));
    }
}
