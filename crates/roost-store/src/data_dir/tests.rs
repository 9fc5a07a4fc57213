use std::os::unix::fs::PermissionsExt;

use super::*;

#[test]
fn two_claims_of_one_directory_are_refused_with_the_owners_process_id() {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("deep/data");
    let first = DataDir::claim(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
    let error = DataDir::claim(&path).unwrap_err().to_string();
    let expected = format!(
        "the data directory {} is in use by the process {}; stop it or choose another with --data",
        path.display(),
        std::process::id()
    );
    assert_eq!(error, expected);
    drop(first);
    assert_eq!(DataDir::claim(&path).unwrap().database(), path.join("roost.db"));
}

#[test]
fn a_claim_left_by_a_dead_process_does_not_count() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("lock"), "999999\n").unwrap();
    let _claimed = DataDir::claim(directory.path()).unwrap();
    let written = fs::read_to_string(directory.path().join("lock")).unwrap();
    assert_eq!(written, format!("{}\n", std::process::id()));
}

#[test]
fn a_path_that_cannot_be_a_directory_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    let error = DataDir::claim(&file).unwrap_err().to_string();
    assert_eq!(error, format!("the data directory {} is not a directory", file.display()));
    let error = DataDir::claim(file.join("below")).unwrap_err().to_string();
    assert_eq!(error, format!("the data directory {}/below cannot be created or written", file.display()));
}
