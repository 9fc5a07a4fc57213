//! A machine that is up.

use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use roost_domain::machine::{Limits, Stats};
use roost_domain::unit::Bytes;
use roost_ports::machine::{Error, Spec};
use rustix::process::Signal;
use tokio::process::Child;

use super::cgroup::Group;
use super::start::{self, Plan, Started};
use super::{Host, lock};
use crate::activity::Activity;
use crate::calls;
use crate::egress::Door;
use crate::hands::fences;
use crate::remote::Remote;
use crate::wire::{Request, Rlimits};

/// How long a machine's processes may take to be gone.
const END_DEADLINE: Duration = Duration::from_secs(20);
/// How long a start waits for what a dead server has left to be gone.
const CLEAR_DEADLINE: Duration = Duration::from_secs(60);

/// A machine that is up.
pub(super) struct Live {
    remote: Remote,
    group: Option<Group>,
    first: OwnedFd,
    child: tokio::sync::Mutex<Child>,
    spec: Spec,
    frozen: AtomicBool,
    activity: Arc<Activity>,
    /// When the CPU time was last read, and what it was.
    last_reading: Mutex<(Instant, Duration)>,
}

impl Live {
    pub(super) async fn start(host: &Arc<Host>, spec: &Spec) -> Result<Self, Error> {
        let cleared = tokio::time::timeout(CLEAR_DEADLINE, host.cleared.cancelled()).await;
        cleared.map_err(|_| {
            cannot_start("what a dead server has left is still being cleared away".to_owned())
        })?;
        let group = host.cgroups.as_ref().map(|cgroups| cgroups.group(&spec.agent.uuid().to_string()));
        let result = Self::start_in(host, spec, group.as_ref()).await;
        if result.is_err()
            && let Some(group) = &group
            && let Err(error) = group.remove().await
        {
            tracing::warn!(agent = %spec.agent, %error, "a machine that did not start has left its control group");
        }
        result
    }

    async fn start_in(host: &Arc<Host>, spec: &Spec, group: Option<&Group>) -> Result<Self, Error> {
        let (at, agent) = (Arc::clone(host), spec.agent);
        let prepared = host.tasks.spawn_blocking(move || at.workspaces.prepare(agent)).await;
        let workspace = prepared
            .unwrap_or_else(|error| Err(std::io::Error::other(error)))
            .map_err(|error| cannot_start(format!("prepare its workspace: {error}")))?;
        if let Some(group) = group {
            group.create(&spec.limits).map_err(|error| cannot_start(format!("set its limits: {error}")))?;
        }
        let plan = Plan {
            program: &host.program,
            workspace: &workspace,
            group,
            rlimits: rlimits(host, &spec.limits),
            limits: &spec.limits,
            files: &spec.files,
        };
        let started = start::start(plan).await;
        if !spec.files.is_unrestricted() {
            let problem = started.as_ref().err().filter(|problem| problem.starts_with(fences::PROBLEM));
            *lock(&host.fences) = problem.cloned();
        }
        let Started { child, first, control, listener, ready } = started.map_err(cannot_start)?;
        let remote = Remote::new(control, &host.tasks);
        *lock(&host.ready) = Some(ready);
        if let Some(listener) = listener {
            let door = Door::new(spec, Arc::clone(&host.connections) as _);
            let (tasks, remote) = (host.tasks.clone(), remote.clone());
            host.tasks.spawn(async move {
                tokio::select! {
                    () = door.serve(listener, &tasks, &remote) => {}
                    () = remote.closed() => {}
                }
            });
        }
        Ok(Self {
            remote,
            group: group.cloned(),
            first,
            child: tokio::sync::Mutex::new(child),
            spec: spec.clone(),
            frozen: AtomicBool::new(false),
            activity: Arc::new(Activity::new()),
            last_reading: Mutex::new((Instant::now(), Duration::ZERO)),
        })
    }

    /// Returns how the machine was started.
    pub(super) const fn spec(&self) -> &Spec {
        &self.spec
    }

    pub(super) const fn remote(&self) -> &Remote {
        &self.remote
    }

    pub(super) const fn activity(&self) -> &Arc<Activity> {
        &self.activity
    }

    pub(super) fn is_gone(&self) -> bool {
        self.remote.is_gone()
    }

    /// Waits until the machine has ended.
    pub(super) fn gone(&self) -> impl Future<Output = ()> + Send + 'static {
        let remote = self.remote.clone();
        async move { remote.closed().await }
    }

    pub(super) fn is_frozen(&self) -> bool {
        self.frozen.load(Ordering::Acquire)
    }

    /// Freezes the machine or lets it go on. The caller sees to it that only one change is made at a time.
    pub(super) async fn freeze(&self, freeze: bool) -> Result<(), Error> {
        if self.is_frozen() == freeze {
            return Ok(());
        }
        match &self.group {
            Some(group) if group.freezes() => {
                let act = if freeze { "freeze the machine" } else { "thaw the machine" };
                group.freeze(freeze).await.map_err(|source| Error::Host { act, source })?;
            }
            _ => calls::ask(&self.remote, &Request::Hold(freeze), "").await.map(drop)?,
        }
        self.frozen.store(freeze, Ordering::Release);
        if !freeze {
            self.activity.touch();
        }
        Ok(())
    }

    /// Ends every process. When it returns, none is left.
    pub(super) async fn end(&self) -> Result<(), Error> {
        let ending = async {
            // The first process takes all others with it, and the one outside waits for that.
            match rustix::process::pidfd_send_signal(&self.first, Signal::KILL) {
                Ok(()) | Err(rustix::io::Errno::SRCH) => {}
                Err(error) => return Err(error.into()),
            }
            self.remote.close();
            if let Some(group) = &self.group {
                // In version 1, what is frozen does not even end.
                if self.is_frozen() && group.freezes() {
                    group.freeze(false).await?;
                }
            }
            self.child.lock().await.wait().await?;
            match &self.group {
                Some(group) => group.remove().await,
                None => Ok(()),
            }
        };
        let ended = tokio::time::timeout(END_DEADLINE, ending).await;
        let ended = ended.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()));
        ended.map_err(|source| Error::Host { act: "end the machine's processes", source })
    }

    /// Returns how often the kernel has ended a process for want of memory.
    pub(super) fn out_of_memory_count(&self) -> u64 {
        // silent-ok: what cannot be read looks as if it never happened, and the signal is reported as it is.
        self.group.as_ref().and_then(|group| group.out_of_memory_count().ok()).unwrap_or(0)
    }

    pub(super) async fn stats(&self) -> Result<Stats, Error> {
        let failed = |source| Error::Host { act: "read what the machine uses", source };
        let (mut memory, mut cpu, mut processes) = (None, None, None);
        if let Some(group) = &self.group {
            memory = group.memory_bytes().map_err(failed)?.map(Bytes);
            cpu = group.cpu().map_err(failed)?;
            processes = group.processes().map_err(failed)?;
        }
        let (memory, cpu, processes) = match (memory, cpu, processes) {
            (Some(memory), Some(cpu), Some(processes)) => (memory, cpu, processes),
            // What no group counts is asked inside; while a group is frozen, nobody answers there.
            (memory, cpu, processes)
                if self.is_frozen() && self.group.as_ref().is_some_and(Group::freezes) =>
            {
                (memory.unwrap_or(Bytes(0)), cpu.unwrap_or_default(), processes.unwrap_or(0))
            }
            (memory, cpu, processes) => {
                let asked = calls::usage(&self.remote).await?;
                (memory.unwrap_or(asked.0), cpu.unwrap_or(asked.1), processes.unwrap_or(asked.2))
            }
        };
        let cpu_share = self.share(cpu);
        Ok(Stats { memory, memory_limit: self.spec.limits.memory, cpu, cpu_share, processes })
    }

    /// Returns the share of one CPU used since the last reading.
    fn share(&self, cpu: Duration) -> f64 {
        let now = Instant::now();
        let mut last = lock(&self.last_reading);
        let (then, used) = std::mem::replace(&mut *last, (now, cpu));
        let wall = now.duration_since(then).as_secs_f64();
        if wall > 0.0 { cpu.saturating_sub(used).as_secs_f64() / wall } else { 0.0 }
    }
}

/// Returns what is limited for each process because the host cannot limit it for the whole machine.
fn rlimits(host: &Host, limits: &Limits) -> Option<Rlimits> {
    let controllers = host.cgroups.as_ref().map(|cgroups| &cgroups.parents);
    let held = controllers.is_some_and(|all| all.memory.is_some() && all.pids.is_some());
    (!held).then(|| Rlimits { memory_bytes: limits.memory.0, processes: u64::from(limits.processes) })
}

fn cannot_start(problem: String) -> Error {
    Error::CannotStart { problem }
}
