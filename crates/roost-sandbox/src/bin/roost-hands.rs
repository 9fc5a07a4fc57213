//! The process inside a machine as a binary of its own, for tests and examples of this crate. A server starts
//! machines with its own binary instead.
//!
//! `roost-hands drive ROOT run|freeze LINE [SOCKET]` is such a server in small: it runs a command in a machine,
//! freezes the machine if asked to, and waits to be ended. With a socket, the machine is a container of the engine
//! that listens there.

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use roost_ports::machine::{Attempt, Command, Connections, Machines, Output};
use roost_sandbox::conformance::{Bench, must};
use roost_sandbox::{DockerMachines, DockerOptions, KernelMachines, KernelOptions, hands};

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    match args.next().as_deref().and_then(|word| word.to_str()) {
        Some(hands::COMMAND) => hands::main(args),
        Some("drive") => {
            let args: Vec<String> = args.filter_map(|arg| arg.into_string().ok()).collect();
            let [root, what, line, socket @ ..] = args.as_slice() else { return ExitCode::from(2) };
            let runtime = must("runtime", tokio::runtime::Builder::new_multi_thread().enable_all().build());
            runtime.block_on(drive(root, what == "freeze", line, socket.first()));
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!("roost-hands is started by a machine driver or a test, not by hand");
            ExitCode::from(2)
        }
    }
}

struct Ignore;

impl Connections for Ignore {
    fn attempted(&self, _attempt: Attempt) {}
}

async fn open(root: &str, socket: Option<&String>) -> Arc<dyn Machines> {
    let (root, exe, uids, connections) = (root.into(), None, None, Arc::new(Ignore));
    match socket {
        None => {
            let options = KernelOptions { root, exe, uids, cgroup_parent: None, connections };
            must("driver", KernelMachines::new(options)) as Arc<dyn Machines>
        }
        Some(socket) => {
            let options = DockerOptions { root, exe, uids, socket: socket.into(), image: None, connections };
            must("driver", DockerMachines::open(options).await) as Arc<dyn Machines>
        }
    }
}

async fn drive(root: &str, freeze: bool, line: &str, socket: Option<&String>) {
    let machines = open(root, socket).await;
    let bench = Bench::new(Arc::clone(&machines));
    let machine = bench.open().await;
    let hour = Duration::from_secs(3600);
    let command = Command { line: line.to_owned(), timeout: hour, output_cap: bench.spec.limits.memory };
    let permit = bench.may_run(line);
    let mut show = |piece: Output<'_>| {
        let (Output::Stdout(bytes) | Output::Stderr(bytes)) = piece;
        // silent-ok: a test that no longer listens is about to end this process.
        let _ = std::io::stdout().write_all(bytes);
        let _ = std::io::stdout().flush();
    };
    must(line, machine.exec(&permit, command, &mut show).await);
    if freeze {
        must("freeze", machines.freeze(bench.agent).await);
    }
    must("stdout", writeln!(std::io::stdout(), "driving"));
    std::future::pending::<()>().await;
}
