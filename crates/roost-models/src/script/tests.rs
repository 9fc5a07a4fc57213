use roost_domain::conversation::{Conversation, Message};
use roost_domain::unit::Tokens;
use serde_json::json;

use super::*;
use crate::testing::{call, conversation, result};

fn performed(script: &Script, messages: Vec<Message>) -> Performance {
    match script.play(&conversation(messages)) {
        Play::Perform(performance) => performance,
        Play::Fail(fault) => panic!("{}", fault.message),
    }
}

fn failed(script: &Script, messages: Vec<Message>) -> (u16, String) {
    match script.play(&conversation(messages)) {
        Play::Fail(fault) => (fault.status, fault.message),
        Play::Perform(performance) => panic!("{:?}", performance.answer),
    }
}

fn user(text: &str) -> Message {
    Message::User(text.into())
}

fn said(text: &str) -> Message {
    Message::Assistant { text: text.into(), calls: vec![] }
}

fn wanted(id: &str) -> Message {
    Message::Assistant { text: String::new(), calls: vec![call(id, "shell", json!({}))] }
}

const TURNS: &str = r#"
turns:
  - - text: One, first.
      calls: [{tool: shell, arguments: {command: ls, deep: ["{{result}}", 2, true]}}]
    - text: "One, second: {{result}}"
  - - text: Two. It costs $1.
      usage: {input: 9, cached: 3, output: 4}
"#;

#[test]
fn the_place_in_the_story_follows_from_the_conversation() {
    let script = Script::parse(TURNS).unwrap();
    let first = performed(&script, vec![user("a")]);
    assert_eq!(
        first.answer.calls,
        [call("call_1_1_0", "shell", json!({"command": "ls", "deep": ["", 2, true]}))]
    );
    let second = vec![user("a"), wanted("x"), result("x", "shell", "it's $1 {{user}}", false)];
    assert_eq!(performed(&script, second).answer.text, "One, second: it's $1 {{user}}");
    let third = performed(&script, vec![user("a"), said("b"), user("c")]);
    assert_eq!(third.answer.text, "Two. It costs $1.");
    assert_eq!((third.answer.usage.input, third.answer.usage.cached), (Tokens(9), Tokens(3)));
}

#[test]
fn what_the_script_does_not_foresee_is_an_error_that_says_where() {
    let script = Script::parse(TURNS).unwrap();
    let third_turn = vec![user("a"), user("b"), user("c")];
    assert_eq!(failed(&script, third_turn), (400, "the script has no answer for round 1 of turn 3".into()));
    let third_round = vec![user("a"), said("x"), said("y")];
    assert_eq!(failed(&script, third_round), (400, "the script has no answer for round 3 of turn 1".into()));
}

#[test]
fn rules_answer_by_what_was_said_with_its_groups() {
    let script = Script::parse(
        r#"
rules:
  - when: '(?i)^greet (?<who>\w+) for \$(\d+)$'
    then:
      - text: "Hello ${who}, $2 $$ $9 {{user}} {{result}}"
        calls: [{tool: shell, arguments: {command: "echo $1"}}]
      - text: "Got {{result}}"
  - {when: greet, then: [{text: Whom?}]}
default: [{text: What?}]
"#,
    )
    .unwrap();
    let first = performed(&script, vec![user("Greet Ann for $5")]).answer;
    assert_eq!(first.text, "Hello Ann, 5 $  Greet Ann for $5 ");
    assert_eq!(first.calls[0].arguments, json!({"command": "echo Ann"}));
    let long = "é".repeat(3_000);
    let second = vec![user("Greet Ann for $5"), wanted("x"), result("x", "shell", &long, false)];
    assert_eq!(performed(&script, second).answer.text, format!("Got {}…", "é".repeat(2_000)));
    assert_eq!(performed(&script, vec![user("please greet")]).answer.text, "Whom?");
    assert_eq!(performed(&script, vec![user("x")]).answer.text, "What?");
}

#[test]
fn errors_and_breaks_come_as_often_as_the_script_says() {
    let script = Script::parse(
        "default: [{text: Here., error: {status: 429, times: 2}, break_after: 1, break_times: 1}]",
    )
    .unwrap();
    for _ in 0..2 {
        assert_eq!(failed(&script, vec![user("x")]).0, 429);
    }
    assert_eq!(performed(&script, vec![user("x")]).break_after, Some(1));
    assert_eq!(performed(&script, vec![user("x")]).break_after, None);
    let clone = script.clone();
    assert_eq!(performed(&clone, vec![user("x")]).break_after, None, "clones count together");
    assert_eq!(performed(&script, vec![user("x")]).break_after, None);
}

#[test]
fn pieces_are_words_or_as_many_as_asked_for_and_always_the_whole() {
    for (chunks, expected) in [("", 3), ("chunks: 2, ", 2), ("chunks: 100, ", 12)] {
        let script = Script::parse(&format!("default: [{{{chunks}text: 'Öne two thré'}}]")).unwrap();
        let pieces = performed(&script, vec![user("x")]).pieces;
        assert_eq!((pieces.len(), pieces.concat().as_str()), (expected, "Öne two thré"), "{chunks}");
    }
}

#[test]
fn usage_that_is_not_given_grows_with_the_conversation() {
    let script = Script::parse("default: [{text: four}]").unwrap();
    let usage = |messages| performed(&script, messages).answer.usage;
    let (short, long) = (usage(vec![user("x")]), usage(vec![user(&"x".repeat(400))]));
    assert_eq!((long.input.0 - short.input.0, short.output), (133, Tokens(2)));
    let empty =
        Conversation { system: String::new(), messages: vec![], tools: vec![], max_output: Tokens(1) };
    assert!(matches!(script.play(&empty), Play::Perform(_)));
}

#[test]
fn scripts_that_cannot_be_used_say_where_and_why() {
    for (yaml, says) in [
        ("turns:\n  - - text: hi\n      txet: x\n", "line 3"),
        ("turns:\n  - - text: hi\n      calls:\n        - {tool: a, args: {}}\n", "line 4"),
        ("turns: [[{text: [1]}]]", "line 1"),
        ("turns: [", "line 1"),
        ("{}", "needs turns, rules or a default"),
        ("turns: [[]]", "turn 1 has no rounds"),
        ("turns: [[{text: a}], [{}]]", "turn 2, round 1: needs text, calls or an error"),
        ("rules: [{when: '(', then: [{text: a}]}]", "rule 1: `when` is no regular expression"),
        ("default: [{text: a, error: {status: 200}}]", "default, round 1: an error's `status`"),
        ("default: [{text: a, chunks: 0}]", "`chunks`"),
        ("default: [{text: a, delay_ms: 700000}]", "a delay is at most"),
        ("default: [{text: a, break_times: 1}]", "`break_times` needs `break_after`"),
        ("default: [{calls: [{tool: ''}]}]", "needs the name of a tool"),
    ] {
        let error = Script::parse(yaml).expect_err(yaml).to_string();
        assert!(error.contains(says), "{yaml}\n{error}");
    }
}

#[test]
fn the_documented_examples_are_scripts() {
    let page = include_str!("../../../../docs/scripted-models.md");
    let examples: Vec<&str> =
        page.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert_eq!(examples.len(), 2);
    for example in examples {
        Script::parse(example).unwrap();
    }
}
