//! Processes that are known by a mark in their environment, which their children inherit.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};

/// The variable that carries the mark.
pub(super) const VARIABLE: &str = "ROOST_FAKE_MACHINE";
/// How long marked processes may take to be gone.
const DEADLINE: Duration = Duration::from_secs(10);

/// Returns the processes whose mark begins so, without those that have ended and are only not yet collected.
pub(super) fn find(mark: &str) -> Vec<i32> {
    let wanted = format!("{VARIABLE}={mark}");
    // silent-ok: without /proc there is nothing to find, and the suite tells.
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
    let is_marked = |pid: &i32| {
        // silent-ok: it ended meanwhile, or is someone else's.
        let Ok(environment) = std::fs::read(format!("/proc/{pid}/environ")) else { return false };
        environment.split(|byte| *byte == 0).any(|one| one.starts_with(wanted.as_bytes()))
    };
    pids.filter(is_marked).collect()
}

/// Sends a signal; that the process ended meanwhile is no failure.
pub(super) fn signal(pid: i32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid) {
        // silent-ok: it ended meanwhile.
        let _ = rustix::process::kill_process(pid, signal);
    }
}

/// Kills until none is left.
pub(super) fn kill(mark: &str) {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let found = find(mark);
        if found.is_empty() || Instant::now() > deadline {
            return;
        }
        found.into_iter().for_each(|pid| signal(pid, Signal::KILL));
        std::thread::sleep(Duration::from_millis(1));
    }
}
