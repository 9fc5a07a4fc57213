//! A server that is killed takes its machines along.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::driver::{Attempts, Driver, at, engine, kernel_options, machines};

/// A server in a process of its own, killed at the latest with the test.
struct Server(Child);

impl Server {
    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Starts a server, whose machine runs a command.
fn drive(driver: Driver, root: &Path, what: &str, line: &str) -> Server {
    let mut command = Command::new(env!("CARGO_BIN_EXE_roost-hands"));
    command.arg("drive").arg(root).args([what, line]);
    if driver == Driver::Docker {
        command.arg(engine().unwrap());
    }
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let server = Server(child);
    assert!(lines.any(|line| line.unwrap() == "driving"), "the machine did not start");
    server
}

/// Counts processes of the host with this argument.
fn count(argument: &str) -> usize {
    let has = |pid: &str| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        line.starts_with(b"sleep\0") && line.split(|byte| *byte == 0).any(|word| word == argument.as_bytes())
    };
    let names = std::fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().file_name());
    names.filter(|name| name.to_str().is_some_and(has)).count()
}

fn wait_until(argument: &str, expected: usize) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while count(argument) != expected {
        assert!(Instant::now() < deadline, "{} processes of the machine are there", count(argument));
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub(crate) async fn a_killed_server_takes_its_machines_along(driver: Driver) {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("m");
    let argument = format!("70{}", std::process::id());
    let line = format!("sleep {argument} & setsid sleep {argument} & (setsid sleep {argument} &) ; echo");
    let mut server = drive(driver, &root, "run", &line);
    wait_until(&argument, 3);
    server.kill();
    wait_until(&argument, 0);
    at(driver, &root, Arc::new(Attempts::default())).await.shutdown().await;
}

pub(crate) async fn what_a_killed_server_left_frozen_ends_at_the_next_start(driver: Driver) {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("m");
    let argument = format!("71{}", std::process::id());
    let mut server = drive(
        driver,
        &root,
        "freeze",
        &format!("sleep {argument} & until grep -q sleep /proc/$!/comm; do :; done; echo"),
    );
    wait_until(&argument, 1);
    server.kill();
    let next = at(driver, &root, Arc::new(Attempts::default())).await;
    tokio::task::spawn_blocking(move || wait_until(&argument, 0)).await.unwrap();
    next.shutdown().await;
}

pub(crate) async fn one_directory_has_one_server(driver: Driver) {
    let (dir, first) = machines(driver, Arc::default()).await;
    let second = roost_sandbox::KernelMachines::new(kernel_options(&dir.path().join("machines")));
    assert!(matches!(second, Err(roost_sandbox::OpenError::InUse { .. })));
    first.shutdown().await;
}

crate::driver::for_each_driver!(
    a_killed_server_takes_its_machines_along,
    what_a_killed_server_left_frozen_ends_at_the_next_start,
    one_directory_has_one_server,
);
