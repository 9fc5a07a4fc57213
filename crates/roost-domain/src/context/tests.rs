use serde_json::json;

use super::*;
use crate::approval::Question;
use crate::conversation::StopReason;
use crate::event::{Ending, Offset};
use crate::id::{AgentId, ApprovalId, SessionId};
use crate::model::Usage;
use crate::tool::ToolOutcome;
use crate::unit::MicroUsd;

const NOW: Timestamp = Timestamp::constant(1_795_000_000, 0);

fn turn_id(n: u128) -> TurnId {
    TurnId::from_uuid(uuid::Uuid::from_u128(n))
}

fn log(entries: &[(u128, TurnEvent)]) -> Vec<Event> {
    let id = uuid::Uuid::from_u128(9);
    entries
        .iter()
        .zip(1..)
        .map(|((turn, event), offset)| Event {
            agent: AgentId::from_uuid(id),
            session: SessionId::from_uuid(id),
            offset: Offset(offset),
            at: NOW,
            body: Body::Turn { turn: turn_id(*turn), event: event.clone() },
        })
        .collect()
}

fn said(text: &str) -> TurnEvent {
    TurnEvent::MessageReceived { text: text.into(), context: None }
}

fn call(name: &str) -> ToolCall {
    ToolCall { id: ToolCallId::from_text(name), tool: "shell".into(), arguments: json!({"command": "ls"}) }
}

fn answer(text: &str, calls: &[&str]) -> TurnEvent {
    TurnEvent::ModelAnswered {
        text: text.into(),
        calls: calls.iter().map(|name| call(name)).collect(),
        stop: StopReason::EndTurn,
        usage: Usage::default(),
        cost: MicroUsd::ZERO,
    }
}

fn result(name: &str, text: &str) -> TurnEvent {
    let outcome = ToolOutcome { text: text.into(), status: ToolStatus::Done };
    TurnEvent::ToolFinished { call: ToolCallId::from_text(name), outcome }
}

fn persona() -> Persona {
    Persona { name: "Ada".into(), description: "Keeps the books.".into(), ..Persona::default() }
}

fn build(events: &[Event], turn: u128, input: u64) -> Conversation {
    let persona = persona();
    let source = Source { persona: &persona, events, turn: turn_id(turn), tools: &[], now: NOW };
    assemble(&source, Bounds { input: Tokens(input), output: Tokens(100) })
}

/// Prints a conversation the way a reader would tell it.
fn tell(conversation: &Conversation) -> String {
    let line = |message: &Message| match message {
        Message::User(text) => format!("user: {text}"),
        Message::Assistant { text, calls } => {
            let names: Vec<_> = calls.iter().map(|call| call.id.as_str()).collect();
            format!("assistant: {text} {names:?}")
        }
        Message::ToolResult { call, text, is_error, .. } => format!("result {call} error={is_error}: {text}"),
    };
    conversation.messages.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_instructions_read_as_written_here() {
    let persona = Persona {
        system_prompt: Some("Be brief.".into()),
        soul: Some("# Soul\n\nCalm.\n".into()),
        workflow: Some("  ".into()),
        ..persona()
    };
    insta::assert_snapshot!(instructions::write(&persona, NOW));
}

#[test]
fn an_overlong_document_is_cut_at_its_cap_between_characters() {
    let persona = Persona { soul: Some("ä".repeat(40_000)), ..persona() };
    let text = instructions::write(&persona, NOW);
    assert!(text.ends_with("ä\n[The rest is left out: the document is too long.]"));
    assert!(text.len() < 50_000);
}

#[test]
fn every_way_a_call_can_end_is_told_to_the_model() {
    let id = |name: &str| ToolCallId::from_text(name);
    let approval = ApprovalId::from_uuid(uuid::Uuid::from_u128(5));
    let asked = |call: &str, question| TurnEvent::ApprovalRequested {
        approval,
        call: Some(id(call)),
        question,
        summary: String::new(),
        reason: String::new(),
        expires_at: NOW,
    };
    let decided = |call: &str, verdict, note: Option<&str>| TurnEvent::ApprovalDecided {
        approval,
        call: Some(id(call)),
        verdict,
        by: None,
        note: note.map(str::to_owned),
    };
    let events = log(&[
        (1, TurnEvent::MessageReceived { text: "go".into(), context: Some("name: Ann".into()) }),
        (1, answer("on it", &["ok", "blocked", "denied", "late", "unknown", "asked", "open"])),
        (1, result("ok", "files")),
        (1, TurnEvent::ToolBlocked { call: id("blocked"), reason: "Host not listed.".into() }),
        (1, asked("denied", Question::MayAct)),
        (1, decided("denied", Verdict::Denied, Some("too risky"))),
        (1, asked("late", Question::MayAct)),
        (1, decided("late", Verdict::Expired, None)),
        (1, asked("unknown", Question::RunAgain)),
        (1, decided("unknown", Verdict::Denied, None)),
        (1, TurnEvent::QuestionAnswered { call: id("asked"), answer: "the red one".into() }),
    ]);
    insta::assert_snapshot!(tell(&build(&events, 1, 10_000)));
}

#[test]
fn turns_stay_together_and_later_ones_are_not_seen() {
    let events = log(&[
        (1, said("first")),
        (2, said("second, while the first is worked on")),
        (3, said("third")),
        (1, answer("one", &[])),
        (1, TurnEvent::Ended { ending: Ending::Answered }),
    ]);
    assert_eq!(
        tell(&build(&events, 2, 10_000)),
        "user: first\nassistant: one []\nuser: second, while the first is worked on"
    );
}

#[test]
fn old_turns_are_left_out_whole_when_room_is_short() {
    let long = "x".repeat(4_000);
    let events = log(&[
        (1, said(&long)),
        (1, answer("one", &[])),
        (2, said("two?")),
        (2, answer("", &["a"])),
        (2, result("a", "ok")),
        (2, answer("two", &[])),
        (3, said("three?")),
    ]);
    let told = tell(&build(&events, 3, 1_000));
    assert!(told.starts_with("user: two?") && told.ends_with("user: three?"), "{told}");
}

#[test]
fn a_turn_that_is_too_big_by_itself_loses_its_oldest_results_first() {
    let long = "x".repeat(4_000);
    let events = log(&[
        (1, said("go")),
        (1, answer("", &["a"])),
        (1, result("a", &long)),
        (1, answer("", &["b"])),
        (1, result("b", &long)),
    ]);
    let told = tell(&build(&events, 1, 2_000));
    assert!(told.contains("result a error=false: [This result was left out"), "{told}");
    assert!(told.ends_with(&long));
}

#[test]
fn a_log_that_begins_in_mid_turn_leaves_that_turn_out() {
    let events = log(&[(1, answer("late", &[])), (2, said("hello"))]);
    assert_eq!(tell(&build(&events, 2, 10_000)), "user: hello");
}

#[test]
fn skills_are_listed_by_a_line_each_within_their_room() {
    let events = log(&[(1, said("hi"))]);
    let system = |skills: Vec<(crate::skill::SkillId, String)>| {
        let persona = Persona { skills, ..persona() };
        let source = Source { persona: &persona, events: &events, turn: turn_id(1), tools: &[], now: NOW };
        assemble(&source, Bounds { input: Tokens(100_000), output: Tokens(100) }).system
    };
    assert!(!system(Vec::new()).contains("Skills"));
    let one = system(vec![("tidy".parse().unwrap(), "Tidies\n# Rules\nup. ".to_owned() + &"x".repeat(900))]);
    let line = one.lines().find(|line| line.starts_with("- tidy: ")).unwrap();
    assert!(line.starts_with("- tidy: Tidies # Rules up. x") && line.ends_with("x…"), "{line}");
    assert!(line.chars().count() < 420 && one.contains("/workspace/.skills/NAME"));
    let many = (0..500).map(|n| (format!("skill-{n}").parse().unwrap(), "y".repeat(300))).collect();
    let many = system(many);
    assert!(Tokens::estimate(&many) < Tokens(6_000) && many.contains("left out"), "{}", many.len());
}
