use super::*;

fn agent(n: u128) -> AgentId {
    AgentId::from_uuid(uuid::Uuid::from_u128(n))
}

fn workspaces(dir: &tempfile::TempDir) -> Workspaces {
    assert!(Workspaces::lock(&dir.path().join("machines")).unwrap().is_some());
    Workspaces::open(&dir.path().join("machines"), 1_900_000_000..1_900_100_000).unwrap()
}

#[test]
fn a_workspace_is_closed_to_others_and_kept() {
    let dir = tempfile::tempdir().unwrap();
    let workspaces = workspaces(&dir);
    let first = workspaces.prepare(agent(1)).unwrap();
    fs::write(first.path.join("file"), "kept").unwrap();
    let again = workspaces.prepare(agent(1)).unwrap();
    assert_eq!(fs::read_to_string(again.path.join("file")).unwrap(), "kept");
    assert_eq!(fs::metadata(&again.path).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(fs::metadata(workspaces.root()).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(fs::metadata(&again.path).unwrap().uid(), first.uid);
}

#[test]
fn agents_have_users_of_their_own() {
    let uids = 1_900_000_000..2_100_000_000;
    let chosen: std::collections::HashSet<_> = (0..1000).map(|n| choose(agent(n), &uids)).collect();
    assert!(chosen.len() >= 999, "{}", chosen.len());
    assert!(chosen.iter().all(|uid| uids.contains(uid)));
}

#[test]
fn files_that_came_from_elsewhere_are_given_to_the_machines_user() {
    let dir = tempfile::tempdir().unwrap();
    let workspaces = workspaces(&dir);
    if !workspaces.has_own_users() {
        return;
    }
    let path = workspaces.path(agent(1));
    fs::create_dir_all(path.join("sub")).unwrap();
    fs::write(path.join("sub/file"), "x").unwrap();
    fs::write(dir.path().join("outside"), "x").unwrap();
    std::os::unix::fs::symlink(dir.path().join("outside"), path.join("sub/link")).unwrap();
    let workspace = workspaces.prepare(agent(1)).unwrap();
    assert_eq!(fs::metadata(path.join("sub/file")).unwrap().uid(), workspace.uid);
    assert_eq!(fs::symlink_metadata(path.join("sub/link")).unwrap().uid(), workspace.uid);
    assert_ne!(fs::metadata(dir.path().join("outside")).unwrap().uid(), workspace.uid);
}

#[test]
fn a_workspace_is_removed_however_it_was_left() {
    let dir = tempfile::tempdir().unwrap();
    let workspaces = workspaces(&dir);
    let path = workspaces.prepare(agent(1)).unwrap().path;
    let mut deep = path.clone();
    for _ in 0..200 {
        deep.push("d");
    }
    fs::create_dir_all(&deep).unwrap();
    fs::write(deep.join("file"), "x").unwrap();
    fs::create_dir(path.join("closed")).unwrap();
    fs::write(path.join("closed/file"), "x").unwrap();
    fs::set_permissions(path.join("closed"), fs::Permissions::from_mode(0o000)).unwrap();
    fs::write(dir.path().join("outside"), "x").unwrap();
    std::os::unix::fs::symlink(dir.path(), path.join("link")).unwrap();
    workspaces.destroy(agent(1)).unwrap();
    assert!(!path.exists() && dir.path().join("outside").exists());
    let left: Vec<_> =
        fs::read_dir(workspaces.root()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, [".snapshots"]);
    workspaces.destroy(agent(1)).unwrap();
}
