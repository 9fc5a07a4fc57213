use std::sync::atomic::{AtomicU8, Ordering};

use super::*;

/// Fills with a byte that is another one each time.
pub(crate) struct Counting(pub(crate) AtomicU8);

impl Random for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0.fetch_add(1, Ordering::Relaxed));
    }
}

fn random() -> Counting {
    Counting(AtomicU8::new(1))
}

fn parse(text: &str) -> Result<[u8; BYTES], String> {
    MasterKey::parse(&Secret::new(text)).map(|key| *key.expose()).map_err(|error| error.to_string())
}

#[test]
fn a_key_is_read_from_hexadecimal_and_from_base64() {
    let bytes: [u8; BYTES] = std::array::from_fn(|index| u8::try_from(index * 8).unwrap());
    assert_eq!(parse(&format!(" {}\n", to_hex(&bytes))), Ok(bytes));
    assert_eq!(parse(&to_hex(&bytes).to_uppercase()), Ok(bytes));
    assert_eq!(parse(&STANDARD.encode(bytes)), Ok(bytes));
}

#[test]
fn a_wrong_key_is_refused_without_being_repeated() {
    for text in ["", "hunter2", &"g".repeat(64), &"ab".repeat(31), &"ü".repeat(32), "AAAA"] {
        let error = parse(text).unwrap_err();
        let length = text.chars().count();
        assert_eq!(
            error,
            format!(
                "a master key is 32 bytes, written as 64 hexadecimal digits or as 44 characters of base64; this text \
                 has {length} characters"
            )
        );
    }
}

#[test]
fn a_key_never_shows_itself() {
    let key = MasterKey::generate(&random());
    assert_eq!(format!("{key:?}"), "MasterKey(…)");
}

#[test]
fn the_key_of_a_directory_is_made_once_and_for_its_owner_only() {
    let directory = tempfile::tempdir().unwrap();
    let made = MasterKey::load_or_create(directory.path(), &random()).unwrap();
    let mode = fs::metadata(directory.path().join("master.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let loaded = MasterKey::load_or_create(directory.path(), &random()).unwrap();
    assert_eq!(made.expose(), loaded.expose());
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "nothing else is left behind");
}

#[test]
fn many_who_make_the_key_at_once_get_the_same() {
    let directory = tempfile::tempdir().unwrap();
    let random = random();
    let keys: Vec<[u8; BYTES]> = std::thread::scope(|scope| {
        let make = || *MasterKey::load_or_create(directory.path(), &random).unwrap().expose();
        let makers: Vec<_> = (0..8).map(|_| scope.spawn(make)).collect();
        makers.into_iter().map(|maker| maker.join().unwrap()).collect()
    });
    assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
}

#[test]
fn a_key_open_to_others_is_refused_with_the_command_that_helps() {
    let directory = tempfile::tempdir().unwrap();
    MasterKey::load_or_create(directory.path(), &random()).unwrap();
    let path = directory.path().join("master.key");
    for mode in [0o640, 0o604, 0o620] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let error = MasterKey::load_or_create(directory.path(), &random()).unwrap_err().to_string();
        let path = path.display();
        assert_eq!(
            error,
            format!("the master key {path} is open to others (mode {mode:04o}); run: chmod 600 {path}")
        );
    }
}

#[test]
fn a_lost_key_is_not_replaced_where_there_is_a_database() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("roost.db"), "").unwrap();
    let error = MasterKey::load_or_create(directory.path(), &random()).unwrap_err();
    assert!(matches!(error, MasterKeyError::Missing { .. }), "{error:?}");
    assert!(!directory.path().join("master.key").exists());
}

#[test]
fn a_file_that_holds_something_else_is_named_with_what_would_be_right() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("master.key");
    fs::write(&path, "secret").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let error = MasterKey::load_or_create(directory.path(), &random()).unwrap_err();
    assert_eq!(error.to_string(), format!("the master key {} cannot be used", path.display()));
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("64 hexadecimal digits") && source.contains("has 6 characters"), "{source}");
}
