//! A machine that is up.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use roost_domain::machine::Stats;
use roost_domain::unit::Bytes;
use roost_ports::machine::{Error, Spec};

use crate::activity::Activity;
use crate::calls;
use crate::cgroup::Group;
use crate::lock;
use crate::remote::Remote;
use crate::wire::Request;

/// How long a machine's processes may take to be gone.
const END_DEADLINE: Duration = Duration::from_secs(20);

/// A machine that is up.
pub(crate) struct Live {
    remote: Remote,
    group: Option<Group>,
    body: Box<dyn Body>,
    spec: Spec,
    frozen: AtomicBool,
    activity: Arc<Activity>,
    /// When the CPU time was last read, and what it was.
    last_reading: Mutex<(Instant, Duration)>,
}

/// What a machine consists of outside: what differs between drivers once it is up.
#[async_trait]
pub(crate) trait Body: Send + Sync {
    /// Tells whether the driver itself can freeze the machine; if not, its hands stop what runs.
    fn freezes(&self) -> bool;

    /// Freezes every process, or lets them go on. Returns when it is so.
    async fn freeze(&self, freeze: bool) -> io::Result<()>;

    /// Ends every process. When it returns, none is left.
    async fn end(&self, is_frozen: bool) -> io::Result<()>;
}

impl Live {
    /// Takes over a machine that is up; its group, where the host shows it, tells what it uses.
    pub(crate) fn new(spec: &Spec, remote: Remote, group: Option<Group>, body: Box<dyn Body>) -> Self {
        Self {
            remote,
            group,
            body,
            spec: spec.clone(),
            frozen: AtomicBool::new(false),
            activity: Arc::new(Activity::new()),
            last_reading: Mutex::new((Instant::now(), Duration::ZERO)),
        }
    }

    /// Returns how the machine was started.
    pub(crate) const fn spec(&self) -> &Spec {
        &self.spec
    }

    pub(crate) const fn remote(&self) -> &Remote {
        &self.remote
    }

    pub(crate) const fn activity(&self) -> &Arc<Activity> {
        &self.activity
    }

    pub(crate) fn is_gone(&self) -> bool {
        self.remote.is_gone()
    }

    /// Waits until the machine has ended.
    pub(crate) fn gone(&self) -> impl Future<Output = ()> + Send + 'static {
        let remote = self.remote.clone();
        async move { remote.closed().await }
    }

    pub(crate) fn is_frozen(&self) -> bool {
        self.frozen.load(Ordering::Acquire)
    }

    /// Freezes the machine or lets it go on. The caller sees to it that only one change is made at a time.
    pub(crate) async fn freeze(&self, freeze: bool) -> Result<(), Error> {
        if self.is_frozen() == freeze {
            return Ok(());
        }
        if self.body.freezes() {
            let act = if freeze { "freeze the machine" } else { "thaw the machine" };
            self.body.freeze(freeze).await.map_err(|source| Error::Host { act, source })?;
        } else {
            calls::ask(&self.remote, &Request::Hold(freeze), "").await.map(drop)?;
        }
        self.frozen.store(freeze, Ordering::Release);
        if !freeze {
            self.activity.touch();
        }
        Ok(())
    }

    /// Ends every process. When it returns, none is left.
    pub(crate) async fn end(&self) -> Result<(), Error> {
        self.remote.close();
        let is_frozen = self.is_frozen() && self.body.freezes();
        let ended = tokio::time::timeout(END_DEADLINE, self.body.end(is_frozen)).await;
        let ended = ended.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        ended.map_err(|source| Error::Host { act: "end the machine's processes", source })
    }

    /// Returns how often the kernel has ended a process for want of memory.
    pub(crate) fn out_of_memory_count(&self) -> u64 {
        // silent-ok: what cannot be read looks as if it never happened, and the signal is reported as it is.
        self.group.as_ref().and_then(|group| group.out_of_memory_count().ok()).unwrap_or(0)
    }

    pub(crate) async fn stats(&self) -> Result<Stats, Error> {
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
            (memory, cpu, processes) if self.is_frozen() && self.body.freezes() => {
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
