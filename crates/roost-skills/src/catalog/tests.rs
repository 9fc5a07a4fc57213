use std::os::unix::fs::symlink;

use super::*;

fn put(root: &Path, id: &str, version: &str) {
    let folder = root.join(id);
    fs::create_dir_all(folder.join("scripts")).unwrap();
    let text =
        format!("---\nname: {id}\ndescription: Does {id}.\nmetadata:\n  version: \"{version}\"\n---\n");
    fs::write(folder.join(SKILL_FILE), text).unwrap();
    fs::write(folder.join("scripts/run.sh"), "echo hi\n").unwrap();
}

fn ids(catalog: &Catalog) -> Vec<String> {
    catalog.skills().unwrap().iter().map(|skill| format!("{} {}", skill.id, skill.version)).collect()
}

#[test]
fn a_folder_is_a_catalog_and_its_changes_are_seen() {
    let root = tempfile::tempdir().unwrap();
    put(root.path(), "one", "1.0");
    put(&root.path().join("skills"), "two", "2.1.0");
    fs::create_dir_all(root.path().join(".git/objects")).unwrap();
    let catalog = Catalog::new(Some(root.path().to_path_buf()), false);
    assert_eq!(ids(&catalog), ["one 1.0.0", "two 2.1.0"]);
    assert!(Arc::ptr_eq(&catalog.skills().unwrap(), &catalog.skills().unwrap()), "it is read once");
    put(root.path(), "one", "1.10.0");
    put(root.path(), "three", "3.0.0");
    assert_eq!(ids(&catalog), ["one 1.10.0", "three 3.0.0", "two 2.1.0"]);
}

#[test]
fn what_is_no_skill_is_left_out_and_harms_no_other() {
    let root = tempfile::tempdir().unwrap();
    for id in ["good", "linked", "named", "broken", "large"] {
        put(root.path(), id, "1.0.0");
    }
    symlink("/etc/passwd", root.path().join("linked/passwd")).unwrap();
    symlink(root.path().join("good"), root.path().join("alias")).unwrap();
    fs::rename(root.path().join("named"), root.path().join("other")).unwrap();
    fs::write(root.path().join("broken/SKILL.md"), "nothing").unwrap();
    fs::write(root.path().join("large/file"), vec![0; 6 * 1024 * 1024]).unwrap();
    assert_eq!(ids(&Catalog::new(Some(root.path().to_path_buf()), false)), ["good 1.0.0"]);
}

#[test]
fn a_folder_that_is_not_there_is_an_error() {
    let catalog = Catalog::new(Some("/nowhere/at/all".into()), true);
    assert!(catalog.skills().unwrap_err().to_string().contains("/nowhere/at/all"));
}

#[test]
fn a_folders_skill_comes_before_a_built_in_one() {
    let root = tempfile::tempdir().unwrap();
    put(root.path(), "csv-insights", "9.0.0");
    let catalog = Catalog::new(Some(root.path().to_path_buf()), true);
    let versions: Vec<String> =
        ids(&catalog).into_iter().filter(|id| id.starts_with("csv-insights")).collect();
    assert_eq!(versions, ["csv-insights 9.0.0"]);
    assert_eq!(ids(&catalog).len(), starter_set().len());
}
