//! One machine's group.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use roost_domain::machine::Limits;
use rustix::process::{Pid, Signal};

use super::{Controllers, Version, hosts};

/// The processes of a machine that are not the agent's: the one that waits outside and the first one inside.
const OWN_PROCESSES: u32 = 2;
/// The scheduler's period, in microseconds; a share of it for each CPU.
const PERIOD_US: u64 = 100_000;
/// The smallest share that the kernel gives.
const QUOTA_MIN_US: u64 = 1_000;
/// How long the kernel may take to freeze, or to let go of a group whose processes were killed.
const DEADLINE: Duration = Duration::from_secs(10);
/// How often to look whether a group is frozen before waiting a millisecond, the shortest wait there is: mostly it
/// takes a tenth of that.
const LOOKS: u32 = 200;

/// One machine's group.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    version: Version,
    at: Controllers,
    /// Processes in it that are not the machine's: the one that waits outside.
    outside: usize,
}

impl Group {
    pub(super) const fn new(version: Version, at: Controllers) -> Self {
        Self { version, at, outside: 1 }
    }

    /// Returns the group that somebody else has made around a process, where this server sees it: to read what the
    /// machine uses.
    pub(crate) fn of_process(process: i32) -> Option<Self> {
        // silent-ok: what cannot be read is not seen, and then the machine is asked what it uses.
        let own = fs::read_to_string(format!("/proc/{process}/cgroup")).ok()?;
        let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
        let hosts::Hosts { unified, v1 } = hosts::parse(&mounts, &own);
        let v2 = unified.filter(|path| v1.memory.is_none() && path.join("memory.current").exists());
        let (version, at) = match v2 {
            None => (Version::V1, v1),
            Some(path) => {
                let path = Some(path);
                let (memory, cpu, cpuacct) = (path.clone(), path.clone(), path.clone());
                (Version::V2, Controllers { memory, cpu, cpuacct, pids: path.clone(), freezer: path })
            }
        };
        let there = at.paths();
        (!there.is_empty() && there.iter().all(|path| path.exists())).then_some(Self {
            version,
            at,
            outside: 0,
        })
    }

    /// Makes the group and sets its limits.
    pub(crate) fn create(&self, limits: &Limits) -> io::Result<()> {
        for path in self.at.paths() {
            // With its parent, should somebody have tidied that away while it was empty.
            fs::create_dir_all(path)?;
        }
        let memory = limits.memory.0.to_string();
        let quota = (u64::from(limits.cpu.0) * PERIOD_US / 1000).max(QUOTA_MIN_US);
        let processes = limits.processes.saturating_add(OWN_PROCESSES).to_string();
        match self.version {
            Version::V1 => {
                set(self.at.memory.as_deref(), "memory.limit_in_bytes", &memory)?;
                set_if_there(self.at.memory.as_deref(), "memory.memsw.limit_in_bytes", &memory)?;
                set(self.at.cpu.as_deref(), "cpu.cfs_period_us", &PERIOD_US.to_string())?;
                set(self.at.cpu.as_deref(), "cpu.cfs_quota_us", &quota.to_string())?;
            }
            Version::V2 => {
                set(self.at.memory.as_deref(), "memory.max", &memory)?;
                set_if_there(self.at.memory.as_deref(), "memory.swap.max", "0")?;
                set(self.at.cpu.as_deref(), "cpu.max", &format!("{quota} {PERIOD_US}"))?;
            }
        }
        set(self.at.pids.as_deref(), "pids.max", &processes)
    }

    /// Puts a process into the group; what it starts from now on is in it too.
    pub(crate) fn attach(&self, process: u32) -> io::Result<()> {
        self.at.paths().iter().try_for_each(|path| set(Some(path), "cgroup.procs", &process.to_string()))
    }

    /// Tells whether the group can be frozen.
    pub(crate) const fn freezes(&self) -> bool {
        self.at.freezer.is_some()
    }

    /// Freezes every process, or lets them go on. Returns when it is so.
    pub(crate) async fn freeze(&self, freeze: bool) -> io::Result<()> {
        let at = self.at.freezer.as_deref();
        let (file, value) = match (self.version, freeze) {
            (Version::V1, true) => ("freezer.state", "FROZEN"),
            (Version::V1, false) => ("freezer.state", "THAWED"),
            (Version::V2, true) => ("cgroup.freeze", "1"),
            (Version::V2, false) => ("cgroup.freeze", "0"),
        };
        let deadline = Instant::now() + DEADLINE;
        let (mut looks, mut pause) = (0, Duration::from_millis(1));
        set(at, file, value)?;
        while freeze && !self.is_frozen()? {
            if Instant::now() > deadline {
                return Err(io::ErrorKind::TimedOut.into());
            }
            if looks < LOOKS {
                looks += 1;
                tokio::task::yield_now().await;
                continue;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(20));
            if self.version == Version::V1 {
                // A process that was about to wake may have slipped through; asking again catches it.
                set(at, file, value)?;
            }
        }
        Ok(())
    }

    fn is_frozen(&self) -> io::Result<bool> {
        let at = self.at.freezer.as_deref();
        match self.version {
            Version::V1 => Ok(get(at, "freezer.state")?.is_some_and(|state| state.trim() == "FROZEN")),
            Version::V2 => {
                Ok(get(at, "cgroup.events")?.is_some_and(|events| field(&events, "frozen") == Some(1)))
            }
        }
    }

    /// Ends every process, frozen or not. They may take a moment to be gone.
    pub(crate) async fn kill(&self) -> io::Result<()> {
        let Some(first) = self.at.paths().into_iter().next() else { return Ok(()) };
        if !first.exists() {
            return Ok(());
        }
        if self.version == Version::V2 && set_if_there(Some(&first), "cgroup.kill", "1")? {
            return Ok(());
        }
        // While they stand still, no new one is started and no id goes to another process.
        if self.freezes() {
            // silent-ok: then they are killed as they run, again and again until none is left.
            let _ = self.freeze(true).await;
        }
        for process in processes(&first)? {
            if let Some(process) = Pid::from_raw(process) {
                // silent-ok: it ended meanwhile.
                let _ = rustix::process::kill_process(process, Signal::KILL);
            }
        }
        if self.freezes() { self.freeze(false).await } else { Ok(()) }
    }

    /// Ends every process and removes the group; no-op when there is none.
    pub(crate) async fn remove(&self) -> io::Result<()> {
        let deadline = Instant::now() + DEADLINE;
        let mut pause = Duration::from_micros(100);
        for path in self.at.paths() {
            loop {
                match fs::remove_dir(&path) {
                    Ok(()) => break,
                    Err(error) if error.kind() == io::ErrorKind::NotFound => break,
                    Err(error) if Instant::now() > deadline => return Err(error),
                    Err(_) => self.kill().await?,
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(Duration::from_millis(50));
            }
        }
        Ok(())
    }

    /// Returns the memory in use, where it is counted.
    pub(crate) fn memory_bytes(&self) -> io::Result<Option<u64>> {
        let file = match self.version {
            Version::V1 => "memory.usage_in_bytes",
            Version::V2 => "memory.current",
        };
        Ok(get(self.at.memory.as_deref(), file)?.and_then(|text| text.trim().parse().ok()))
    }

    /// Returns the CPU time used, where it is counted.
    pub(crate) fn cpu(&self) -> io::Result<Option<Duration>> {
        let at = self.at.cpuacct.as_deref();
        match self.version {
            Version::V1 => {
                let text = get(at, "cpuacct.usage")?;
                Ok(text.and_then(|text| text.trim().parse().ok()).map(Duration::from_nanos))
            }
            Version::V2 => {
                let text = get(at, "cpu.stat")?;
                Ok(text.and_then(|text| field(&text, "usage_usec")).map(Duration::from_micros))
            }
        }
    }

    /// Returns how many of the agent's processes are alive, with the machine's first one.
    pub(crate) fn processes(&self) -> io::Result<Option<u32>> {
        let Some(first) = self.at.paths().into_iter().next() else { return Ok(None) };
        let count = processes(&first)?.len().saturating_sub(self.outside);
        Ok(Some(u32::try_from(count).unwrap_or(u32::MAX)))
    }

    /// Returns how often the kernel has ended a process for want of memory.
    pub(crate) fn out_of_memory_count(&self) -> io::Result<u64> {
        let file = match self.version {
            Version::V1 => "memory.oom_control",
            Version::V2 => "memory.events",
        };
        Ok(get(self.at.memory.as_deref(), file)?.and_then(|text| field(&text, "oom_kill")).unwrap_or(0))
    }
}

fn processes(group: &Path) -> io::Result<Vec<i32>> {
    let text = fs::read_to_string(group.join("cgroup.procs"))?;
    Ok(text.lines().filter_map(|line| line.parse().ok()).collect())
}

fn set(at: Option<&Path>, file: &str, value: &str) -> io::Result<()> {
    match at {
        Some(at) => named(fs::write(at.join(file), value), file),
        None => Ok(()),
    }
}

/// Sets what older or smaller kernels do not have; tells whether this one has it.
fn set_if_there(at: Option<&Path>, file: &str, value: &str) -> io::Result<bool> {
    let Some(path) = at.map(|at| at.join(file)).filter(|path: &PathBuf| path.exists()) else {
        return Ok(false);
    };
    named(fs::write(path, value), file).map(|()| true)
}

fn get(at: Option<&Path>, file: &str) -> io::Result<Option<String>> {
    at.map(|at| named(fs::read_to_string(at.join(file)), file)).transpose()
}

fn named<T>(result: io::Result<T>, file: &str) -> io::Result<T> {
    result.map_err(|error| io::Error::new(error.kind(), format!("{file}: {error}")))
}

/// Reads one line `name value` out of several.
fn field(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse().ok())
}
