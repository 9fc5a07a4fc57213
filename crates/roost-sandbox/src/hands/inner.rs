//! The machine's first process: builds the machine, gives up every privilege, serves.

use std::net::{Ipv4Addr, SocketAddrV4, TcpListener};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::ExitCode;

use roost_domain::files::FileRules;
use roost_ports::machine::PROGRAMS;
use rustix::fs::Mode;
use rustix::process::{DumpableBehavior, Resource, Rlimit, Signal};
use rustix::thread::{Gid, Uid};

use super::fences::{self, Fenced};
use super::{inherited, loopback, root, serve, step, walls};
use crate::files::{Files, WORKSPACE};
use crate::handover;
use crate::wire::{Begun, Ready, Rlimits, Shape, Start, VERSION, read_frame, write_frame};

pub(super) fn main() -> ExitCode {
    let Ok((control, side)) = inherited::take() else { return ExitCode::from(2) };
    match build(&control, &side) {
        Ok((files, program)) => {
            serve::serve(control, side, files, program);
            ExitCode::SUCCESS
        }
        Err(problem) => {
            // silent-ok: if the driver is gone there is nobody to tell.
            let _ = write_frame(&control, 0, &Begun::Broken(problem), &[]);
            ExitCode::FAILURE
        }
    }
}

fn build(control: &UnixStream, side: &UnixStream) -> Result<(Files, OwnedFd), String> {
    let program = step("open the own program", inherited::own_program())?;
    let Shape { tmp_bytes, rlimits, files, programs } =
        match step("wait for the shape", read_frame(control))?.body {
            Start::Become(shape) => shape,
            Start::Unshare | Start::Spawn { .. } | Start::Enter(_) => {
                return Err("the driver repeated a step".to_owned());
            }
        };
    become_user()?;
    // Asked for after the change of user, which takes it back. If the parent is gone already, so is the driver's
    // end of the socket, and the first read ends this process.
    step(
        "bind the life to the parent's",
        rustix::process::set_parent_process_death_signal(Some(Signal::KILL)),
    )?;
    rustix::process::umask(Mode::from_raw_mode(0o022));
    let rules = FileRules::try_from(files).map_err(|error| format!("{}: {error}", fences::PROBLEM))?;
    let root::Built { proc, workspace } = root::build(tmp_bytes, &rules, programs)?;
    step("name the host", rustix::system::sethostname(b"machine"))?;
    let loopback = loopback::up().and_then(|()| open_door(side));
    limit(rlimits.as_ref())?;
    walls::drop_capabilities()?;
    let system: Vec<_> =
        root::SYSTEM.iter().map(|name| format!("/{name}")).chain([PROGRAMS.to_owned()]).collect();
    settle(control, program, Settling { rules, workspace, system: &system, loopback, proc })
}

/// A machine that is built, before its last walls.
pub(super) struct Settling<'a> {
    pub(super) rules: FileRules,
    /// The whole workspace, where commands see only a part of it.
    pub(super) workspace: Option<Fenced>,
    /// What commands can read and run, besides what is their own.
    pub(super) system: &'a [String],
    pub(super) loopback: Result<(), String>,
    pub(super) proc: String,
}

/// Puts the last walls up, and says that the machine is ready.
pub(super) fn settle(
    control: &UnixStream,
    program: OwnedFd,
    built: Settling<'_>,
) -> Result<(Files, OwnedFd), String> {
    let Settling { rules, workspace, system, loopback, proc } = built;
    // What belongs to this process (its memory, its descriptors) is closed to the commands, which have the same
    // user.
    step(
        "close the process to others",
        rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable),
    )?;
    let whole = workspace.as_ref().map(|workspace| workspace.whole.as_fd());
    let landlock = walls::landlock(program.as_fd(), system, whole);
    walls::seccomp()?;
    step("enter the workspace", rustix::process::chdir(WORKSPACE))?;
    let files = match workspace {
        None => step("open the workspace", Files::open(WORKSPACE.as_ref()))?,
        Some(Fenced { whole, single }) => step("open the workspace", Files::ruled(whole, rules, single))?,
    };
    let ready = Ready { version: VERSION, landlock, loopback, proc };
    step("answer the driver", write_frame(control, 0, &Begun::Ready(ready), &[]))?;
    Ok((files, program))
}

/// Becomes the machine's user, in the host's eyes one that owns nothing but this workspace.
fn become_user() -> Result<(), String> {
    let (uid, gid) = (Uid::from_raw(super::USER), Gid::from_raw(super::USER));
    match rustix::thread::set_thread_groups(&[]) {
        // A server that is not root may not change groups; the kernel then allows it to nobody inside.
        Ok(()) | Err(rustix::io::Errno::PERM) => {}
        Err(error) => return Err(format!("leave the groups: {error}")),
    }
    step("take the machine's group", rustix::thread::set_thread_res_gid(gid, gid, gid))?;
    step("take the machine's user", rustix::thread::set_thread_res_uid(uid, uid, uid))
}

/// Listens where commands look for their proxy, and hands the socket to the driver: connections are accepted in
/// the server, and nothing inside has a part in it.
pub(super) fn open_door(side: &UnixStream) -> Result<(), String> {
    let address = SocketAddrV4::new(Ipv4Addr::LOCALHOST, super::PROXY_PORT);
    let listener = step("listen for the proxy", TcpListener::bind(address))?;
    step("hand over the proxy's socket", handover::send(side, listener.as_fd(), 0))
}

pub(super) fn limit(rlimits: Option<&Rlimits>) -> Result<(), String> {
    let fixed = |n: u64| Rlimit { current: Some(n), maximum: Some(n) };
    step("forbid core dumps", rustix::process::setrlimit(Resource::Core, fixed(0)))?;
    if let Some(limits) = rlimits {
        step("limit memory", rustix::process::setrlimit(Resource::As, fixed(limits.memory_bytes)))?;
        step("limit processes", rustix::process::setrlimit(Resource::Nproc, fixed(limits.processes)))?;
    }
    Ok(())
}
