//! Machines that are containers of a Docker engine on this host, reached over its socket.
//!
//! The same hands, the same workspace directories and the same egress door as with the kernel driver. A container
//! has no network, no capability, a read-only root, and the limits of its machine; its file rules are mounts.

use std::collections::HashMap;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use roost_domain::machine::Layer;
use roost_ports::machine::{Connections, Error, Spec};

use crate::fleet::{Common, Fleet, Host, OpenError};
use crate::live::Live;

mod container;
mod engine;
mod image;
mod layers;
mod mounts;
mod place;
mod start;

use engine::Engine;

/// How machines are made.
pub struct DockerOptions {
    /// The directory of all workspaces, made if there is none. One server at a time can use it.
    pub root: PathBuf,
    /// The binary that is started inside: one whose `main` hands over to [`crate::hands::main`]. `None` is this
    /// process's own.
    pub exe: Option<PathBuf>,
    /// The host's user ids that machines may run as, one each; `None` is 1,900,000,000 to 2,099,999,999. A server
    /// that is not root runs machines as its own user.
    pub uids: Option<Range<u32>>,
    /// The engine's socket on this host.
    pub socket: PathBuf,
    /// The image whose programs machines have; it must be there already, and be able to run the binary. `None`
    /// shows this host's programs, read-only.
    pub image: Option<String>,
    /// Is told of connections that machines' processes try to make.
    pub connections: Arc<dyn Connections>,
}

/// The driver.
pub type DockerMachines = Fleet<DockerHost>;

/// What all machines of the driver share.
pub struct DockerHost {
    common: Common,
    engine: Engine,
    program: PathBuf,
    image: String,
    /// Whether machines have this host's programs.
    shows_host: bool,
}

impl DockerMachines {
    /// Opens the driver, and ends what machines a server that died has left here. To be called inside a tokio
    /// runtime, which serves the machines.
    ///
    /// # Errors
    ///
    /// [`OpenError`]; nothing is left behind but directories, and an empty image in the engine.
    pub async fn open(options: DockerOptions) -> Result<Arc<Self>, OpenError> {
        let DockerOptions { root, exe, uids, socket, image, connections } = options;
        let common = Common::open(root, uids, connections)?;
        let exe = exe.unwrap_or_else(|| PathBuf::from("/proc/self/exe"));
        // The engine needs its real path.
        let program =
            std::fs::canonicalize(&exe).map_err(|source| OpenError::Program { path: exe, source })?;
        let failed = |problem| OpenError::Engine { socket: socket.clone(), problem };
        let engine = Engine::connect(&socket).await.map_err(failed)?;
        let shows_host = image.is_none();
        let image = match image {
            Some(image) => engine.require_image(&image).await.map(|()| image),
            None => image::provide(&engine).await,
        };
        let host =
            Arc::new(DockerHost { common, engine, program, image: image.map_err(failed)?, shows_host });
        host.clear_leftovers();
        Ok(Self::of(host))
    }
}

impl DockerHost {
    /// Ends the machines that a dead server has left, frozen ones too, with what stood beside them.
    fn clear_leftovers(self: &Arc<Self>) {
        let host = Arc::clone(self);
        self.common.tasks.spawn(async move {
            if let Err(problem) = host.remove_leftovers().await {
                tracing::warn!(problem, "a dead server's machines cannot be ended");
            }
            host.common.sweep().await;
            host.common.cleared.cancel();
        });
    }

    async fn remove_leftovers(&self) -> Result<(), String> {
        for container in self.engine.containers(engine::LABEL, &self.common.name()).await? {
            self.engine.remove(&container).await?;
        }
        let places = place::all(&self.common.workspaces);
        let removed = tokio::task::spawn_blocking(move || crate::removal::remove(&places)).await;
        removed.unwrap_or_else(|error| Err(std::io::Error::other(error))).map_err(|error| error.to_string())
    }

    /// Returns what names and finds one agent's container.
    fn labels(&self, spec: &Spec) -> HashMap<String, String> {
        HashMap::from([
            (engine::LABEL.to_owned(), self.common.name()),
            ("roost.agent".to_owned(), spec.agent.to_string()),
        ])
    }
}

impl Host for DockerHost {
    fn common(&self) -> &Common {
        &self.common
    }

    async fn start(self: &Arc<Self>, spec: &Spec) -> Result<Live, Error> {
        start::start(self, spec).await
    }

    fn layers(&self) -> Vec<Layer> {
        layers::layers(self)
    }
}
