//! Measures the kernel driver on this host: `cargo run --release --example machines -- [MACHINES]`.
//!
//! Prints how long machines take to start (first alone, then all that are asked for, one after the other), to
//! freeze and to thaw, how long a command takes, and how much memory an idle machine holds.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use roost_ports::machine::{Attempt, Connections, Machines};
use roost_sandbox::conformance::{Bench, must};
use roost_sandbox::{KernelMachines, KernelOptions, hands};

struct Ignore;

impl Connections for Ignore {
    fn attempted(&self, _attempt: Attempt) {}
}

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1).peekable();
    if args.next_if(|word| word == hands::COMMAND).is_some() {
        return hands::main(args);
    }
    let count = args.next().and_then(|word| word.to_str()?.parse().ok()).unwrap_or(100);
    let runtime = must("runtime", tokio::runtime::Builder::new_multi_thread().enable_all().build());
    runtime.block_on(measure(count));
    ExitCode::SUCCESS
}

async fn measure(count: usize) {
    let dir = must("directory", tempfile::tempdir());
    let options = KernelOptions {
        root: PathBuf::from(dir.path()).join("machines"),
        exe: None,
        uids: None,
        cgroup_parent: None,
        connections: Arc::new(Ignore),
    };
    let machines = must("driver", KernelMachines::new(options));
    let port = Arc::clone(&machines) as Arc<dyn Machines>;
    for layer in machines.layers() {
        say(&format!("{:12} {:5} {}", layer.name, layer.holds, layer.detail));
    }
    let before = available();
    let (mut starts, mut benches) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let bench = Bench::new(Arc::clone(&port));
        let began = Instant::now();
        bench.open().await;
        starts.push(began.elapsed());
        benches.push(bench);
    }
    let held = before.saturating_sub(available());
    let (mut freezes, mut thaws, mut runs, mut again) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for bench in &benches {
        freezes.push(time(machines.freeze(bench.agent)).await);
        thaws.push(time(machines.thaw(bench.agent)).await);
        let began = Instant::now();
        bench.run("true").await;
        runs.push(began.elapsed());
    }
    for bench in benches.iter().take(50) {
        must("stop", machines.stop(bench.agent).await);
        let began = Instant::now();
        bench.open().await;
        again.push(began.elapsed());
    }
    show("start", starts);
    show("start again", again);
    show("freeze", freezes);
    show("thaw", thaws);
    show("run `true`", runs);
    say(&format!("{count} idle machines hold {} KiB each", held / count.max(1) as u64));
    let began = Instant::now();
    machines.shutdown().await;
    say(&format!("shutdown {:?}", began.elapsed()));
}

async fn time<E: std::fmt::Debug>(work: impl Future<Output = Result<(), E>>) -> Duration {
    let began = Instant::now();
    must("change", work.await);
    began.elapsed()
}

fn show(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let last = times.len().saturating_sub(1);
    let at = |share: usize| times.get((times.len() * share / 100).min(last)).copied().unwrap_or_default();
    say(&format!("{what:12} p50 {:?} p99 {:?} most {:?}", at(50), at(99), at(100)));
}

/// Returns the host's free memory, in KiB.
fn available() -> u64 {
    let text = must("meminfo", std::fs::read_to_string("/proc/meminfo"));
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

fn say(line: &str) {
    must("stdout", writeln!(std::io::stdout(), "{line}"));
}
