use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::roost::{Home, Options, Server};

const SERVE: [&str; 3] = ["serve", "--listen", "127.0.0.1:0"];

#[test]
fn a_second_server_on_the_same_data_is_refused_and_told_whose_it_is() {
    let mut server = Server::start(Options::default());
    let pid = server.process().child().id().to_string();
    let message = server.home().failure(&SERVE);
    assert!(message.contains("in use") && message.contains(&pid) && message.contains("--data"), "{message}");
    server.kill9();
    server.restart();
}

#[test]
fn data_of_a_newer_version_is_refused_naming_both_versions_and_left_as_it_is() {
    let home = Home::new(Options::default());
    home.json(&["keys", "create", "--name", "n", "--json"]);
    let path = home.data().join("roost.db");
    // The schema's version stands in bytes 60 to 63 of a SQLite file.
    fs::remove_file(home.data().join("roost.db-wal")).expect("nobody uses it");
    let mut bytes = fs::read(&path).expect("the database");
    bytes[60..64].copy_from_slice(&9_999_u32.to_be_bytes());
    fs::write(&path, &bytes).expect("written");
    let message = home.failure(&SERVE);
    assert!(message.contains("9999") && message.contains("newer"), "{message}");
    assert_eq!(fs::read(&path).expect("the database"), bytes);
}

#[test]
fn a_data_directory_that_cannot_be_written_is_named() {
    let home = Home::new(Options::default());
    fs::write(home.data(), "a file").expect("written");
    let message = home.failure(&SERVE);
    assert!(message.contains("data is not a directory"), "{message}");
    let beneath = home.data().join("below");
    let message = home.failure(&["serve", "--data", beneath.to_str().expect("text")]);
    assert!(message.contains("cannot be created or written") && message.contains("because"), "{message}");
}

#[test]
fn a_master_key_that_others_can_read_is_refused_with_the_command_that_helps() {
    let home = Home::new(Options::default());
    home.json(&["keys", "create", "--name", "n", "--json"]);
    let file = home.data().join("master.key");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("it is ours");
    let message = home.failure(&SERVE);
    assert!(message.contains("chmod 600"), "{message}");
}

#[test]
fn a_wrong_master_key_in_the_environment_is_refused_without_repeating_it() {
    let environment = vec![("ROOST_MASTER_KEY", "not-a-master-key".to_owned())];
    let home = Home::new(Options { environment, ..Options::default() });
    let message = home.failure(&SERVE);
    assert!(message.contains("ROOST_MASTER_KEY") && message.contains("64 hexadecimal digits"), "{message}");
    assert!(!message.contains("not-a-master-key"), "{message}");
}
