use super::*;

fn id(n: u128) -> SnapshotId {
    SnapshotId::from_uuid(uuid::Uuid::from_u128(n))
}

/// The snapshots that are here.
fn saved(shelf: &Shelf) -> Vec<String> {
    let entries = fs::read_dir(shelf.root.join(SNAPSHOTS)).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn agent(n: u128) -> AgentId {
    AgentId::from_uuid(uuid::Uuid::from_u128(n))
}

fn shelf() -> (tempfile::TempDir, Shelf, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let shelf = Shelf::open(dir.path()).unwrap();
    let workspace = dir.path().join("workspace");
    fs::create_dir(&workspace).unwrap();
    (dir, shelf, workspace)
}

/// What stands in the directory of all workspaces.
fn names(dir: &tempfile::TempDir) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_save_that_fails_leaves_nothing() {
    let (dir, shelf, workspace) = shelf();
    fs::write(workspace.join("a"), "x").unwrap();
    // Deeper than one path can say, so that the copy fails in the middle.
    let mut at = File::open(&workspace).unwrap();
    for _ in 0..50 {
        let name = "d".repeat(100);
        rustix::fs::mkdirat(&at, &name, rustix::fs::Mode::RWXU).unwrap();
        let flags = rustix::fs::OFlags::DIRECTORY;
        at = rustix::fs::openat(&at, &name, flags, rustix::fs::Mode::empty()).unwrap().into();
    }
    let error = shelf.save(&workspace, id(1), None).unwrap_err();
    assert!(matches!(error, Error::Host { .. }), "{error:?}");
    assert_eq!(saved(&shelf), [""; 0]);
    assert_eq!(names(&dir), [".snapshots", "workspace"]);
    crate::removal::remove(&workspace).unwrap();
}

#[test]
fn a_half_made_snapshot_is_no_snapshot() {
    let (dir, shelf, workspace) = shelf();
    fs::write(workspace.join("a"), "new").unwrap();
    // As a server that died in the middle leaves it.
    fs::create_dir(shelf.part(&id(1).uuid())).unwrap();
    fs::write(shelf.part(&id(1).uuid()).join("half"), "x").unwrap();
    assert_eq!(saved(&shelf), [""; 0]);
    assert!(matches!(shelf.restore(id(1), agent(1), &workspace, None), Err(Error::NoSnapshot(_))));
    shelf.save(&workspace, id(1), None).unwrap();
    assert_eq!(saved(&shelf), [id(1).to_string()]);
    assert!(!shelf.place(id(1)).join("half").exists());
    assert_eq!(names(&dir), [".snapshots", "workspace"]);
}

#[test]
fn a_restoration_that_fails_leaves_the_workspace() {
    let (dir, shelf, workspace) = shelf();
    fs::write(workspace.join("a"), "new").unwrap();
    assert!(matches!(shelf.restore(id(7), agent(1), &workspace, None), Err(Error::NoSnapshot(_))));
    // Something that cannot be copied.
    fs::write(shelf.place(id(7)), "no directory").unwrap();
    assert!(matches!(shelf.restore(id(7), agent(1), &workspace, None), Err(Error::Host { .. })));
    assert_eq!(fs::read_to_string(workspace.join("a")).unwrap(), "new");
    assert_eq!(names(&dir), [".snapshots", "workspace"]);
}

#[test]
fn a_full_disk_is_told_as_such() {
    for full in [rustix::io::Errno::NOSPC, rustix::io::Errno::DQUOT] {
        assert!(matches!(failed("save", full.into()), Error::NoSpace { .. }), "{full}");
    }
    assert!(matches!(failed("save", rustix::io::Errno::IO.into()), Error::Host { .. }));
}
