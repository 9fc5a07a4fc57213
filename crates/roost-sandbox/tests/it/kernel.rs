//! The kernel driver passes the suite.

use std::path::Path;
use std::sync::Arc;

use roost_ports::machine::Machines;
use roost_sandbox::conformance::{Bench, life as life_of};
use roost_sandbox::{KernelMachines, KernelOptions};

use crate::driver::{Driver, kernel_options, machines};

roost_sandbox::machine_conformance!(machines(Driver::Kernel, Arc::default()).await);

/// A server that is not root keeps the contract too, with what then holds.
#[test]
fn the_suite_passes_for_a_server_without_privileges() {
    use std::os::unix::process::CommandExt;
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let nobody = 65534;
    let hands =
        std::process::Command::new(env!("CARGO_BIN_EXE_roost-hands")).uid(nobody).gid(nobody).status();
    if hands.is_err() {
        eprintln!("the way to the binaries is closed to other users: not tested");
        return;
    }
    let place = tempfile::tempdir().unwrap();
    std::os::unix::fs::chown(place.path(), Some(nobody), Some(nobody)).unwrap();
    // Opened here, as the way to it may be closed to others.
    let program = std::fs::File::open(std::env::current_exe().unwrap()).unwrap();
    let mut command =
        std::process::Command::new(format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&program)));
    command
        .args(["kernel::", "escape::", "fences::", "--skip", "docker", "--test-threads=2"])
        .env("TMPDIR", place.path());
    let output = command.uid(nobody).gid(nobody).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains(" passed"),
        "{said}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// On hosts that show a tree of version 2, the same with its freezer; the other controllers may be elsewhere.
#[tokio::test(flavor = "multi_thread")]
async fn the_freezer_of_version_two_is_used_where_asked_for() {
    let trees = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"].map(Path::new);
    let Some(tree) = trees.into_iter().find(|tree| tree.join("cgroup.controllers").exists()) else { return };
    let parent = tree.join(format!("roost-test-{}", std::process::id()));
    if std::fs::create_dir(&parent).is_err() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let options =
        KernelOptions { cgroup_parent: Some(parent.clone()), ..kernel_options(&dir.path().join("machines")) };
    let machines = KernelMachines::new(options).unwrap();
    let bench = Bench::new(Arc::clone(&machines) as Arc<dyn Machines>);
    life_of::a_frozen_machine_stands_still_and_goes_on(&bench).await;
    life_of::a_frozen_machine_can_be_stopped(&bench).await;
    life_of::statistics_are_of_the_machine(&bench).await;
    let freezer = machines.layers().into_iter().find(|layer| layer.name == "freezer").unwrap();
    assert_eq!((freezer.holds, freezer.detail.as_str()), (true, "cgroup v2"));
    machines.shutdown().await;
    drop((bench, machines));
    std::fs::remove_dir(&parent).unwrap();
}
