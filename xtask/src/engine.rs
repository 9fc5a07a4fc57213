//! A Docker engine of the tests' own: Debian's containerd and dockerd, with their own sockets and directories, ended
//! by their own process ids.
//!
//! Tests find it through the environment variable `ROOST_TEST_DOCKER`, the path of its socket. Where it is unset, the
//! tests of the Docker driver say that they were not run; where it is set, they run or fail.

use std::fs;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::command::works;
use crate::needs;

/// The environment variable by which tests find the engine.
pub(crate) const VARIABLE: &str = "ROOST_TEST_DOCKER";

/// How long each of its processes may take to answer, and to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running engine. It ends when this is dropped.
pub(crate) struct Engine {
    directory: PathBuf,
    /// In the order in which they are to be ended.
    processes: Vec<Child>,
}

impl Engine {
    /// Starts one, installing it first where that can be done without asking.
    ///
    /// # Errors
    ///
    /// Says why there can be none here.
    pub(crate) fn start(deadline: Instant) -> Result<Self> {
        ensure!(needs::is_root(), "only root can run one");
        let is_there = || works(Command::new("dockerd").arg("--version"));
        if !is_there() {
            println!("dockerd is missing, needed for the tests of the Docker driver");
            needs::install(&["docker.io"], deadline)?;
            ensure!(is_there(), "dockerd is missing; on Debian it comes with apt-get install docker.io");
        }
        // Short, as the path of a socket has few bytes.
        let directory = std::env::temp_dir().join(format!("roost-engine-{}", std::process::id()));
        fs::create_dir(&directory).with_context(|| format!("cannot make {}", directory.display()))?;
        let mut engine = Self { directory, processes: Vec::new() };
        engine.containerd()?;
        engine.dockerd()?;
        Ok(engine)
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.at("docker.sock")
    }

    fn at(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    fn containerd(&mut self) -> Result<()> {
        let (root, state, socket) = (self.at("c"), self.at("c-run"), self.at("containerd.sock"));
        let config = format!(
            "version = 2\nroot = {root:?}\nstate = {state:?}\n\
             disabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n[grpc]\naddress = {socket:?}\n"
        );
        fs::write(self.at("containerd.toml"), config)?;
        let mut command = Command::new("containerd");
        command.arg("--config").arg(self.at("containerd.toml"));
        self.run(command, "containerd", &socket)
    }

    fn dockerd(&mut self) -> Result<()> {
        fs::write(self.at("docker.json"), "{}")?;
        let socket = self.socket();
        let mut command = Command::new("dockerd");
        command.arg("--config-file").arg(self.at("docker.json"));
        command.arg("--containerd").arg(self.at("containerd.sock"));
        command.arg("--host").arg(format!("unix://{}", socket.display()));
        command.arg("--data-root").arg(self.at("d")).arg("--exec-root").arg(self.at("d-run"));
        command.arg("--pidfile").arg(self.at("docker.pid"));
        // Machines have no network, and the driver needs no layers.
        command.args(["--iptables=false", "--ip6tables=false", "--bridge=none", "--storage-driver=vfs"]);
        self.run(command, "dockerd", &socket)
    }

    /// Starts a process and waits until it listens.
    fn run(&mut self, mut command: Command, name: &str, socket: &Path) -> Result<()> {
        let log = self.at(&format!("{name}.log"));
        let output = fs::File::create(&log)?;
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let mut child = command.spawn().with_context(|| format!("cannot start {name}"))?;
        let until = Instant::now() + PATIENCE;
        let mut ended = None;
        while ended.is_none() && UnixStream::connect(socket).is_err() && Instant::now() < until {
            ended = child.try_wait()?;
            thread::sleep(Duration::from_millis(50));
        }
        let listens = ended.is_none() && UnixStream::connect(socket).is_ok();
        self.processes.insert(0, child);
        if !listens {
            let said = fs::read_to_string(&log).unwrap_or_default();
            let last: Vec<&str> = said.lines().rev().take(5).collect();
            bail!("{name} does not listen: {}", last.into_iter().rev().collect::<Vec<_>>().join("\n"));
        }
        Ok(())
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        for process in &mut self.processes {
            works(Command::new("kill").args(["-TERM", &process.id().to_string()]));
            let until = Instant::now() + PATIENCE;
            while matches!(process.try_wait(), Ok(None)) && Instant::now() < until {
                thread::sleep(Duration::from_millis(50));
            }
            // silent-ok: it has ended, or could not be ended either way.
            let _ = process.kill();
            let _ = process.wait();
        }
        if let Err(error) = fs::remove_dir_all(&self.directory) {
            println!("{} cannot be removed: {error}", self.directory.display());
        }
    }
}
