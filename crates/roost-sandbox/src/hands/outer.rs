//! The part that leaves the host's namespaces and starts the machine's first process.
//!
//! It stays as the parent of that process, in the host's process namespace: the kernel lets it end only after
//! every process of the machine has, so a driver that waits for it knows that nothing is left.

use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use rustix::mount::{MountPropagationFlags, mount_bind, mount_change};
use rustix::thread::{CapabilitySet, CapabilitySets, UnshareFlags};

use super::{inherited, step};
use crate::wire::{Begun, Start, read_frame, write_frame};

/// What the machine's first process needs until it gives everything up.
const NEEDED: [CapabilitySet; 5] = [
    CapabilitySet::SYS_ADMIN,
    CapabilitySet::SETUID,
    CapabilitySet::SETGID,
    CapabilitySet::SETPCAP,
    CapabilitySet::NET_ADMIN,
];

pub(super) fn main() -> ExitCode {
    let (control, side) = match inherited::take() {
        Ok(sockets) => sockets,
        Err(error) => {
            eprintln!("the machine's process was started without its sockets: {error}");
            return ExitCode::from(2);
        }
    };
    match start(&control, side) {
        Ok(mut child) => {
            drop(control);
            // silent-ok: however it ended, the machine is gone, and that is all the driver learns from here.
            let _ = child.wait();
            ExitCode::SUCCESS
        }
        Err(problem) => {
            // silent-ok: if the driver is gone there is nobody to tell.
            let _ = write_frame(&control, 0, &Begun::Broken(problem), &[]);
            ExitCode::FAILURE
        }
    }
}

fn start(control: &UnixStream, side: UnixStream) -> Result<std::process::Child, String> {
    let program = step("open the own program", inherited::own_program())?;
    match step("wait for the driver", read_frame(control))?.body {
        Start::Unshare => {}
        Start::Spawn { .. } | Start::Become(_) | Start::Enter(_) => {
            return Err("the driver skipped a step".to_owned());
        }
    }
    unshare()?;
    step("answer the driver", write_frame(control, 0, &Begun::Unshared, &[]))?;
    let programs = match step("wait for the id maps", read_frame(control))?.body {
        Start::Spawn { programs } => programs,
        Start::Unshare | Start::Become(_) | Start::Enter(_) => {
            return Err("the driver took another step".to_owned());
        }
    };
    if let Some(programs) = programs {
        bring(&programs)?;
    }
    pass_on_capabilities()?;
    let mut command = Command::new(format!("/proc/self/fd/{}", program.as_raw_fd()));
    command.arg0("roost").args([super::COMMAND, "inner"]);
    command.env_clear().envs(super::environment());
    let input = step("copy the control socket", control.try_clone())?;
    command.stdin(std::os::fd::OwnedFd::from(input)).stdout(std::os::fd::OwnedFd::from(side));
    command.stderr(Stdio::null());
    let child = step("start the first process", command.spawn())?;
    let id = i32::try_from(child.id()).map_err(|error| error.to_string())?;
    step("name the first process", write_frame(control, 0, &Begun::Spawned(id), &[]))?;
    Ok(child)
}

/// Puts a directory of the host where the first process finds it, in this process's own view: that one may have no
/// right to go there by the path.
fn bring(programs: &Path) -> Result<(), String> {
    step(
        "part from the host's mounts",
        mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC),
    )?;
    step("bring the programs", mount_bind(programs, super::root::BROUGHT))
}

fn unshare() -> Result<(), String> {
    let flags = UnshareFlags::NEWUSER
        | UnshareFlags::NEWNS
        | UnshareFlags::NEWPID
        | UnshareFlags::NEWNET
        | UnshareFlags::NEWIPC
        | UnshareFlags::NEWUTS
        | UnshareFlags::NEWCGROUP;
    #[expect(unsafe_code, reason = "rustix has only this form, because of one flag that is not used here")]
    // SAFETY: the flag that could part threads from each other's descriptors, `FILES`, is not among them.
    let result = unsafe { rustix::thread::unshare_unsafe(flags) };
    step("make the namespaces", result)
}

/// Keeps what the next program needs over the exec: the process has no user inside yet, so it is no root there.
fn pass_on_capabilities() -> Result<(), String> {
    let have = step("read the capabilities", rustix::thread::capabilities(None))?;
    let needed = NEEDED.into_iter().fold(CapabilitySet::empty(), |all, one| all | one);
    let sets = CapabilitySets { inheritable: needed, ..have };
    step("pass on the capabilities", rustix::thread::set_capabilities(None, sets))?;
    for capability in NEEDED {
        step(
            "pass on the capabilities",
            rustix::thread::configure_capability_in_ambient_set(capability, true),
        )?;
    }
    Ok(())
}
