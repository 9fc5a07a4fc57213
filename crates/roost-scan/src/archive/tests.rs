use std::io::Write as _;

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;

/// Makes an archive of these entries: name, content, Unix mode.
fn zip(entries: &[(&str, &[u8], u32)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content, mode) in entries {
        let options = SimpleFileOptions::default().unix_permissions(*mode);
        if mode & 0o170_000 == 0o120_000 {
            writer.add_symlink(*name, String::from_utf8_lossy(content), options).expect("added");
        } else if name.ends_with('/') {
            writer.add_directory(*name, options).expect("added");
        } else {
            writer.start_file(*name, options).expect("added");
            writer.write_all(content).expect("written");
        }
    }
    writer.finish().expect("finished").into_inner()
}

fn refusal(entries: &[(&str, &[u8], u32)]) -> ArchiveError {
    unpack(&zip(entries)).expect_err("refused")
}

#[test]
fn files_come_out_in_order_without_directories() {
    let archive = zip(&[("src/", b"", 0o755), ("src/a.py", b"a", 0o644), ("./b.py", b"b", 0o644)]);
    let files = unpack(&archive).expect("unpacked");
    let files: Vec<_> = files.iter().map(|file| (&*file.path, &*file.content)).collect();
    assert_eq!(files, [("src/a.py", &b"a"[..]), ("b.py", b"b")]);
}

#[test]
fn one_bad_entry_refuses_the_whole() {
    let good = ("a.py", &b"a"[..], 0o644);
    for name in ["../a.py", "a/../../b.py", "/etc/passwd", "C:\\x.py", "..\\x.py"] {
        assert!(
            matches!(refusal(&[good, (name, b"x", 0o644)]), ArchiveError::Outside { entry } if entry == name)
        );
    }
    assert!(matches!(refusal(&[good, ("l", b"/etc/passwd", 0o120_777)]), ArchiveError::NotAFile { .. }));
    for name in ["inner.zip", "lib.whl", "x.tar.gz"] {
        assert!(matches!(refusal(&[good, (name, b"x", 0o644)]), ArchiveError::Nested { .. }), "{name}");
    }
    let disguised = zip(&[good]);
    assert!(matches!(refusal(&[good, ("logo.png", &disguised, 0o644)]), ArchiveError::Nested { .. }));
    assert!(matches!(refusal(&[good, ("./a.py", b"x", 0o644)]), ArchiveError::Twice { .. }));
}

#[test]
fn bombs_do_not_go_off() {
    let zeros = vec![0; 8 * 1024 * 1024];
    assert!(matches!(refusal(&[("a.py", &zeros, 0o644)]), ArchiveError::Bomb { .. }));
    let names: Vec<String> = (0..=ENTRIES_MAX).map(|at| format!("{at}.py")).collect();
    let many: Vec<(&str, &[u8], u32)> = names.iter().map(|name| (&**name, &b""[..], 0o644)).collect();
    assert_eq!(refusal(&many), ArchiveError::TooMany { limit: ENTRIES_MAX });
}

#[test]
fn what_is_no_archive_or_cut_off_is_refused() {
    let whole = zip(&[("a.py", b"print(1)", 0o644)]);
    for content in [&b""[..], b"PK", b"hello", &whole[..whole.len() - 10], &whole[10..]] {
        assert!(matches!(unpack(content), Err(ArchiveError::Unreadable { .. })), "{content:?}");
    }
    let mut damaged = whole;
    damaged[38] ^= 0xff;
    assert!(unpack(&damaged).is_err());
}
