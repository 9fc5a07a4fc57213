use roost_domain::tool::ToolStatus;
use serde_json::json;

use super::*;
use crate::tests::{FakeMachine, run_on};

#[tokio::test]
async fn matches_come_as_path_line_text() {
    let machine = FakeMachine::new(&[("a.md", b"one\ntwo fish\n"), ("b.md", b"red fish")]);
    let outcome = run_on(&machine, NAME, json!({"pattern": "fish"})).await;
    assert_eq!(outcome.text, "a.md:2: two fish\nb.md:1: red fish\n");
    let none = run_on(&machine, NAME, json!({"pattern": "bird"})).await;
    assert_eq!((none.status, none.text.as_str()), (ToolStatus::Done, "[no line matches]"));
}

#[tokio::test]
async fn too_many_matches_are_cut_and_told() {
    let machine = FakeMachine::new(&[("a", "x\n".repeat(201).as_bytes())]);
    let outcome = run_on(&machine, NAME, json!({"pattern": "x"})).await;
    assert!(
        outcome.text.ends_with("a:200: x\n[only the first 200 lines; narrow the pattern or the path]"),
        "{}",
        outcome.text
    );
}

#[tokio::test]
async fn a_bad_pattern_is_the_models_to_repair() {
    let outcome = run_on(&FakeMachine::new(&[]), NAME, json!({"pattern": "("})).await;
    assert_eq!(outcome.status, ToolStatus::Failed);
    assert_eq!(outcome.text, "the pattern is no regular expression: unclosed group");
}
