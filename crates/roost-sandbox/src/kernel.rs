//! Machines from what the Linux kernel has: namespaces, control groups, seccomp, Landlock. Nothing to install.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use roost_domain::machine::Layer;
use roost_ports::machine::{Connections, Error, Spec};

use crate::cgroup::Cgroups;
use crate::fleet::{Common, Fleet, Host, OpenError};
use crate::live::Live;

mod body;
mod layers;
mod start;

pub(crate) use layers::{layer, promised_landlock};

/// How machines are made.
pub struct KernelOptions {
    /// The directory of all workspaces, made if there is none. One server at a time can use it.
    pub root: PathBuf,
    /// The binary that is started inside: one whose `main` hands over to [`crate::hands::main`]. `None` is this
    /// process's own.
    pub exe: Option<PathBuf>,
    /// The host's user ids that machines may run as, one each; `None` is 1,900,000,000 to 2,099,999,999. A server
    /// that is not root runs machines as its own user.
    pub uids: Option<std::ops::Range<u32>>,
    /// A directory of the control groups' version 2 that belongs to this server. `None` looks for the best there
    /// is below the server's own group.
    pub cgroup_parent: Option<PathBuf>,
    /// Is told of connections that machines' processes try to make.
    pub connections: Arc<dyn Connections>,
}

/// The driver.
pub type KernelMachines = Fleet<KernelHost>;

/// What all machines of the driver share.
pub struct KernelHost {
    common: Common,
    program: OwnedFd,
    cgroups: Option<Cgroups>,
}

impl KernelMachines {
    /// Opens the driver, and ends what machines a server that died has left here. To be called inside a tokio
    /// runtime, which serves the machines.
    ///
    /// # Errors
    ///
    /// [`OpenError`]; nothing is left behind but directories.
    pub fn new(options: KernelOptions) -> Result<Arc<Self>, OpenError> {
        let KernelOptions { root, exe, uids, cgroup_parent, connections } = options;
        let common = Common::open(root, uids, connections)?;
        let exe = exe.unwrap_or_else(|| PathBuf::from("/proc/self/exe"));
        let program = File::open(&exe).map_err(|source| OpenError::Program { path: exe, source })?;
        let cgroups = Cgroups::find(&common.name(), cgroup_parent.as_deref());
        let cgroups = cgroups.map_err(|source| OpenError::Cgroups { source })?;
        let host = Arc::new(KernelHost { common, program: program.into(), cgroups });
        host.clear_leftovers().map_err(|source| OpenError::Leftovers { source })?;
        Ok(Self::of(host))
    }
}

impl KernelHost {
    /// Ends machines that a dead server has left, frozen ones too, with their groups, and half-removed workspaces.
    /// Goes on in the background; machines wait for it.
    fn clear_leftovers(self: &Arc<Self>) -> std::io::Result<()> {
        let cgroups = self.cgroups.clone();
        let names = cgroups.as_ref().map_or_else(|| Ok(Vec::new()), Cgroups::existing)?;
        let host = Arc::clone(self);
        self.common.tasks.spawn(async move {
            for (name, cgroups) in names.iter().zip(cgroups.iter().cycle()) {
                if let Err(error) = cgroups.group(name).remove().await {
                    tracing::warn!(machine = name, %error, "a dead server's machine cannot be ended");
                }
            }
            host.common.sweep().await;
            host.common.cleared.cancel();
        });
        Ok(())
    }
}

impl Host for KernelHost {
    fn common(&self) -> &Common {
        &self.common
    }

    async fn start(self: &Arc<Self>, spec: &Spec) -> Result<Live, Error> {
        body::start(self, spec).await
    }

    fn layers(&self) -> Vec<Layer> {
        layers::layers(self)
    }
}

impl Drop for KernelHost {
    fn drop(&mut self) {
        // Without an orderly shutdown machines are still ending here; what is not gone soon, because it is frozen,
        // is cleared away by the next start.
        if let Some(cgroups) = &self.cgroups {
            cgroups.remove(Duration::from_secs(1));
        }
    }
}
