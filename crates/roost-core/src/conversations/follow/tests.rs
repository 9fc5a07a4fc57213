use roost_domain::model::Usage;
use roost_domain::tool::{ToolOutcome, ToolStatus};
use roost_domain::unit::{MicroUsd, Tokens};
use serde_json::json;

use super::*;

fn turn() -> TurnId {
    "turn_00000000000000000000000000000007".parse().unwrap()
}

fn event(offset: u64, event: TurnEvent) -> Live {
    Live::Event(Event {
        agent: "00000000-0000-0000-0000-000000000001".parse().unwrap(),
        session: "sess_00000000000000000000000000000001".parse().unwrap(),
        offset: Offset(offset),
        at: jiff::Timestamp::UNIX_EPOCH,
        body: Body::Turn { turn: turn(), event },
    })
}

fn called(offset: u64) -> Live {
    event(offset, TurnEvent::ModelCalled { model: "test/x".parse().unwrap(), reserved: MicroUsd::ZERO })
}

fn id(name: &str) -> ToolCallId {
    ToolCallId::from_text(name)
}

fn answered(offset: u64, text: &str, calls: &[&str]) -> Live {
    let usage = Usage { input: Tokens(10), cached: Tokens(0), cache_written: Tokens(0), output: Tokens(1) };
    let call = |name: &&str| ToolCall { id: id(name), tool: "t".into(), arguments: json!({}) };
    let calls = calls.iter().map(call).collect();
    let (text, stop, cost) = (text.to_owned(), StopReason::EndTurn, MicroUsd::ZERO);
    event(offset, TurnEvent::ModelAnswered { text, calls, stop, usage, cost })
}

fn delta(at: u64, text: &str) -> Live {
    Live::Delta { of: ProgressOf::Model(Offset(at)), text: text.to_owned() }
}

fn finished(offset: u64, name: &str) -> Live {
    let outcome = ToolOutcome { text: String::new(), status: ToolStatus::Done };
    event(offset, TurnEvent::ToolFinished { call: id(name), outcome })
}

fn handed_out(offset: u64, name: &str) -> Live {
    event(offset, TurnEvent::CallHandedOut { call: id(name) })
}

/// Returns what is told of a story, with what it used.
fn told(story: Vec<Live>) -> (Vec<Told>, Usage) {
    let mut follow = Follow::new(turn(), Offset(1));
    let told = story.into_iter().flat_map(|live| follow.feed(live)).collect();
    (told, follow.usage())
}

fn text(text: &str) -> Told {
    Told::Text(text.to_owned())
}

#[test]
fn text_is_told_once_whether_it_came_in_pieces_or_whole() {
    let end = || event(4, TurnEvent::Ended { ending: Ending::Answered });
    let over = || Told::Over(Over::Answered(StopReason::EndTurn));
    let (whole, _) = told(vec![called(2), answered(3, "Hello", &[]), end()]);
    assert_eq!(whole, [text("Hello"), over()]);
    let (pieces, _) = told(vec![called(2), delta(2, "Hel"), answered(3, "Hello", &[]), end()]);
    assert_eq!(pieces, [text("Hel"), text("lo"), over()]);
    let (early, _) = told(vec![delta(2, "Hel"), called(2), answered(3, "Hello", &[]), end()]);
    assert_eq!(early, [text("Hel"), text("lo"), over()]);
}

#[test]
fn what_is_said_after_tools_is_set_apart_and_all_calls_are_counted() {
    let story = vec![
        called(2),
        answered(3, "First.", &["call_2_0"]),
        finished(4, "call_2_0"),
        called(5),
        answered(6, "Then.", &[]),
        event(7, TurnEvent::Ended { ending: Ending::Answered }),
    ];
    let (told, usage) = told(story);
    assert_eq!(told, [text("First."), text("\n\nThen."), Told::Over(Over::Answered(StopReason::EndTurn))]);
    assert_eq!((usage.input, usage.output), (Tokens(20), Tokens(2)));
}

#[test]
fn an_answer_ends_when_all_that_is_open_waits_for_the_caller() {
    let begin = || vec![called(2), answered(3, "", &["call_2_0", "call_2_1"]), handed_out(4, "call_2_0")];
    assert_eq!(told(begin()).0, [], "the other still runs");
    for last in [
        finished(5, "call_2_1"),
        event(5, TurnEvent::ToolBlocked { call: id("call_2_1"), reason: String::new() }),
    ] {
        let mut story = begin();
        story.push(last);
        let (told, _) = told(story);
        let [Told::Over(Over::Calls(calls))] = &told[..] else { panic!("{told:?}") };
        assert_eq!(calls.len(), 1);
        assert!(calls[0].id.as_str().ends_with("7_2_0"), "the name leads back: {}", calls[0].id);
    }
    let mut asking = begin();
    asking.push(event(5, TurnEvent::QuestionAsked { call: id("call_2_1"), question: "Sure?".into() }));
    let (told, _) = told(asking);
    assert!(
        matches!(&told[..], [Told::Text(text), Told::Over(Over::Calls(_))] if text == "Sure?"),
        "{told:?}"
    );
}

#[test]
fn what_was_told_of_an_answer_that_broke_off_ends_it() {
    let failed = || {
        let problem = Problem { code: "x".into(), message: "y".into() };
        event(3, TurnEvent::ModelFailed { problem, retryable: true })
    };
    assert_eq!(told(vec![called(2), delta(2, "Half"), failed()]).0, [text("Half"), Told::Over(Over::Broken)]);
    let unheard = vec![called(2), failed(), called(4), answered(5, "Whole", &[])];
    assert_eq!(told(unheard).0, [text("Whole")]);
}

#[test]
fn what_came_before_and_other_turns_are_not_told() {
    let mut other = answered(3, "Other", &[]);
    if let Live::Event(Event { body: Body::Turn { turn, .. }, .. }) = &mut other {
        *turn = "turn_00000000000000000000000000000008".parse().unwrap();
    }
    assert_eq!(told(vec![answered(1, "Before", &[]), other]).0, []);
}
