use roost_domain::tool::ToolStatus;
use serde_json::json;

use super::*;
use crate::tests::{FakeMachine, run_on};

/// Runs one edit of `a.txt` and returns how it ended, what was said and what is in the file now.
async fn edit(content: &str, arguments: Value) -> (ToolStatus, String, String) {
    let machine = FakeMachine::new(&[("a.txt", content.as_bytes())]);
    let mut all = json!({"path": "a.txt"});
    all.as_object_mut().unwrap().extend(arguments.as_object().unwrap().clone());
    let outcome = run_on(&machine, NAME, all).await;
    (outcome.status, outcome.text, machine.text("a.txt"))
}

#[tokio::test]
async fn the_one_occurrence_is_replaced() {
    let (status, text, content) = edit("one\ntwo\nthree\n", json!({"old": "two", "new": "2"})).await;
    assert_eq!((status, text.as_str()), (ToolStatus::Done, "replaced 1 occurrence in a.txt, at line 2"));
    assert_eq!(content, "one\n2\nthree\n");
}

#[tokio::test]
async fn several_occurrences_are_counted_and_nothing_changes() {
    let (status, text, content) = edit("x\nx x\n", json!({"old": "x", "new": "y"})).await;
    assert_eq!(status, ToolStatus::Failed);
    assert_eq!(
        text,
        "`old` occurs 3 times in a.txt (lines 1, 2, 2); add lines before or after it to say which one, or set \
         replace_all. Nothing was changed"
    );
    assert_eq!(content, "x\nx x\n");
}

#[tokio::test]
async fn replace_all_replaces_each() {
    let (_, text, content) = edit("x\nx x\n", json!({"old": "x", "new": "xx", "replace_all": true})).await;
    assert_eq!(text, "replaced 3 occurrences in a.txt");
    assert_eq!(content, "xx\nxx xx\n");
}

#[tokio::test]
async fn a_text_that_is_not_there_is_told_with_the_likely_reason() {
    for (content, old, hint) in [
        ("a\r\nb\r\n", "a\nb", "the file's lines end in \\r\\n: write \\r\\n for each line end"),
        ("fn a() {\n    b();\n}", "fn a() {\n  b();\n}", "it does with other spaces or line ends"),
        ("abc", "xyz", "read the file and copy the text exactly"),
    ] {
        let (status, text, after) = edit(content, json!({"old": old, "new": "n"})).await;
        assert_eq!(status, ToolStatus::Failed);
        assert!(text.starts_with(&format!("`old` occurs 0 times in a.txt; {hint}")), "{text}");
        assert_eq!(after, content);
    }
}

#[tokio::test]
async fn files_that_cannot_be_edited_are_refused() {
    let machine = FakeMachine::new(&[("bin", b"\xff\xfe"), ("big", &vec![b'x'; 8 * 1024 * 1024 + 1])]);
    for (path, expected) in [
        ("bin", "bin is not UTF-8 text (2B); change it with shell"),
        ("big", "big has 8MiB; this tool takes files up to 8MiB, use shell"),
        ("none", "there is no \"none\" in the workspace; list_files shows what there is"),
    ] {
        let outcome = run_on(&machine, NAME, json!({"path": path, "old": "x", "new": "y"})).await;
        assert_eq!((outcome.status, outcome.text.as_str()), (ToolStatus::Failed, expected));
    }
}

#[tokio::test]
async fn a_file_read_in_parts_is_edited_whole() {
    let content = "0123456789".repeat(10) + "end";
    let machine = FakeMachine::reading(&[("a.txt", content.as_bytes())], 7);
    run_on(&machine, NAME, json!({"path": "a.txt", "old": "end", "new": "END"})).await;
    assert_eq!(machine.text("a.txt"), "0123456789".repeat(10) + "END");
}

#[test]
fn an_edit_that_changes_nothing_is_refused() {
    let problem = EditFile::read(&json!({"path": "a", "old": "x", "new": "x"})).unwrap_err().0;
    assert_eq!(problem, "edit_file: `new` is the same as `old`; nothing would change");
}
