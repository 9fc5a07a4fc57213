use super::*;

const V1: &str = include_str!("../../../fixtures/skill/v1.json");

#[test]
fn what_was_written_once_is_read_for_ever() {
    let (about, manifest) = decode(V1).unwrap();
    assert_eq!(about.name.as_ref().unwrap().as_str(), "csv-insights");
    assert_eq!((about.meta("author"), about.allowed_tools.len()), (Some("roost"), 2));
    let files: Vec<&str> = manifest.files().iter().map(|file| file.path.as_str()).collect();
    assert_eq!(files, ["SKILL.md", "scripts/run.sh"]);
    assert_eq!((manifest.size(), manifest.files()[1].sha256[31]), (Bytes(912), 0xff));
    assert_eq!(encode(&about, &manifest).unwrap(), V1.trim());
}

#[test]
fn what_cannot_be_read_says_why() {
    assert!(decode(&V1.replace("\"v\":1", "\"v\":2")).unwrap_err().contains("version 2"));
    assert!(decode(&V1.replace("scripts/run.sh", "../run.sh")).unwrap_err().starts_with("files: "));
    assert!(decode(&V1.replace("ff\"", "\"")).unwrap_err().contains("SHA-256"));
}
