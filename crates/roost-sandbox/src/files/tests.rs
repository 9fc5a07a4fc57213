use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;

struct Place {
    dir: tempfile::TempDir,
    files: Files,
}

fn place() -> Place {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("in")).unwrap();
    std::fs::write(dir.path().join("secret"), "outside").unwrap();
    let files = Files::open(&dir.path().join("in")).unwrap();
    Place { dir, files }
}

impl Place {
    fn at(&self, path: &str) -> std::path::PathBuf {
        self.dir.path().join("in").join(path)
    }

    fn write(&self, path: &str, content: &str) -> Result<(), Failure> {
        let mut writing = self.files.write(path)?;
        writing.append(content.as_bytes())?;
        writing.finish()
    }

    fn read(&self, path: &str) -> Result<String, Failure> {
        let (mut file, _) = self.files.read(path, 0)?;
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        Ok(text)
    }
}

#[test]
fn paths_are_taken_apart_before_the_kernel_sees_them() {
    for (path, expected) in [
        ("a", "a"),
        ("./a//b/", "a/b"),
        ("a/../b", "b"),
        ("", "."),
        ("/workspace", "."),
        ("/workspace/a/../b", "b"),
        ("//workspace/a", "a"),
    ] {
        assert_eq!(normal(path).as_deref(), Ok(expected), "{path:?}");
    }
    for path in ["..", "a/../..", "/", "/etc/passwd", "/workspaces/a", "/workspace/../etc"] {
        assert_eq!(normal(path), Err(Failure::Outside), "{path:?}");
    }
}

#[test]
fn links_that_lead_outside_are_refused_for_reading_and_writing() {
    let place = place();
    symlink("../secret", place.at("up")).unwrap();
    symlink(place.dir.path().join("secret"), place.at("absolute")).unwrap();
    symlink("..", place.at("dir")).unwrap();
    symlink("/proc/self/root", place.at("magic")).unwrap();
    for path in ["up", "absolute", "dir/secret", "magic/etc/passwd"] {
        assert_eq!(place.read(path), Err(Failure::Outside), "read {path}");
        assert_eq!(place.write(path, "x"), Err(Failure::Outside), "write {path}");
    }
    assert_eq!(place.files.list("dir", 1, 10), Err(Failure::Outside));
    assert_eq!(place.files.search("dir", "outside", 10), Err(Failure::Outside));
    assert_eq!(std::fs::read_to_string(place.dir.path().join("secret")).unwrap(), "outside");
}

#[test]
fn links_that_stay_inside_are_followed_and_kept() {
    let place = place();
    place.write("real/file", "old").unwrap();
    symlink("real/file", place.at("relative")).unwrap();
    symlink("/workspace/real/file", place.at("absolute")).unwrap();
    place.write("relative", "new").unwrap();
    assert_eq!(place.read("real/file").unwrap(), "new");
    place.write("absolute", "newer").unwrap();
    assert_eq!(place.read("relative").unwrap(), "newer");
    assert!(place.at("relative").is_symlink() && place.at("absolute").is_symlink());
}

#[test]
fn a_write_keeps_the_mode_and_leaves_no_other_file() {
    let place = place();
    place.write("a/b/script", "#!/bin/sh").unwrap();
    std::fs::set_permissions(place.at("a/b/script"), std::fs::Permissions::from_mode(0o4751)).unwrap();
    place.write("a/b/script", "#!/bin/sh\n").unwrap();
    let mode = std::fs::metadata(place.at("a/b/script")).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o751, "a set-user-id bit is not carried over");
    drop(place.files.write("a/b/other").unwrap());
    assert_eq!(place.files.list("a/b", 1, 10).unwrap().len(), 1, "an unfinished write leaves nothing");
}

#[test]
fn what_is_no_file_is_refused_without_waiting() {
    let place = place();
    rustix::fs::mkfifoat(CWD, place.at("pipe"), Mode::from_raw_mode(0o600)).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(place.at("socket")).unwrap();
    place.write("file", "x").unwrap();
    let other = Failure::WrongKind { found: Kind::Other, needed: Kind::File };
    for path in ["pipe", "socket"] {
        assert_eq!(place.read(path), Err(other.clone()), "{path}");
        assert_eq!(place.write(path, "x"), Err(other.clone()), "{path}");
    }
    let directory = Failure::WrongKind { found: Kind::Directory, needed: Kind::File };
    assert_eq!(place.read("."), Err(directory.clone()));
    assert_eq!(place.write(".", "x"), Err(directory));
    assert_eq!(
        place.write("file/below", "x"),
        Err(Failure::WrongKind { found: Kind::File, needed: Kind::Directory })
    );
}

#[test]
fn a_listing_is_sorted_bounded_and_does_not_follow_links() {
    let place = place();
    for path in ["b/2", "b/1", "a.txt", "a/x/deep"] {
        place.write(path, "x").unwrap();
    }
    symlink("..", place.at("b/loop")).unwrap();
    let paths = |depth, max| {
        let entries = place.files.list(".", depth, max).unwrap();
        entries.into_iter().map(|entry| entry.path).collect::<Vec<_>>()
    };
    assert_eq!(paths(1, 10), ["a", "a.txt", "b"]);
    assert_eq!(paths(2, 10), ["a", "a.txt", "a/x", "b", "b/1", "b/2", "b/loop"]);
    assert_eq!(paths(2, 3), ["a", "a.txt", "a/x"]);
}

#[test]
fn a_search_finds_lines_and_passes_over_binaries() {
    let place = place();
    place.write("src/b.txt", "one\ntwo needle\r\n\nneedle again\n").unwrap();
    place.write("src/a.txt", &format!("needle {}", "ä".repeat(1000))).unwrap();
    place.write("src/binary", "needle\0").unwrap();
    let found = place.files.search(".", "ne+dle", 10).unwrap();
    let places: Vec<_> = found.iter().map(|m| (m.path.as_str(), m.line)).collect();
    assert_eq!(places, [("src/a.txt", 1), ("src/b.txt", 2), ("src/b.txt", 4)]);
    assert_eq!(found[0].text.chars().count(), 400);
    assert_eq!(found[1].text, "two needle");
    assert_eq!(
        place.files.search("src/b.txt", "^$", 10).unwrap().len(),
        1,
        "only the empty line in the middle"
    );
    assert_eq!(place.files.search(".", "needle", 2).unwrap().len(), 2);
    assert!(matches!(place.files.search(".", "(", 2), Err(Failure::BadPattern(_))));
}
