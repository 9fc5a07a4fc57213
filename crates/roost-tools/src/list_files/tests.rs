use roost_domain::tool::ToolStatus;
use serde_json::json;

use super::*;
use crate::tests::{FakeMachine, run_on};

#[tokio::test]
async fn entries_come_one_on_a_line_with_kind_and_size() {
    let machine = FakeMachine::new(&[("notes/", b""), ("notes/a.md", &[b'x'; 1536]), ("b", b"")]);
    let outcome = run_on(&machine, NAME, json!({})).await;
    assert_eq!(outcome.status, ToolStatus::Done);
    assert_eq!(outcome.text, "b (0B)\nnotes/\nnotes/a.md (1.5KiB)\n");
}

#[tokio::test]
async fn a_list_that_is_cut_says_so_and_a_full_one_does_not() {
    let names: Vec<String> = (0..1001).map(|number| format!("f{number:04}")).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), b"".as_slice())).collect();
    let cut = run_on(&FakeMachine::new(&files), NAME, json!({"path": "."})).await;
    assert!(
        cut.text.ends_with(
            "f0999 (0B)\n[only the first 1000 entries; list a directory below, or use less depth]"
        )
    );
    let full = run_on(&FakeMachine::new(&files[..1000]), NAME, json!({"path": "."})).await;
    assert!(full.text.ends_with("f0999 (0B)\n"));
    let empty = run_on(&FakeMachine::new(&[]), NAME, json!({"path": "."})).await;
    assert_eq!(empty.text, "[the directory is empty]");
}

#[test]
fn links_and_odd_files_are_told_apart() {
    let entry = |kind| Entry { path: "a".to_owned(), kind, size: roost_domain::unit::Bytes(3) };
    assert_eq!(line(&entry(EntryKind::Link)), "a@");
    assert_eq!(line(&entry(EntryKind::Other)), "a (not a file)");
}
