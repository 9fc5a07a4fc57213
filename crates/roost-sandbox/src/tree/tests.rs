use std::os::unix::fs::{MetadataExt, PermissionsExt};

use super::*;

fn made() -> (tempfile::TempDir, PathBuf, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let (from, to) = (dir.path().join("from"), dir.path().join("to"));
    fs::create_dir(&from).unwrap();
    (dir, from, to)
}

#[test]
fn a_copy_belongs_to_whom_it_is_given() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let (_dir, from, to) = made();
    fs::create_dir(from.join("d")).unwrap();
    fs::write(from.join("d/f"), "x").unwrap();
    std::os::unix::fs::symlink("f", from.join("d/l")).unwrap();
    copy(&from, &to, Some(Owner { uid: 4321, gid: 4322 })).unwrap();
    for path in ["", "d", "d/f", "d/l"] {
        let found = fs::symlink_metadata(to.join(path)).unwrap();
        assert_eq!((found.uid(), found.gid()), (4321, 4322), "{path}");
    }
    assert_eq!(fs::metadata(from.join("d/f")).unwrap().uid(), 0, "the original stays whose it was");
}

#[test]
fn links_are_copied_and_never_followed() {
    let (dir, from, to) = made();
    let outside = dir.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("secret"), "secret").unwrap();
    std::os::unix::fs::symlink(&outside, from.join("way")).unwrap();
    std::os::unix::fs::symlink("..", from.join("up")).unwrap();
    let tally = copy(&from, &to, None).unwrap();
    assert_eq!((tally.entries, tally.size), (2, 0));
    assert_eq!(fs::read_link(to.join("way")).unwrap(), outside);
    assert_eq!(fs::read_link(to.join("up")).unwrap(), Path::new(".."));
}

#[test]
fn a_sparse_file_stays_sparse() {
    let (_dir, from, to) = made();
    let file = fs::File::create(from.join("holes")).unwrap();
    file.set_len(64 << 20).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, b"middle", 32 << 20).unwrap();
    file.sync_all().unwrap();
    let tally = copy(&from, &to, None).unwrap();
    let found = fs::metadata(to.join("holes")).unwrap();
    assert_eq!((tally.size, found.len()), (64 << 20, 64 << 20));
    assert!(found.blocks() * 512 < 1 << 20, "{} blocks", found.blocks());
    assert!(tally.copied < 1 << 20, "{tally:?}");
    assert_eq!(fs::read(from.join("holes")).unwrap(), fs::read(to.join("holes")).unwrap());
}

#[test]
fn deep_trees_are_copied_and_those_too_deep_fail_whole() {
    let (_dir, from, to) = made();
    let mut deep = from.clone();
    for _ in 0..300 {
        deep.push("d");
    }
    fs::create_dir_all(&deep).unwrap();
    fs::write(deep.join("f"), "x").unwrap();
    assert_eq!(copy(&from, &to, None).unwrap().entries, 301);
    // Deeper than one path can say: step by step.
    let mut at = root(&from).unwrap();
    for _ in 0..50 {
        let name = "d".repeat(100);
        rustix::fs::mkdirat(&at, &name, Mode::RWXU).unwrap();
        at = rustix::fs::openat(&at, &name, OFlags::DIRECTORY | OFlags::RDONLY, Mode::empty()).unwrap();
    }
    let error = copy(&from, &to.with_extension("2"), None).unwrap_err();
    assert_eq!(Errno::from_io_error(&error), Some(Errno::NAMETOOLONG));
    crate::removal::remove(&from).unwrap();
    crate::removal::remove(&to).unwrap();
    crate::removal::remove(&to.with_extension("2")).unwrap();
}

#[test]
fn modes_of_directories_that_close_themselves_are_kept() {
    let (_dir, from, to) = made();
    fs::create_dir(from.join("closed")).unwrap();
    fs::write(from.join("closed/f"), "x").unwrap();
    fs::set_permissions(from.join("closed/f"), fs::Permissions::from_mode(0o000)).unwrap();
    fs::set_permissions(from.join("closed"), fs::Permissions::from_mode(0o000)).unwrap();
    copy(&from, &to, None).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode(&from.join("closed")), mode(&to.join("closed"))), (0, 0));
    fs::set_permissions(to.join("closed"), fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(mode(&to.join("closed/f")), 0);
    fs::set_permissions(from.join("closed"), fs::Permissions::from_mode(0o700)).unwrap();
}
