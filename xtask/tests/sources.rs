//! Rules over the source files: none is too long to hold in the head, and SQL lives in one crate.

use std::path::{Path, PathBuf};

const LINES_MAX: usize = 1000;

/// What a file that talks to a database names.
const DATABASE_DRIVERS: [&str; 3] = ["rusqlite", "tokio_postgres", "sqlx"];

const STORE: &str = "roost-store";

/// A source file of a crate, with its text.
struct Source {
    owner: String,
    path: PathBuf,
    text: String,
}

impl Source {
    fn is_test(&self) -> bool {
        self.path.components().any(|part| part.as_os_str() == "tests" || part.as_os_str() == "tests.rs")
    }
}

fn rust_files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).expect("the directory can be read") {
        let path = entry.expect("the entry can be read").path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Returns every file below the `src` of every crate.
fn sources() -> Vec<Source> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates");
    let mut sources = Vec::new();
    for entry in std::fs::read_dir(crates).expect("the crates can be listed") {
        let directory = entry.expect("the entry can be read").path();
        let owner = directory.file_name().expect("a crate has a name").to_string_lossy().into_owned();
        let mut files = Vec::new();
        rust_files(&directory.join("src"), &mut files);
        sources.extend(files.into_iter().map(|file| {
            let text = std::fs::read_to_string(&file).expect("the file is text");
            let path = file.strip_prefix(&directory).expect("it is in the crate").to_owned();
            Source { owner: owner.clone(), path, text }
        }));
    }
    sources
}

fn too_long(sources: &[Source]) -> Vec<String> {
    let long = sources.iter().filter(|source| !source.is_test() && source.text.lines().count() > LINES_MAX);
    long.map(|source| format!("{}/{}", source.owner, source.path.display())).collect()
}

/// Tests count too: what they need of the database, the store offers.
fn databases_outside_the_store(sources: &[Source]) -> Vec<String> {
    let elsewhere = sources.iter().filter(|source| source.owner != STORE);
    let naming =
        elsewhere.filter(|source| DATABASE_DRIVERS.iter().any(|driver| source.text.contains(driver)));
    naming.map(|source| format!("{}/{}", source.owner, source.path.display())).collect()
}

#[test]
fn no_file_is_too_long() {
    let sources = sources();
    assert!(sources.len() > 50, "only {} files were found", sources.len());
    assert_eq!(too_long(&sources), Vec::<String>::new());
}

#[test]
fn only_the_store_talks_to_a_database() {
    let sources = sources();
    assert!(sources.iter().any(|source| source.owner == STORE && source.text.contains("rusqlite")));
    assert_eq!(databases_outside_the_store(&sources), Vec::<String>::new());
}

#[test]
fn each_rule_finds_what_breaks_it() {
    let source =
        |owner: &str, path: &str, text: String| Source { owner: owner.into(), path: path.into(), text };
    let sources = [
        source("roost-core", "src/gate.rs", "x\n".repeat(1000)),
        source("roost-core", "src/long.rs", "x\n".repeat(1001)),
        source("roost-core", "src/long/tests.rs", "x\n".repeat(1001)),
        source("roost-core", "src/query.rs", "use rusqlite::Row;".into()),
        source("roost-store", "src/query.rs", "use rusqlite::Row;".into()),
    ];
    assert_eq!(too_long(&sources), ["roost-core/src/long.rs"]);
    assert_eq!(databases_outside_the_store(&sources), ["roost-core/src/query.rs"]);
}
