//! Where tools run: the machines that are configured for a server, none for a command that only looks into its data.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use roost_domain::gate::Permit;
use roost_domain::id::AgentId;
use roost_domain::machine::{Condition, Layer, Stats};
use roost_ports::machine::{Connections, Error, Machine, Machines, Spec};
use roost_sandbox::{DockerMachines, DockerOptions, KernelMachines, KernelOptions};

use crate::config::Config;
use crate::config::file::Driver;

/// Opens the machines of a server. To be called inside its tokio runtime.
///
/// # Errors
///
/// If this machine's kernel, its container engine or the data directory does not allow it.
pub(crate) async fn open(
    config: &Config,
    connections: Arc<dyn Connections>,
) -> anyhow::Result<Arc<dyn Machines>> {
    open_in(config, config.data.join("workspaces"), connections).await
}

/// Opens machines that have their workspaces in a directory of their own.
///
/// # Errors
///
/// If this machine's kernel, its container engine or the directory does not allow it.
pub(crate) async fn open_in(
    config: &Config,
    root: PathBuf,
    connections: Arc<dyn Connections>,
) -> anyhow::Result<Arc<dyn Machines>> {
    let machines = &config.file.machines;
    let uids = Some(machines.uids.0.clone());
    match machines.driver {
        Driver::Kernel => {
            let cgroup_parent = machines.cgroup_parent.clone();
            let options = KernelOptions { root, exe: None, uids, cgroup_parent, connections };
            Ok(KernelMachines::new(options)?)
        }
        Driver::Docker => {
            let (socket, image) = (machines.docker.socket.clone(), machines.docker.image.clone());
            let options = DockerOptions { root, exe: None, uids, socket, image, connections };
            Ok(DockerMachines::open(options).await?)
        }
    }
}

/// Returns the machines of a command that runs none.
pub(crate) fn none() -> Arc<dyn Machines> {
    Arc::new(NoMachines)
}

/// Nothing runs here; only a server has machines.
struct NoMachines;

#[async_trait]
impl Machines for NoMachines {
    async fn open(&self, _: &Permit, _: &Spec) -> Result<Arc<dyn Machine>, Error> {
        Err(Error::CannotStart {
            problem: "only a server runs machines; start one with roost serve".to_owned(),
        })
    }

    async fn freeze(&self, _: AgentId) -> Result<(), Error> {
        Ok(())
    }

    async fn thaw(&self, _: AgentId) -> Result<(), Error> {
        Ok(())
    }

    async fn stop(&self, _: AgentId) -> Result<(), Error> {
        Ok(())
    }

    async fn destroy(&self, _: AgentId) -> Result<(), Error> {
        Ok(())
    }

    async fn stats(&self, _: AgentId) -> Result<Option<Stats>, Error> {
        Ok(None)
    }

    fn condition(&self, _: AgentId) -> Condition {
        Condition::Absent
    }

    fn connections(&self, _: AgentId) -> u64 {
        0
    }

    fn idle(&self, _: Duration) -> Vec<AgentId> {
        Vec::new()
    }

    async fn workspaces(&self) -> Result<Vec<AgentId>, Error> {
        Ok(Vec::new())
    }

    fn layers(&self) -> Vec<Layer> {
        Vec::new()
    }

    async fn shutdown(&self) {}
}
