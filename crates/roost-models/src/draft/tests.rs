use serde_json::json;

use super::*;

fn answer(raw: &str, stop: StopReason) -> Answer {
    let mut draft = Draft::default();
    let place = draft.open_call("a", "shell").unwrap();
    draft.push_arguments(place, raw).unwrap();
    draft.finish(stop, Usage::default(), "s").unwrap()
}

#[test]
fn arguments_that_are_not_json_are_handed_on_as_they_were_written() {
    let answer = answer("{\"command\": ls}", StopReason::ToolUse);
    assert_eq!(answer.calls[0].arguments, json!({INVALID_JSON: "{\"command\": ls}"}));
}

#[test]
fn a_call_without_arguments_has_none_unless_the_answer_was_cut_at_its_length() {
    assert_eq!(answer("", StopReason::ToolUse).calls[0].arguments, json!({}));
    assert_eq!(answer("", StopReason::MaxOutput).calls[0].arguments, json!({INVALID_JSON: ""}));
}

#[test]
fn an_answer_with_calls_wants_tools_whatever_its_provider_calls_it() {
    assert_eq!(answer("{}", StopReason::EndTurn).stop, StopReason::ToolUse);
    assert_eq!(answer("{}", StopReason::MaxOutput).stop, StopReason::MaxOutput);
    let nothing = Draft::default().finish(StopReason::ToolUse, Usage::default(), "s").unwrap();
    assert_eq!(nothing.stop, StopReason::EndTurn);
}

#[test]
fn calls_without_ids_get_different_ones() {
    let mut draft = Draft::default();
    draft.open_call("", "a").unwrap();
    draft.open_call("", "a").unwrap();
    let answer = draft.finish(StopReason::ToolUse, Usage::default(), "s").unwrap();
    assert_ne!(answer.calls[0].id, answer.calls[1].id);
}

#[test]
fn an_answer_has_bounds() {
    let mut draft = Draft::default();
    let mib = "x".repeat(1024 * 1024);
    for _ in 0..4 {
        draft.push_text(&mib).unwrap();
    }
    assert!(matches!(draft.push_text("x"), Err(Fault::Nonsense(_))));
    let mut draft = Draft::default();
    for _ in 0..MAX_CALLS {
        draft.open_call("a", "b").unwrap();
    }
    assert!(matches!(draft.open_call("a", "b"), Err(Fault::Nonsense(_))));
}
