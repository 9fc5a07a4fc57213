//! Snapshots on filesystems whose files can share their data, in an image that is mounted for the test alone.
//!
//! Needs root, `unshare`, `mount` and one of `mkfs.xfs` and `mkfs.btrfs`; without them nothing is tested, which the
//! output says. The mount lives in a namespace of its own and ends with the process, however it ends.

#![expect(clippy::disallowed_methods, reason = "the test asks which programs its host has")]

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use roost_domain::id::SnapshotId;
use roost_domain::snapshot::Method;
use roost_domain::unit::Bytes;
use roost_ports::machine::{Error, Machines};
use roost_sandbox::conformance::Bench;

use crate::driver::{Driver, machines};

/// Tells the test inside where the filesystem is.
const PLACE: &str = "ROOST_TEST_SHARING";

/// Finds a program where root has it, whatever the path says.
fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let usual = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"].map(PathBuf::from);
    std::env::split_paths(&path).chain(usual).map(|directory| directory.join(name)).find(|at| at.is_file())
}

/// Runs tests of this binary with a new filesystem; says why where that is not possible.
fn on_a_new_filesystem(make: &str, arguments: &[&str], size: &str, tests: &[&str]) -> Result<(), String> {
    if !rustix::process::geteuid().is_root() {
        return Err("only root can mount".to_owned());
    }
    let Some(make) = program(make) else { return Err(format!("there is no {make}")) };
    let dir = tempfile::tempdir().unwrap();
    let (image, place) = (dir.path().join("image"), dir.path().join("place"));
    std::fs::create_dir(&place).unwrap();
    let script = "truncate -s \"$SIZE\" \"$IMAGE\" && \"$MAKE\" \"$@\" \"$IMAGE\" >/dev/null && \
                  mount -o loop \"$IMAGE\" \"$PLACE\" || exit 77";
    let line = format!("{script}; exec \"$EXE\" $TESTS --test-threads=2");
    let output = Command::new("unshare")
        .args(["--mount", "sh", "-c", &line, "sh"])
        .args(arguments)
        .env("SIZE", size)
        .env("IMAGE", &image)
        .env("MAKE", make)
        .env("PLACE", &place)
        .env("EXE", std::env::current_exe().unwrap())
        .env("TESTS", tests.join(" "))
        .env("TMPDIR", &place)
        .env(PLACE, &place)
        .output()
        .map_err(|error| error.to_string())?;
    let (said, told) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.code() == Some(77) {
        return Err(format!("nothing can be mounted: {told}"));
    }
    assert!(output.status.success() && said.contains(" passed"), "{said}\n{told}");
    Ok(())
}

#[test]
fn where_files_can_share_their_data_a_snapshot_copies_none() {
    let tests = ["kernel::snapshots", "sharing::inside"];
    let mut tested = false;
    for (make, arguments, size) in
        [("mkfs.xfs", &["-q", "-m", "reflink=1"][..], "512M"), ("mkfs.btrfs", &["-q"], "512M")]
    {
        match on_a_new_filesystem(make, arguments, size, &tests) {
            Ok(()) => tested = true,
            Err(why) => eprintln!("{make}: not tested: {why}"),
        }
    }
    if !tested {
        eprintln!("sharing of data was not tested");
    }
}

#[test]
fn on_a_full_disk_a_snapshot_fails_whole() {
    match on_a_new_filesystem("mkfs.ext4", &["-q"], "256M", &["sharing::full"]) {
        Ok(()) => {}
        Err(why) => eprintln!("not tested: {why}"),
    }
}

fn space(place: &Path) -> u64 {
    let disk = rustix::fs::statvfs(place).unwrap();
    disk.f_bfree * disk.f_frsize
}

fn snapshot_id(number: u128) -> SnapshotId {
    SnapshotId::from_uuid(uuid::Uuid::from_u128(number))
}

mod inside {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_fork_of_much_data_takes_no_space() {
        let Some(place) = std::env::var_os(PLACE).map(PathBuf::from) else { return };
        let (dir, machines) = machines(Driver::Kernel, Arc::default()).await;
        let bench = Bench::new(Arc::clone(&machines) as Arc<dyn Machines>);
        bench.run("head -c 100000000 /dev/urandom > big; sync; cksum big").await;
        let before = space(&place);
        let (saved, hold) = machines.snapshot(bench.agent, snapshot_id(1)).await.unwrap();
        drop(hold);
        let other = bench.other();
        let forked = machines.restore(snapshot_id(1), other.agent).await.unwrap();
        for transfer in [saved, forked] {
            assert_eq!((transfer.method, transfer.copied), (Method::Reflink, Bytes(0)));
            assert_eq!(transfer.size, Bytes(100_000_000));
        }
        // Others use the filesystem at the same time, but not nearly as much as two copies.
        let taken = before.saturating_sub(space(&place));
        assert!(taken < 80_000_000, "{taken} bytes were taken");
        let cksum = |bench: Bench| async move { bench.run("cksum big").await.stdout };
        assert_eq!(cksum(bench.clone()).await, cksum(other.clone()).await);
        other.run("echo more >> big").await;
        assert_ne!(cksum(bench.clone()).await, cksum(other.clone()).await);
        machines.shutdown().await;
        drop(dir);
    }
}

mod full {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn nothing_is_left_of_what_does_not_fit() {
        let Some(place) = std::env::var_os(PLACE).map(PathBuf::from) else { return };
        let (dir, machines) = machines(Driver::Kernel, Arc::default()).await;
        let bench = Bench::new(Arc::clone(&machines) as Arc<dyn Machines>);
        bench.run("head -c 60000000 /dev/zero > first; head -c 60000000 /dev/zero > second; sync").await;
        let before = space(&place);
        let failed = machines.snapshot(bench.agent, snapshot_id(1)).await.map(|(transfer, _)| transfer);
        assert!(matches!(failed, Err(Error::NoSpace { .. })), "{failed:?}");
        let restored = machines.restore(snapshot_id(1), bench.agent).await;
        assert!(matches!(restored, Err(Error::NoSnapshot(_))), "{restored:?}");
        assert!(space(&place) + 1_000_000 > before, "{} {before}", space(&place));
        let names: Vec<_> = std::fs::read_dir(dir.path().join("machines"))
            .unwrap()
            .map(|entry| entry.unwrap())
            .filter(|entry| entry.metadata().unwrap().is_dir() && entry.metadata().unwrap().nlink() > 0)
            .map(|entry| entry.file_name().into_string().unwrap())
            .filter(|name| name.starts_with(".trash"))
            .collect();
        assert_eq!(names, Vec::<String>::new());
        assert_eq!(bench.run("cat first | wc -c; echo fine").await.stdout, "60000000\nfine\n");
        machines.shutdown().await;
    }
}
