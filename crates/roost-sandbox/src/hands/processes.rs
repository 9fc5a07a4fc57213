//! The machine's processes, as `/proc` shows them.

use std::collections::HashMap;

use rustix::process::{Pid, Signal};

/// Returns each process's parent.
pub(super) fn parents() -> HashMap<i32, i32> {
    let mut parents = HashMap::new();
    for pid in all() {
        // silent-ok: it ended meanwhile.
        if let Some(parent) = stat(pid).and_then(|stat| stat.parent()) {
            parents.insert(pid, parent);
        }
    }
    parents
}

/// Returns all processes below one, children and their children.
pub(super) fn descendants(of: i32) -> Vec<i32> {
    let parents = parents();
    let mut found: Vec<i32> = Vec::new();
    let mut above = vec![of];
    while let Some(parent) = above.pop() {
        for (&pid, _) in parents.iter().filter(|(_, p)| **p == parent) {
            if pid != of && !found.contains(&pid) {
                found.push(pid);
                above.push(pid);
            }
        }
    }
    found
}

/// Returns the ids of all processes.
pub(super) fn all() -> Vec<i32> {
    // silent-ok: without /proc no machine starts, so it can be read.
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect()
}

/// Sends a signal; that the process ended meanwhile is no failure.
pub(super) fn signal(pid: i32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid) {
        // silent-ok: it ended meanwhile.
        let _ = rustix::process::kill_process(pid, signal);
    }
}

/// What `/proc/PID/stat` says, from the third field on: the second, the name, may hold anything.
pub(super) struct Stat(Vec<String>);

/// Reads what is known of a process; `None` if it ended.
pub(super) fn stat(pid: i32) -> Option<Stat> {
    let bytes = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let (_, rest) = text.rsplit_once(')')?;
    Some(Stat(rest.split_ascii_whitespace().map(str::to_owned).collect()))
}

impl Stat {
    /// **Source:** `proc_pid_stat(5)`; the fields there are numbered from 1.
    fn field(&self, number: usize) -> Option<u64> {
        self.0.get(number.checked_sub(3)?)?.parse().ok()
    }

    fn parent(&self) -> Option<i32> {
        i32::try_from(self.field(4)?).ok()
    }

    /// CPU time of the process and of the children it has waited for, in clock ticks.
    pub(super) fn ticks(&self) -> u64 {
        (14..=17).filter_map(|number| self.field(number)).sum()
    }

    /// Memory held, in pages.
    pub(super) fn pages(&self) -> u64 {
        self.field(24).unwrap_or(0)
    }
}
