//! The drivers that put walls up, for tests that all of them have to pass.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use roost_ports::machine::{Attempt, Connections, Machines};
use roost_sandbox::{DockerMachines, DockerOptions, KernelMachines, KernelOptions};

/// Names the socket of an engine. `cargo xtask test` starts one where it can and sets this; then the tests do not
/// pass without it.
const ENGINE: &str = "ROOST_TEST_DOCKER";

/// Which driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Driver {
    Kernel,
    Docker,
}

/// Remembers every attempt to connect.
#[derive(Default)]
pub(crate) struct Attempts(pub(crate) Mutex<Vec<Attempt>>);

impl Connections for Attempts {
    fn attempted(&self, attempt: Attempt) {
        self.0.lock().unwrap().push(attempt);
    }
}

/// How a kernel driver in a directory is made.
pub(crate) fn kernel_options(root: &Path) -> KernelOptions {
    KernelOptions {
        root: root.to_owned(),
        exe: Some(env!("CARGO_BIN_EXE_roost-hands").into()),
        uids: None,
        cgroup_parent: None,
        connections: Arc::new(Attempts::default()),
    }
}

/// Returns the engine's socket; says loudly when there is none.
#[expect(clippy::disallowed_methods, reason = "the tests' own switch, no part of a server's configuration")]
pub(crate) fn engine() -> Option<PathBuf> {
    let socket = std::env::var_os(ENGINE).filter(|socket| !socket.is_empty()).map(PathBuf::from);
    if socket.is_none() {
        eprintln!("NOT TESTED: {ENGINE} names no socket of a Docker engine");
    }
    socket
}

/// How a Docker driver in a directory is made.
pub(crate) fn docker_options(root: &Path, socket: PathBuf) -> DockerOptions {
    DockerOptions {
        root: root.to_owned(),
        exe: Some(env!("CARGO_BIN_EXE_roost-hands").into()),
        uids: None,
        socket,
        image: None,
        connections: Arc::new(Attempts::default()),
    }
}

/// A driver in a directory.
pub(crate) async fn at(driver: Driver, root: &Path, connections: Arc<dyn Connections>) -> Arc<dyn Machines> {
    match driver {
        Driver::Kernel => KernelMachines::new(KernelOptions { connections, ..kernel_options(root) }).unwrap(),
        Driver::Docker => {
            let socket = engine().expect("tests of the Docker driver are not run without an engine");
            DockerMachines::open(DockerOptions { connections, ..docker_options(root, socket) }).await.unwrap()
        }
    }
}

/// A driver with a directory of its own.
pub(crate) async fn machines(
    driver: Driver,
    attempts: Arc<Attempts>,
) -> (tempfile::TempDir, Arc<dyn Machines>) {
    let dir = tempfile::tempdir().unwrap();
    let machines = at(driver, &dir.path().join("machines"), attempts).await;
    (dir, machines)
}

/// Makes two tests of each function that takes a driver.
macro_rules! for_each_driver {
    ($($name:ident),* $(,)?) => {
        mod kernel {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $name() {
                    super::$name($crate::driver::Driver::Kernel).await;
                }
            )*
        }
        mod docker {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $name() {
                    if $crate::driver::engine().is_some() {
                        super::$name($crate::driver::Driver::Docker).await;
                    }
                }
            )*
        }
    };
}

pub(crate) use for_each_driver;
