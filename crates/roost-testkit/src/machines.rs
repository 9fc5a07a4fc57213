use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use roost_domain::gate::Permit;
use roost_domain::id::{AgentId, SnapshotId};
use roost_domain::machine::{Condition, Layer, Stats};
use roost_domain::snapshot::{Change, Comparison, FileChange, Method, Transfer};
use roost_domain::unit::Bytes;
use roost_ports::machine::{
    Command, Entry, Error, Exit, ExitStatus, FilePart, Hold, Machine, Machines, Match, Output, Spec,
};
use tokio::sync::Semaphore;

/// Machines that only remember what was asked of them. What real machines do is the business of the sandbox's own
/// tests.
///
/// A command's output is the command itself; `hang` never ends; `exit N` ends with the code N. A command that ends
/// with the name of a file that was written does what the file says instead; such a `hang` ends with its machine. Every
/// machine that is up counts as idle for as long as [`TestMachines::idle_for`] says.
#[derive(Default)]
pub struct TestMachines {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    conditions: HashMap<AgentId, Condition>,
    connections: HashMap<AgentId, u64>,
    files: HashMap<String, Vec<u8>>,
    commands: Vec<String>,
    idle_for: Duration,
    workspaces: HashSet<AgentId>,
    written: HashMap<(AgentId, String), String>,
    opened: Vec<Spec>,
    broken: bool,
    bare: bool,
    stuck: bool,
    full: bool,
    held_up: Option<Arc<Semaphore>>,
    removal_held_up: Option<Arc<Semaphore>>,
    snapshots: HashMap<SnapshotId, HashMap<String, String>>,
}

impl TestMachines {
    /// Puts a file into every workspace.
    pub fn put(&self, path: &str, content: &str) {
        self.with(|inner| inner.files.insert(path.to_owned(), content.as_bytes().to_vec()));
    }

    fn with<T>(&self, look: impl FnOnce(&mut Inner) -> T) -> T {
        look(&mut self.inner.lock().expect("no panic in here"))
    }

    /// Returns the commands that were run, in order.
    pub fn commands(&self) -> Vec<String> {
        self.with(|inner| inner.commands.clone())
    }

    /// Returns how machines were to be, in the order in which they were opened.
    pub fn opened(&self) -> Vec<Spec> {
        self.with(|inner| inner.opened.clone())
    }

    /// Returns the agents that have a workspace.
    pub fn kept(&self) -> HashSet<AgentId> {
        self.with(|inner| inner.workspaces.clone())
    }

    /// Returns the paths that were written in an agent's machine, sorted.
    pub fn files_of(&self, agent: AgentId) -> Vec<String> {
        let mut paths: Vec<String> = self.with(|inner| {
            let own = inner.written.keys().filter(|(of, _)| *of == agent);
            own.map(|(_, path)| path.clone()).collect()
        });
        paths.sort();
        paths
    }

    /// Says how long every machine has been idle.
    pub fn idle_for(&self, idle: Duration) {
        self.with(|inner| inner.idle_for = idle);
    }

    /// Says whether workspaces can be removed.
    pub fn stick(&self, stuck: bool) {
        self.with(|inner| inner.stuck = stuck);
    }

    /// From now on the walls around the machines do not hold.
    pub fn lay_bare(&self) {
        self.with(|inner| inner.bare = true);
    }

    /// Says whether the disk is full, so that no workspace can be copied.
    pub fn fill_up(&self, full: bool) {
        self.with(|inner| inner.full = full);
    }

    /// From now on saving and restoring waits for a permit of the semaphore that is returned.
    pub fn hold_up(&self) -> Arc<Semaphore> {
        let gate = Arc::new(Semaphore::new(0));
        self.with(|inner| inner.held_up = Some(Arc::clone(&gate)));
        gate
    }

    /// From now on removing a workspace waits for a permit of the semaphore that is returned.
    pub fn hold_up_removal(&self) -> Arc<Semaphore> {
        let gate = Arc::new(Semaphore::new(0));
        self.with(|inner| inner.removal_held_up = Some(Arc::clone(&gate)));
        gate
    }

    /// Returns what stands in a file that was written in an agent's machine.
    pub fn written(&self, agent: AgentId, path: &str) -> Option<String> {
        self.with(|inner| inner.written.get(&(agent, path.to_owned())).cloned())
    }

    /// Writes a file into an agent's workspace.
    pub fn write_into(&self, agent: AgentId, path: &str, content: &str) {
        self.with(|inner| {
            inner.workspaces.insert(agent);
            inner.written.insert((agent, path.to_owned()), content.to_owned())
        });
    }

    /// Returns how many snapshots there are.
    pub fn snapshot_count(&self) -> usize {
        self.with(|inner| inner.snapshots.len())
    }

    /// Waits while copies are held up, then says whether one fits on the disk.
    async fn copying(&self) -> Result<(), Error> {
        if let Some(gate) = self.with(|inner| inner.held_up.clone()) {
            gate.acquire().await.expect("is never closed").forget();
        }
        match self.with(|inner| inner.full) {
            true => Err(Error::NoSpace { path: "the test says so".to_owned() }),
            false => Ok(()),
        }
    }

    /// From now on no machine starts.
    pub fn break_down(&self) {
        self.with(|inner| inner.broken = true);
    }
}

#[async_trait]
impl Machines for TestMachines {
    async fn open(&self, permit: &Permit, spec: &Spec) -> Result<Arc<dyn Machine>, Error> {
        assert_eq!(permit.agent(), spec.agent, "the gate's leave is for another agent");
        self.with(|inner| {
            if inner.broken {
                return Err(Error::CannotStart { problem: "the test says so".to_owned() });
            }
            inner.conditions.insert(spec.agent, Condition::Running);
            inner.workspaces.insert(spec.agent);
            inner.opened.push(spec.clone());
            Ok(())
        })?;
        Ok(Arc::new(TestMachine { inner: Arc::clone(&self.inner), agent: spec.agent }))
    }

    async fn freeze(&self, agent: AgentId) -> Result<(), Error> {
        self.with(|inner| {
            if let Some(condition) = inner.conditions.get_mut(&agent) {
                *condition = Condition::Frozen;
            }
        });
        Ok(())
    }

    async fn thaw(&self, agent: AgentId) -> Result<(), Error> {
        self.with(|inner| {
            if let Some(condition) = inner.conditions.get_mut(&agent) {
                *condition = Condition::Running;
            }
        });
        Ok(())
    }

    async fn stop(&self, agent: AgentId) -> Result<(), Error> {
        self.with(|inner| inner.conditions.remove(&agent));
        Ok(())
    }

    async fn destroy(&self, agent: AgentId) -> Result<(), Error> {
        if let Some(gate) = self.with(|inner| inner.removal_held_up.clone()) {
            gate.acquire().await.expect("is never closed").forget();
        }
        if self.with(|inner| inner.stuck) {
            let source = std::io::Error::other("the test says so");
            return Err(Error::Host { act: "remove the workspace", source });
        }
        self.with(|inner| {
            inner.workspaces.remove(&agent);
            inner.written.retain(|(of, _), _| *of != agent);
        });
        self.stop(agent).await
    }

    async fn stats(&self, agent: AgentId) -> Result<Option<Stats>, Error> {
        Ok((self.condition(agent) != Condition::Absent).then_some(Stats {
            memory: Bytes::mib(128),
            memory_limit: Bytes::gib(4),
            cpu: Duration::from_secs(3),
            cpu_share: 0.0235,
            processes: 2,
        }))
    }

    fn condition(&self, agent: AgentId) -> Condition {
        self.with(|inner| inner.conditions.get(&agent).copied().unwrap_or(Condition::Absent))
    }

    fn connections(&self, agent: AgentId) -> u64 {
        self.with(|inner| inner.connections.get(&agent).copied().unwrap_or(0))
    }

    fn idle(&self, idle: Duration) -> Vec<AgentId> {
        self.with(|inner| {
            let up = inner.conditions.iter().filter(|(_, condition)| **condition == Condition::Running);
            if inner.idle_for >= idle { up.map(|(agent, _)| *agent).collect() } else { Vec::new() }
        })
    }

    async fn workspaces(&self) -> Result<Vec<AgentId>, Error> {
        Ok(self.with(|inner| inner.workspaces.iter().copied().collect()))
    }

    async fn snapshot(&self, agent: AgentId, snapshot: SnapshotId) -> Result<(Transfer, Hold), Error> {
        self.copying().await?;
        let running = self.condition(agent) == Condition::Running;
        let transfer = self.with(|inner| {
            let files = inner.written.iter().filter(|((of, _), _)| *of == agent);
            let files: HashMap<_, _> =
                files.map(|((_, path), content)| (path.clone(), content.clone())).collect();
            let transfer = transfer(&files);
            inner.snapshots.insert(snapshot, files);
            transfer
        });
        if !running {
            return Ok((transfer, Hold::nothing()));
        }
        self.freeze(agent).await?;
        let inner = Arc::clone(&self.inner);
        let thaw = move || {
            let mut inner = inner.lock().expect("no panic in here");
            if let Some(condition) = inner.conditions.get_mut(&agent) {
                *condition = Condition::Running;
            }
        };
        Ok((transfer, Hold::new(thaw)))
    }

    async fn restore(&self, snapshot: SnapshotId, agent: AgentId) -> Result<Transfer, Error> {
        self.copying().await?;
        self.stop(agent).await?;
        self.with(|inner| {
            let files = inner.snapshots.get(&snapshot).cloned().ok_or(Error::NoSnapshot(snapshot))?;
            inner.written.retain(|(of, _), _| *of != agent);
            inner.workspaces.insert(agent);
            let transfer = transfer(&files);
            inner.written.extend(files.into_iter().map(|(path, content)| ((agent, path), content)));
            Ok(transfer)
        })
    }

    async fn adopt(&self, snapshot: SnapshotId, agent: AgentId) -> Result<(), Error> {
        self.restore(snapshot, agent).await?;
        self.delete_snapshot(snapshot).await
    }

    async fn delete_snapshot(&self, snapshot: SnapshotId) -> Result<(), Error> {
        self.with(|inner| inner.snapshots.remove(&snapshot));
        Ok(())
    }

    async fn compare(&self, before: SnapshotId, after: SnapshotId) -> Result<Comparison, Error> {
        self.with(|inner| {
            let files = |id| inner.snapshots.get(&id).ok_or(Error::NoSnapshot(id));
            let (before, after) = (files(before)?, files(after)?);
            let mut paths: Vec<_> = before.keys().chain(after.keys()).collect();
            paths.sort();
            paths.dedup();
            let changed = paths.into_iter().filter(|path| before.get(*path) != after.get(*path));
            let size = |content: Option<&String>| content.map(|content| Bytes(content.len() as u64));
            let change = |path: &String| FileChange {
                path: path.clone(),
                change: match (before.get(path), after.get(path)) {
                    (None, _) => Change::Added,
                    (_, None) => Change::Removed,
                    (Some(_), Some(_)) => Change::Changed,
                },
                before: size(before.get(path)),
                after: size(after.get(path)),
                diff: None,
            };
            let changes: Vec<_> = changed.map(change).collect();
            Ok(Comparison { total: changes.len() as u64, changes })
        })
    }

    fn layers(&self) -> Vec<Layer> {
        let holds = self.with(|inner| !inner.bare);
        vec![Layer { name: "namespaces", holds, detail: "a test double".to_owned() }]
    }

    async fn shutdown(&self) {
        self.with(|inner| inner.conditions.clear());
    }
}

fn transfer(files: &HashMap<String, String>) -> Transfer {
    let size = Bytes(files.values().map(|content| content.len() as u64).sum());
    let entries = files.len() as u64;
    Transfer {
        method: Method::Copy,
        size,
        copied: size,
        entries,
        left_out: 0,
        took: Duration::from_millis(3),
    }
}

struct TestMachine {
    agent: AgentId,
    inner: Arc<Mutex<Inner>>,
}

impl TestMachine {
    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().expect("no panic in here")
    }

    /// Returns the content of the file that a command runs, if it runs one.
    fn program(&self, line: &str) -> Option<String> {
        let inner = self.lock();
        let mut written = inner.written.iter();
        let found = written.find(|((agent, path), _)| *agent == self.agent && line.ends_with(path.as_str()));
        found.map(|(_, content)| content.clone())
    }

    async fn end(&self) {
        while self.lock().conditions.contains_key(&self.agent) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

#[async_trait]
impl Machine for TestMachine {
    async fn serve(
        &self,
        permit: &Permit,
        command: Command,
        output: &mut (dyn for<'piece> FnMut(Output<'piece>) + Send),
    ) -> Result<Exit, Error> {
        self.exec(permit, command, output).await
    }

    async fn dial(&self, _permit: &Permit, _port: u16) -> Result<std::net::TcpStream, Error> {
        let source = std::io::ErrorKind::ConnectionRefused.into();
        Err(Error::Host { act: "connect to the port", source })
    }

    async fn exec(
        &self,
        _permit: &Permit,
        command: Command,
        output: &mut (dyn for<'piece> FnMut(Output<'piece>) + Send),
    ) -> Result<Exit, Error> {
        {
            let mut inner = self.lock();
            inner.commands.push(command.line.clone());
            if command.line.ends_with("rm -rf .skills") {
                inner.written.retain(|(of, path), _| *of != self.agent || !path.starts_with(".skills/"));
            }
            if command.line.starts_with("connect") {
                *inner.connections.entry(self.agent).or_default() += 1;
            }
        }
        let program = self.program(&command.line);
        let does = program.as_ref().unwrap_or(&command.line);
        output(Output::Stdout(does.as_bytes()));
        if program.as_deref() == Some("hang") {
            self.end().await;
            return Err(Error::Gone);
        }
        if command.line == "hang" {
            std::future::pending::<()>().await;
        }
        let code = does.strip_prefix("exit ").and_then(|code| code.parse().ok()).unwrap_or(0);
        Ok(Exit { status: ExitStatus::Code(code), took: Duration::ZERO, dropped: Bytes(0) })
    }

    async fn read(&self, _: &Permit, path: &str, _: u64, _: Bytes) -> Result<FilePart, Error> {
        let content = self.inner.lock().expect("no panic in here").files.get(path).cloned();
        let content = content.ok_or_else(|| Error::NotFound { path: path.to_owned() })?;
        Ok(FilePart { size: Bytes(content.len() as u64), content })
    }

    async fn write(&self, permit: &Permit, path: &str, content: &[u8]) -> Result<(), Error> {
        assert_eq!(permit.agent(), self.agent, "the gate's leave is for another agent");
        let content = String::from_utf8_lossy(content).into_owned();
        self.lock().written.insert((self.agent, path.to_owned()), content);
        Ok(())
    }

    async fn list(&self, _: &Permit, _: &str, _: u32, _: u32) -> Result<Vec<Entry>, Error> {
        Ok(Vec::new())
    }

    async fn search(&self, _: &Permit, _: &str, _: &str, _: u32) -> Result<Vec<Match>, Error> {
        Ok(Vec::new())
    }
}
