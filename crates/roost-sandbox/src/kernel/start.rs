//! Starting a machine.
//!
//! ```text
//! driver                         outer                       inner (first process of the machine)
//!   spawns it, puts it into its cgroups
//!   Unshare ───────────────────▶ leaves the namespaces
//!           ◀─────────────────── Unshared
//!   maps its user
//!   Spawn ─────────────────────▶ starts inner
//!           ◀─────────────────── Spawned(process)
//!   Become(shape) ──────────────────────────────────────────▶ builds the machine
//!           ◀──────────────────────────────────────────────── the proxy's socket, Ready(…)
//! ```

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use roost_domain::files::FileRules;
use roost_domain::machine::Limits;
use rustix::process::{Pid, PidfdFlags, Signal};
use tokio::net::UnixStream;
use tokio::process::{Child, Command};

use crate::cgroup::Group;
use crate::handover::{self, confused, hear, tell};
use crate::hands;
use crate::wire::{Begun, Ready, Rlimits, Shape, Start};
use crate::workspace::Workspace;

/// How long a machine may take to start, on a host that is busy with other things.
const DEADLINE: Duration = Duration::from_secs(30);

/// What a machine is started from.
pub(super) struct Plan<'a> {
    /// This server's binary, or another with the same hands.
    pub(super) program: &'a OwnedFd,
    pub(super) workspace: &'a Workspace,
    pub(super) group: Option<&'a Group>,
    /// What the group cannot limit.
    pub(super) rlimits: Option<Rlimits>,
    pub(super) limits: &'a Limits,
    pub(super) files: &'a FileRules,
    /// A directory of this host that the machine shows.
    pub(super) programs: Option<&'a Path>,
}

/// A machine that is up.
pub(super) struct Started {
    /// The process outside; it ends after the last process inside.
    pub(super) child: Child,
    /// The machine's first process.
    pub(super) first: OwnedFd,
    pub(super) control: UnixStream,
    /// Where the machine hands sockets over.
    pub(super) side: StdUnixStream,
    /// Where commands' connections arrive; `None` where the machine has no loopback device.
    pub(super) listener: Option<tokio::net::TcpListener>,
    pub(super) ready: Ready,
}

/// Starts a machine; after an error nothing of it runs for long, as its socket is closed.
pub(super) async fn start(plan: Plan<'_>) -> Result<Started, String> {
    let (control, theirs) = UnixStream::pair().map_err(|error| format!("make a socket: {error}"))?;
    let (side, their_side) = StdUnixStream::pair().map_err(|error| format!("make a socket: {error}"))?;
    let mut child =
        spawn(&plan, theirs, their_side).map_err(|error| format!("start its process: {error}"))?;
    match tokio::time::timeout(DEADLINE, begin(&plan, &mut child, control)).await {
        Ok(Ok((control, first, ready))) => {
            let listener = handover::take_listener(&side)
                .map_err(|error| format!("take the proxy's socket: {error}"))?;
            Ok(Started { child, first, control, side, listener, ready })
        }
        Ok(Err(problem)) => Err(explain(problem)),
        Err(_) => Err(format!("it took longer than {} s", DEADLINE.as_secs())),
    }
}

fn spawn(plan: &Plan<'_>, control: UnixStream, side: StdUnixStream) -> io::Result<Child> {
    let control = control.into_std()?;
    control.set_nonblocking(false)?;
    let mut command = Command::new(format!("/proc/self/fd/{}", plan.program.as_raw_fd()));
    command.arg0("roost").args([hands::COMMAND, "outer"]).env_clear();
    // The machine finds its workspace as its current directory, so it needs no right to get there by a path.
    command.current_dir(&plan.workspace.path);
    command.stdin(OwnedFd::from(control)).stdout(OwnedFd::from(side)).stderr(Stdio::null());
    command.kill_on_drop(true).spawn()
}

async fn begin(
    plan: &Plan<'_>,
    child: &mut Child,
    mut control: UnixStream,
) -> Result<(UnixStream, OwnedFd, Ready), String> {
    let process = child.id().ok_or("its process ended at once")?;
    if let Some(group) = plan.group {
        group.attach(process).map_err(|error| format!("put it into its control group: {error}"))?;
    }
    tell(&mut control, &Start::Unshare).await?;
    match hear(&mut control).await? {
        Begun::Unshared => {}
        Begun::Spawned(_) | Begun::Ready(_) | Begun::Broken(_) => return Err(confused()),
    }
    map_ids(process, plan.workspace).map_err(|error| format!("map its user: {error}"))?;
    tell(&mut control, &Start::Spawn { programs: plan.programs.map(Path::to_owned) }).await?;
    // Before the next process may read: both read from one socket, each exactly its own frames.
    let first = match hear(&mut control).await? {
        Begun::Spawned(first) => Pid::from_raw(first).ok_or_else(confused)?,
        Begun::Unshared | Begun::Ready(_) | Begun::Broken(_) => return Err(confused()),
    };
    let first = rustix::process::pidfd_open(first, PidfdFlags::empty())
        .map_err(|error| format!("watch its first process: {error}"))?;
    let shape = Shape {
        tmp_bytes: plan.limits.memory.0 / 2,
        rlimits: plan.rlimits.clone(),
        files: plan.files.into(),
        programs: plan.programs.is_some(),
    };
    tell(&mut control, &Start::Become(shape)).await?;
    let ready = match hear(&mut control).await {
        Ok(Begun::Ready(ready)) => ready,
        Ok(Begun::Unshared | Begun::Spawned(_) | Begun::Broken(_)) => return Err(confused()),
        Err(problem) => {
            // silent-ok: it ended already, which is what this is for.
            let _ = rustix::process::pidfd_send_signal(&first, Signal::KILL);
            return Err(problem);
        }
    };
    handover::check_version(ready.version)?;
    Ok((control, first, ready))
}

/// Maps the machine's one user to the owner of its workspace.
fn map_ids(process: u32, workspace: &Workspace) -> io::Result<()> {
    let own = rustix::process::geteuid();
    if !own.is_root() {
        // The kernel lets others map their own group only once nobody inside can drop one to get around its mode.
        std::fs::write(format!("/proc/{process}/setgroups"), "deny")?;
    }
    let (uid, gid) = (workspace.uid, workspace.gid);
    std::fs::write(format!("/proc/{process}/uid_map"), format!("{} {uid} 1\n", hands::USER))?;
    std::fs::write(format!("/proc/{process}/gid_map"), format!("{} {gid} 1\n", hands::USER))
}

/// Adds what would help, where that is known.
fn explain(problem: String) -> String {
    if problem.starts_with("make the namespaces") {
        format!(
            "{problem}; this host forbids user namespaces to the server: allow them (sysctl \
             user.max_user_namespaces, kernel.unprivileged_userns_clone=1, \
             kernel.apparmor_restrict_unprivileged_userns=0) or run the server as root"
        )
    } else {
        problem
    }
}
