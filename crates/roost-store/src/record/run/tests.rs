use roost_domain::unit::Tokens;
use serde_json::{Value, json};

use super::*;

/// What was written by the first version.
const V1: &str = include_str!("../../../fixtures/run/v1.json");

fn records() -> Vec<Value> {
    serde_json::from_str(V1).unwrap()
}

fn step(text: &str) -> StepKey {
    text.parse().unwrap()
}

fn problem(code: &str, message: &str) -> Problem {
    Problem { code: code.into(), message: message.into() }
}

fn at(text: &str) -> Option<Timestamp> {
    Some(text.parse().unwrap())
}

fn started(name: &str, doing: Doing) -> RunEvent {
    RunEvent::StepStarted { step: step(name), attempt: 1, inputs: Value::Null, doing, deadline: None }
}

fn form(description: Option<&str>, expires_at: Option<Timestamp>) -> Doing {
    let form = "form_0190b5a42f6e7cc19d2b8a6c1d2e3f42".parse().unwrap();
    Doing::Form { form, title: "Who?".into(), description: description.map(str::to_owned), expires_at }
}

fn failed(attempt: u32, problem: Problem, retry_at: Option<Timestamp>, cost: i64) -> RunEvent {
    let (step, usage) = (step("write"), Usage::default());
    RunEvent::StepFailed { step, attempt, problem, retry_at, cost: MicroUsd(cost), usage }
}

/// What the records of `v1.json` mean, one after the other.
fn events() -> Vec<RunEvent> {
    let turn = "turn_0190b5a42f6e7cc19d2b8a6c1d2e3f40".parse().unwrap();
    let session = "sess_0190b5a42f6e7cc19d2b8a6c1d2e3f41".parse().unwrap();
    let soon = at("2026-12-01T12:00:00Z");
    let usage = Usage { input: Tokens(3), cached: Tokens(1), cache_written: Tokens(0), output: Tokens(2) };
    let ended = |ending| RunEvent::Ended { ending };
    vec![
        RunEvent::Created {
            input: json!({"topic": "größe"}),
            given: vec![(step("research"), json!({"title": "Owls"})), (step("each[2][0]"), Value::Null)],
            tainted: true,
        },
        RunEvent::Created { input: Value::Null, given: vec![], tainted: false },
        RunEvent::StepStarted {
            step: step("write"),
            attempt: 2,
            inputs: json!({"a": 1}),
            doing: Doing::Turn { turn, session },
            deadline: at("2026-11-30T12:00:00Z"),
        },
        started("ask", form(Some("Say it."), soon)),
        started("ask", form(None, None)),
        started(
            "ok",
            Doing::Question {
                form: "form_0190b5a42f6e7cc19d2b8a6c1d2e3f42".parse().unwrap(),
                question: "Send it?".into(),
                expires_at: soon,
            },
        ),
        started("wait[1]", Doing::Wait { until: at("2026-11-30T12:00:00.5Z").unwrap() }),
        started("each", Doing::Within { items: json!(["a", "b"]), case: None }),
        started("branch", Doing::Within { items: Value::Null, case: Some(1) }),
        RunEvent::Produced {
            step: step("write"),
            attempt: 1,
            output: json!("text"),
            cost: MicroUsd(12),
            usage,
            tainted: true,
        },
        RunEvent::JudgeAsked { step: step("write"), criterion: 0, output: json!("text"), turn, session },
        RunEvent::Judged {
            step: step("write"),
            criterion: 0,
            passes: false,
            reason: "Too dull.".into(),
            cost: MicroUsd::ZERO,
            usage: Usage::default(),
        },
        RunEvent::Answered {
            step: step("ask"),
            answer: json!({"who": "Ada"}),
            by: "ci".into(),
            tainted: false,
        },
        RunEvent::Answered {
            step: step("ask"),
            answer: json!({"who": "Eve"}),
            by: "form link".into(),
            tainted: true,
        },
        RunEvent::StepSucceeded {
            step: step("write"),
            output: json!({"x": [1, 2.5, null]}),
            cost: MicroUsd::ZERO,
            usage: Usage::default(),
            tainted: false,
        },
        failed(1, problem("model_unreachable", "No answer."), at("2026-11-30T12:00:01Z"), 7),
        failed(3, problem("refused", "A person said no"), None, 0),
        RunEvent::StepSkipped { step: step("write") },
        RunEvent::TimedOut,
        RunEvent::CancelRequested { by: "ci".into() },
        ended(Ending::Completed { output: json!("done") }),
        ended(Ending::Failed { step: Some(step("each[0]")), problem: problem("a", "b") }),
        ended(Ending::Failed { step: None, problem: problem("run_timeout", "b") }),
        ended(Ending::Cancelled),
    ]
}

#[test]
fn what_the_first_version_wrote_is_read_for_ever() {
    let read: Vec<_> = records().iter().map(|record| decode(&record.to_string()).unwrap()).collect();
    assert_eq!(read, events());
}

#[test]
fn what_is_written_is_what_the_first_version_wrote() {
    let written: Vec<Value> =
        events().iter().map(|event| serde_json::from_str(&encode(event).unwrap()).unwrap()).collect();
    assert_eq!(written, records());
}

#[test]
fn an_unknown_version_or_kind_is_named() {
    let unreadable = |text: &str| decode(text).unwrap_err().to_string();
    assert!(unreadable(r#"{"v":2,"kind":"timed_out"}"#).contains("version 2"));
    assert!(unreadable(r#"{"v":1,"kind":"exploded"}"#).contains("exploded"));
    assert!(unreadable(r#"{"v":1,"kind":"step_skipped","step":"a[x]"}"#).contains("a[x]"));
}
