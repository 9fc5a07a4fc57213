//! What a machine of the kernel driver consists of.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use async_trait::async_trait;
use roost_domain::machine::Limits;
use roost_ports::machine::{Error, Spec};
use rustix::process::Signal;
use tokio::process::Child;

use super::KernelHost;
use super::start::{self, Plan, Started};
use crate::cgroup::Group;
use crate::live::{Body, Live};
use crate::lock;
use crate::remote::Remote;
use crate::wire::Rlimits;

struct KernelBody {
    group: Option<Group>,
    first: OwnedFd,
    child: tokio::sync::Mutex<Child>,
}

/// Starts a machine.
pub(super) async fn start(host: &Arc<KernelHost>, spec: &Spec) -> Result<Live, Error> {
    host.common.wait_until_cleared().await?;
    let group = host.cgroups.as_ref().map(|cgroups| cgroups.group(&spec.agent.uuid().to_string()));
    let result = start_in(host, spec, group.as_ref()).await;
    if result.is_err()
        && let Some(group) = &group
        && let Err(error) = group.remove().await
    {
        tracing::warn!(agent = %spec.agent, %error, "a machine that did not start has left its control group");
    }
    result
}

async fn start_in(host: &Arc<KernelHost>, spec: &Spec, group: Option<&Group>) -> Result<Live, Error> {
    let common = &host.common;
    let workspace = common.prepare(spec.agent).await?;
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
        programs: spec.hosted.as_ref().map(|hosted| hosted.programs.as_path()),
    };
    let started = start::start(plan).await;
    common.note_fences(spec, started.as_ref().err().map(String::as_str));
    let Started { child, first, control, side, listener, ready } = started.map_err(cannot_start)?;
    let remote = Remote::new(control, side, &common.tasks);
    *lock(&common.ready) = Some(ready);
    if let Some(listener) = listener {
        common.open_door(spec, listener, &remote);
    }
    let body = KernelBody { group: group.cloned(), first, child: tokio::sync::Mutex::new(child) };
    Ok(Live::new(spec, remote, group.cloned(), Box::new(body)))
}

#[async_trait]
impl Body for KernelBody {
    fn freezes(&self) -> bool {
        self.group.as_ref().is_some_and(Group::freezes)
    }

    async fn freeze(&self, freeze: bool) -> io::Result<()> {
        match &self.group {
            Some(group) => group.freeze(freeze).await,
            None => Ok(()),
        }
    }

    async fn end(&self, is_frozen: bool) -> io::Result<()> {
        // The first process takes all others with it, and the one outside waits for that.
        match rustix::process::pidfd_send_signal(&self.first, Signal::KILL) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => {}
            Err(error) => return Err(error.into()),
        }
        // In version 1, what is frozen does not even end.
        if is_frozen {
            self.freeze(false).await?;
        }
        self.child.lock().await.wait().await?;
        match &self.group {
            Some(group) => group.remove().await,
            None => Ok(()),
        }
    }
}

/// Returns what is limited for each process because the host cannot limit it for the whole machine.
fn rlimits(host: &KernelHost, limits: &Limits) -> Option<Rlimits> {
    let controllers = host.cgroups.as_ref().map(|cgroups| &cgroups.parents);
    let held = controllers.is_some_and(|all| all.memory.is_some() && all.pids.is_some());
    (!held).then(|| Rlimits { memory_bytes: limits.memory.0, processes: u64::from(limits.processes) })
}

fn cannot_start(problem: String) -> Error {
    Error::CannotStart { problem }
}
