use roost_domain::tool::ToolStatus;
use serde_json::json;

use super::*;
use crate::tests::{FakeMachine, run_on};
use crate::text::TEXT_CAP;

/// Reads `a.txt`, given to the tool in parts of 5 bytes.
async fn read(content: &[u8], arguments: Value) -> (ToolStatus, String) {
    let machine = FakeMachine::reading(&[("a.txt", content)], 5);
    let mut all = json!({"path": "a.txt"});
    all.as_object_mut().unwrap().extend(arguments.as_object().unwrap().clone());
    let outcome = run_on(&machine, NAME, all).await;
    (outcome.status, outcome.text)
}

#[tokio::test]
async fn a_file_comes_as_it_is() {
    for text in ["one\ntwo\n", "no line end", "€ and 😀\n", "\n\n"] {
        assert_eq!(read(text.as_bytes(), json!({})).await, (ToolStatus::Done, text.to_owned()));
    }
    assert_eq!(read(b"", json!({})).await.1, "[the file is empty]");
}

#[tokio::test]
async fn a_part_says_where_to_go_on() {
    let text = b"1\n2\n3\n4\n5";
    assert_eq!(
        read(text, json!({"offset": 2, "limit": 2})).await.1,
        "2\n3\n[lines 2 to 3 of a file of 9B; go on with offset 4]"
    );
    assert_eq!(read(text, json!({"offset": 4})).await.1, "4\n5");
    assert_eq!(read(text, json!({"offset": 5, "limit": 1})).await.1, "5");
    assert_eq!(read(b"1\n2\n", json!({"limit": 2})).await.1, "1\n2\n", "nothing follows, so no note");
}

#[tokio::test]
async fn a_line_after_the_last_is_told_with_the_number_of_lines() {
    for (content, has) in [("a\nb", "2 lines"), ("a\nb\n", "2 lines"), ("a", "1 line")] {
        let (status, text) = read(content.as_bytes(), json!({"offset": 9})).await;
        assert_eq!(status, ToolStatus::Failed);
        assert_eq!(text, format!("a.txt has {has}; there is no line 9"));
    }
}

#[tokio::test]
async fn a_long_file_is_cut_between_lines() {
    let line = "x".repeat(99) + "\n";
    let machine = FakeMachine::new(&[("a.txt", line.repeat(1000).as_bytes())]);
    let outcome = run_on(&machine, NAME, json!({"path": "a.txt"})).await;
    let fits = TEXT_CAP / 100;
    let note = format!("[lines 1 to {fits} of a file of 97.6KiB; go on with offset {}]", fits + 1);
    assert_eq!(outcome.text, line.repeat(fits) + &note);
    let rest = run_on(&machine, NAME, json!({"path": "a.txt", "offset": fits + 1})).await;
    assert_eq!(rest.text, line.repeat(1000 - fits));
}

#[tokio::test]
async fn a_line_that_alone_is_too_long_is_cut_at_a_character() {
    let machine =
        FakeMachine::new(&[("a.txt", ("x".to_owned() + &"€".repeat(30_000) + "\nnext").as_bytes())]);
    let outcome = run_on(&machine, NAME, json!({"path": "a.txt"})).await;
    let (line, note) = outcome.text.split_once('\n').unwrap();
    assert_eq!(line, "x".to_owned() + &"€".repeat((TEXT_CAP - 1) / 3));
    assert!(note.contains("the next line is offset 2]"), "{note}");
    assert_eq!(run_on(&machine, NAME, json!({"path": "a.txt", "offset": 2})).await.text, "next");
}

#[tokio::test]
async fn binary_is_refused_with_its_size() {
    let mut image = b"\x89PNG\r\n\x1a\n\0\0".to_vec();
    image.resize(2048, 7);
    let machine =
        FakeMachine::new(&[("a.png", &image), ("latin.txt", b"na\xefve, all else is plain text\n")]);
    let outcome = run_on(&machine, NAME, json!({"path": "a.png"})).await;
    assert_eq!(outcome.status, ToolStatus::Failed);
    assert_eq!(outcome.text, "a.png is binary (2KiB); look at it with shell");
    let text = run_on(&machine, NAME, json!({"path": "latin.txt"})).await;
    assert_eq!(text.text, "na\u{fffd}ve, all else is plain text\n");
}
