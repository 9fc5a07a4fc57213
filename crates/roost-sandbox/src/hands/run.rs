//! The part that stands above one command.
//!
//! It is the reaper of everything the command starts: whoever loses its parent, by `nohup`, `setsid` or a double
//! fork, gets this one. So the descendants of the command are exactly the descendants of this process, whatever
//! they do, and can be ended all together.
//!
//! What of them is left when the command itself ends by itself, lives on as the machine's (a development server
//! that was started with `&`). When the command is killed, because its time is up or nobody waits for it any
//! more, they all end with it.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode, Stdio};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{DumpableBehavior, Pid, PidfdFlags, Signal, WaitOptions, WaitStatus};

use super::{inherited, processes};
use crate::wire::Ended;

/// The command runs; the four bytes after are its process group.
pub(super) const STARTED: u8 = b's';
/// It could not be started; the four bytes after are the error's number.
pub(super) const REFUSED: u8 = b'r';
/// It ended by itself; the four bytes after are its code.
pub(super) const CODE: u8 = b'c';
/// A signal ended it; the four bytes after are its number.
pub(super) const SIGNAL: u8 = b'k';
/// How long each message is.
pub(super) const MESSAGE: usize = 5;

pub(super) fn main(mut args: impl Iterator<Item = OsString>) -> ExitCode {
    let Ok(control) = rustix::io::fcntl_dupfd_cloexec(std::io::stdin().as_fd(), 3) else {
        return ExitCode::from(2);
    };
    let control = UnixStream::from(control);
    let Some(line) = args.next() else { return ExitCode::from(2) };
    match start(line) {
        Ok(command) => watch(&control, command),
        Err(error) => say(&control, REFUSED, error.raw_os_error().unwrap_or(0)),
    }
    ExitCode::SUCCESS
}

fn start(line: OsString) -> std::io::Result<Pid> {
    // When the machine's memory is used up, a command is to go rather than the machine's first process. This must
    // come before the process is closed, which takes this file away from it.
    std::fs::write("/proc/self/oom_score_adj", "500")?;
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    rustix::process::setsid()?;
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(line).stdin(Stdio::null()).process_group(0);
    inherited::close_in_children()?;
    let child = command.spawn()?;
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    // Only the command and what it starts keep its output open.
    inherited::silence()?;
    i32::try_from(child.id())
        .ok()
        .and_then(Pid::from_raw)
        .ok_or_else(|| std::io::Error::other("no process id"))
}

/// Waits for the command's end or for the order to end it.
fn watch(control: &UnixStream, command: Pid) {
    say(control, STARTED, command.as_raw_nonzero().get());
    // silent-ok: without it, the command's end is noticed at the next look, a little later.
    let ending = rustix::process::pidfd_open(command, PidfdFlags::empty()).ok();
    let mut killing = false;
    let mut ended = None;
    loop {
        let children_left = reap(command, &mut ended);
        if let Some(ended) = ended
            && !(killing && children_left)
        {
            let (kind, number) = match ended {
                Ended::Code(code) => (CODE, code),
                Ended::Signal(signal) => (SIGNAL, signal),
            };
            return say(control, kind, number);
        }
        if killing {
            let own = rustix::process::getpid().as_raw_nonzero().get();
            processes::descendants(own).into_iter().for_each(|pid| processes::signal(pid, Signal::KILL));
        }
        killing |= wait(control, ending.as_ref(), killing);
    }
}

/// Waits until there may be something to do; tells whether the order to kill has come.
fn wait(control: &UnixStream, ending: Option<&rustix::fd::OwnedFd>, killing: bool) -> bool {
    // Orphans are reaped about once a second; while killing, there is always something to look after.
    let nanoseconds = if killing { 2_000_000 } else { 999_000_000 };
    let mut watched = Vec::with_capacity(2);
    if !killing {
        watched.push(PollFd::new(control, PollFlags::IN));
        watched.extend(ending.map(|ending| PollFd::new(ending, PollFlags::IN)));
    }
    // silent-ok: an interrupted wait is a short one.
    let _ = poll(&mut watched, Some(&Timespec { tv_sec: 0, tv_nsec: nanoseconds }));
    let ordered = watched.first().is_some_and(|first| !killing && !first.revents().is_empty());
    if ordered {
        // silent-ok: an order and a closed socket mean the same.
        let _ = (&*control).read(&mut [0]);
    }
    ordered
}

/// Collects every child that has ended; tells whether any is left.
fn reap(command: Pid, ended: &mut Option<Ended>) -> bool {
    loop {
        match rustix::process::wait(WaitOptions::NOHANG) {
            Ok(Some((pid, status))) if pid == command => *ended = Some(how(status)),
            Ok(Some(_)) | Err(rustix::io::Errno::INTR) => {}
            Ok(None) => return true,
            Err(_) => return false,
        }
    }
}

fn how(status: WaitStatus) -> Ended {
    match status.terminating_signal() {
        Some(signal) => Ended::Signal(signal),
        None => Ended::Code(status.exit_status().unwrap_or(0)),
    }
}

fn say(mut control: &UnixStream, kind: u8, number: i32) {
    let mut message = [kind; MESSAGE];
    message[1..].copy_from_slice(&number.to_le_bytes());
    // silent-ok: if the first process is gone, so is the machine.
    let _ = control.write_all(&message);
}
