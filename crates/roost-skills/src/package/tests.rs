use std::io::{Cursor, Write as _};

use roost_ports::scanner::ArchiveError;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;
use crate::unzip::unzip;

const SKILL: &str = "---\nname: demo\ndescription: Shows how.\n---\n\n# Demo\n";

fn packed(files: &[(&str, &str)]) -> Result<Package, PackageError> {
    let file = |(path, content): &(&str, &str)| ((*path).to_owned(), content.as_bytes().to_vec());
    pack(files.iter().map(file).collect(), Naming::Strict)
}

fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn refused(zip: &[u8]) -> ArchiveError {
    match unzip(zip) {
        Err(PackageError::Archive(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_folder_becomes_a_skill() {
    let package =
        packed(&[("scripts/run.sh", "echo hi"), ("SKILL.md", SKILL), (".git/config", "x")]).unwrap();
    assert_eq!(package.about.name.as_ref().unwrap().as_str(), "demo");
    let paths: Vec<&str> = package.contents.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(paths, ["SKILL.md", "scripts/run.sh"]);
    assert_eq!(package.manifest.scripts(), 1);
}

#[test]
fn an_archive_may_have_one_folder_around_the_skill() {
    let zip = archive(&[
        ("demo/SKILL.md", SKILL.as_bytes()),
        ("demo/a.zip", b"PK\x03\x04"),
        ("__MACOSX/._x", b"x"),
    ]);
    let package = pack(unzip(&zip).unwrap(), Naming::Strict).unwrap();
    let paths: Vec<&str> = package.contents.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(paths, ["SKILL.md", "a.zip"], "a nested archive is a file");
    let two = archive(&[("a/SKILL.md", SKILL.as_bytes()), ("b/x", b"x")]);
    let error = pack(unzip(&two).unwrap(), Naming::Strict).unwrap_err();
    assert!(error.to_string().contains("no SKILL.md"), "{error}");
}

#[test]
fn archives_that_would_do_harm_are_refused_whole() {
    for name in ["../x", "a/../../x", "/etc/passwd", "a\\..\\x"] {
        let zip = archive(&[("SKILL.md", SKILL.as_bytes()), (name, b"x")]);
        assert!(matches!(refused(&zip), ArchiveError::Outside { .. }), "{name}");
    }
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.add_symlink("link", "/etc/passwd", SimpleFileOptions::default()).unwrap();
    let zip = zip.finish().unwrap().into_inner();
    assert!(matches!(refused(&zip), ArchiveError::NotAFile { .. }));
    let bomb = archive(&[("SKILL.md", SKILL.as_bytes()), ("zeros", &vec![0; 6 * 1024 * 1024])]);
    assert!(bomb.len() < 100_000);
    assert_eq!(refused(&bomb), ArchiveError::TooLarge { limit_bytes: MOST_BYTES });
    let names: Vec<String> = (0..601).map(|n| format!("f{n}")).collect();
    let many: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), b"".as_slice())).collect();
    assert!(matches!(refused(&archive(&many)), ArchiveError::TooMany { .. }));
    assert!(matches!(refused(b"no archive"), ArchiveError::Unreadable { .. }));
}

#[test]
fn an_archive_with_one_name_twice_is_refused() {
    let mut zip = archive(&[("SKILL.md", SKILL.as_bytes()), ("run-a.sh", b"true"), ("run-b.sh", b"false")]);
    let at: Vec<usize> = (0..zip.len() - 8).filter(|at| &zip[*at..at + 8] == b"run-b.sh").collect();
    assert_eq!(at.len(), 2, "a local header and the directory");
    at.into_iter().for_each(|at| zip[at + 4] = b'a');
    assert!(matches!(refused(&zip), ArchiveError::Twice { .. }));
}

#[test]
fn names_that_differ_by_case_only_are_refused() {
    for files in [[("SKILL.md", SKILL), ("skill.md", SKILL)], [("SKILL.md", SKILL), ("Skill.MD", SKILL)]] {
        assert!(matches!(packed(&files), Err(PackageError::Invalid(_))));
    }
    assert!(packed(&[("skill.md", SKILL)]).is_ok(), "one of them alone is meant");
    let error = packed(&[("SKILL.md", SKILL), ("a/x", ""), ("A/y", "")]).unwrap_err();
    assert!(error.to_string().contains("kept apart"), "{error}");
}

#[test]
fn a_frontmatter_that_is_none_says_what_is_wrong() {
    let read = |text: &str| packed(&[("SKILL.md", text)]).unwrap_err().to_string();
    for (text, word) in [
        ("# Demo", "three dashes"),
        ("---\nname: demo\n", "second one"),
        ("---\nname: demo\n---\n", "description"),
        ("---\ndescription: x\n---\n", "name"),
        ("---\nname: Demo Skill\ndescription: x\n---\n", "lower-case"),
        ("---\nname: [a]\ndescription: x\n---\n", "name must be a text"),
        ("---\nname: demo\ndescription: x\nmetadata: 3\n---\n", "metadata must be a map"),
        ("---\n{\n---\n", "cannot be read"),
        ("---\nname: demo\nname: other\ndescription: x\n---\n", "cannot be read"),
    ] {
        assert!(read(text).contains(word), "{text:?}: {}", read(text));
    }
    let long = format!("---\nname: demo\ndescription: x\nx: {}\n---\n", "y".repeat(17_000));
    assert!(read(&long).contains("16 KiB"));
    let unended = format!("---\n{}", "a: b\n".repeat(10_000));
    assert!(read(&unended).contains("16 KiB"));
}

#[test]
fn a_frontmatter_that_is_made_to_burst_does_not() {
    let mut laughs = "---\nname: demo\ndescription: x\nmetadata:\n  a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
    for n in 1..40 {
        let before = format!("*a{}, ", n - 1).repeat(9);
        laughs.push_str(&format!("  a{n}: &a{n} [{before}]\n"));
    }
    laughs.push_str("---\n");
    assert!(matches!(packed(&[("SKILL.md", &laughs)]), Err(PackageError::Frontmatter(_))));
    let deep = format!(
        "---\nname: demo\ndescription: x\nmetadata: {}{}\n---\n",
        "[".repeat(7_000),
        "]".repeat(7_000)
    );
    assert!(matches!(packed(&[("SKILL.md", &deep)]), Err(PackageError::Frontmatter(_))));
}

#[test]
fn what_registries_hold_is_read_more_leniently() {
    let text = "---\nname: Demo Skill\ndescription: x\nhomepage: https://example.com\nmetadata: {\"openclaw\": {\"requires\": {\"bins\": [\"jq\"]}}}\nallowed-tools: [Read, Bash]\n---\n";
    let files = vec![("SKILL.md".to_owned(), text.as_bytes().to_vec())];
    let about = pack(files, Naming::Lenient).unwrap().about;
    assert_eq!((about.name, about.allowed_tools.len()), (None, 2));
    assert_eq!(about.metadata["openclaw"], r#"{"requires":{"bins":["jq"]}}"#);
}

#[test]
fn what_is_written_reads_back() {
    let draft = roost_ports::skills::Draft {
        id: "demo".parse().unwrap(),
        description: "Says \"hi\": to\nall #1 --- you".to_owned(),
        title: Some("A: demo".to_owned()),
        instructions: "Do it.".to_owned(),
    };
    let text = String::from_utf8(frontmatter::write(&draft)).unwrap();
    let about = packed(&[("SKILL.md", &text)]).unwrap().about;
    assert_eq!((about.name, about.description), (Some(draft.id), draft.description));
    assert_eq!(about.metadata["title"], "A: demo");
    assert!(text.ends_with("---\n\nDo it.\n"));
}
