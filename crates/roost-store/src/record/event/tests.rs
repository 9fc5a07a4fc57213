use std::collections::BTreeSet;

use proptest::prelude::*;
use roost_domain::agent::FailureCategory;
use roost_domain::approval::{Question, Verdict};
use roost_domain::conversation::{Format, Message, StopReason, ToolChoice, Wishes};
use roost_domain::event::{Ending, Journal, Problem, Recollection};
use roost_domain::id::{ApprovalId, SnapshotId};
use roost_domain::model::Usage;
use roost_domain::session::Channel;
use roost_domain::tool::{ToolCall, ToolCallId, ToolOutcome, ToolSpec, ToolStatus};
use roost_domain::unit::{MicroUsd, Tokens};
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;

/// What was written by the first version.
const V1: &str = include_str!("../../../fixtures/event/v1.json");

fn records() -> Vec<Value> {
    serde_json::from_str(V1).unwrap()
}

fn call() -> ToolCallId {
    ToolCallId::from_text("call_2_0")
}

fn snapshot() -> SnapshotId {
    "snap_0190b5a42f6e7cc19d2b8a6c1d2e3f40".parse().unwrap()
}

fn problem(code: &str, message: &str) -> Problem {
    Problem { code: code.into(), message: message.into() }
}

/// What the records of `v1.json` mean, one after the other.
fn bodies() -> Vec<Body> {
    let outside = [
        Body::SessionStarted { channel: Channel::Api },
        Body::SessionStarted { channel: Channel::Journal },
        Body::SessionStarted { channel: Channel::Agent },
        Body::SessionStarted { channel: Channel::Workflow },
        Body::Journal(Journal::Created),
        Body::Journal(Journal::Started),
        Body::Journal(Journal::Stopped),
        Body::Journal(Journal::Restarted),
        Body::Journal(Journal::Paused),
        Body::Journal(Journal::Resumed),
        Body::Journal(Journal::Froze),
        Body::Journal(Journal::Woke),
        Body::Journal(Journal::Changed { what: "config".into() }),
        Body::Journal(Journal::Saved { snapshot: snapshot(), name: "before".into() }),
        Body::Journal(Journal::Restored { snapshot: snapshot(), name: "before".into() }),
        Body::Journal(Journal::Forked {
            parent: "0190b5a4-2f6e-7cc1-9d2b-8a6c1d2e3f40".parse().unwrap(),
            name: "Ada".into(),
        }),
        Body::Journal(Journal::Failed {
            category: FailureCategory::Machine,
            message: "the machine died".into(),
        }),
        Body::Journal(Journal::Connected { target: "a.example:443".into(), refused: None }),
        Body::Journal(Journal::Connected {
            target: "b.example:80".into(),
            refused: Some("not listed".into()),
        }),
    ];
    let turn: TurnId = "turn_0190b5a42f6e7cc19d2b8a6c1d2e3f40".parse().unwrap();
    let inside = talk().into_iter().chain(decisions()).chain(tools());
    outside.into_iter().chain(inside.map(|event| Body::Turn { turn, event })).collect()
}

fn talk() -> Vec<TurnEvent> {
    let usage = |cached, cache_written| Usage {
        input: Tokens(10),
        cached: Tokens(cached),
        cache_written: Tokens(cache_written),
        output: Tokens(3),
    };
    vec![
        TurnEvent::MessageReceived { text: "Hi, \"you\"\n".into(), context: None },
        TurnEvent::MessageReceived { text: "Hi".into(), context: Some("name: Ann".into()) },
        TurnEvent::Recalled {
            entries: vec![
                Recollection {
                    id: "0190b5a4-2f6e-7cc1-9d2b-8a6c1d2e3f42".parse().unwrap(),
                    memory: true,
                    source: "sess_1".into(),
                    text: "I live in Vienna.".into(),
                },
                Recollection {
                    id: "0190b5a4-2f6e-7cc1-9d2b-8a6c1d2e3f43".parse().unwrap(),
                    memory: false,
                    source: "docs/a.md".into(),
                    text: "Refunds.".into(),
                },
            ],
        },
        TurnEvent::ModelCalled {
            model: "anthropic/claude-sonnet-4-6".parse().unwrap(),
            reserved: MicroUsd(4_200),
        },
        TurnEvent::ModelAnswered {
            text: String::new(),
            calls: vec![ToolCall {
                id: call(),
                tool: "shell".into(),
                arguments: json!({"command": "ls", "n": [0.1, u64::MAX, -3, null, true]}),
            }],
            stop: StopReason::ToolUse,
            usage: usage(4, 2),
            cost: MicroUsd(17),
        },
        TurnEvent::ModelAnswered {
            text: "Done.".into(),
            calls: vec![],
            stop: StopReason::EndTurn,
            usage: usage(0, 0),
            cost: MicroUsd(0),
        },
        TurnEvent::ModelFailed { problem: problem("provider_unreachable", "nobody there"), retryable: true },
        TurnEvent::ModelLost,
    ]
}

fn decisions() -> Vec<TurnEvent> {
    let approval: ApprovalId = "apr_0190b5a42f6e7cc19d2b8a6c1d2e3f41".parse().unwrap();
    vec![
        TurnEvent::ApprovalRequested {
            approval,
            call: Some(call()),
            question: Question::MayAct,
            summary: "run ls".into(),
            reason: "Commands need approval.".into(),
            expires_at: "2026-11-22T10:00:00.000001Z".parse().unwrap(),
        },
        TurnEvent::ApprovalRequested {
            approval,
            call: None,
            question: Question::RunAgain,
            summary: "run ls".into(),
            reason: "The server died.".into(),
            expires_at: "2026-11-22T10:00:00Z".parse().unwrap(),
        },
        TurnEvent::ApprovalDecided {
            approval,
            call: Some(call()),
            verdict: Verdict::Approved,
            by: Some("ann".into()),
            note: Some("fine".into()),
        },
        TurnEvent::ApprovalDecided { approval, call: None, verdict: Verdict::Expired, by: None, note: None },
    ]
}

fn tools() -> Vec<TurnEvent> {
    vec![
        TurnEvent::ToolBlocked { call: call(), reason: "not listed".into() },
        TurnEvent::ToolStarted { call: call(), summary: "run ls".into(), idempotent: false },
        TurnEvent::ToolFinished {
            call: call(),
            outcome: ToolOutcome { text: "a.txt".into(), status: ToolStatus::Done },
        },
        TurnEvent::ToolLost { call: call() },
        TurnEvent::QuestionAsked { call: call(), question: "Which one?".into() },
        TurnEvent::QuestionAnswered { call: call(), answer: "The first.".into() },
        TurnEvent::HistoryGiven { messages: given() },
        TurnEvent::CallerAsked { tools: vec![look_up()], wishes: Box::new(wishes()) },
        TurnEvent::CallerAsked {
            tools: vec![],
            wishes: Box::new(Wishes {
                choice: ToolChoice::Named("look_up".into()),
                format: Format::JsonObject,
                ..Wishes::default()
            }),
        },
        TurnEvent::CallerAsked { tools: vec![], wishes: Box::default() },
        TurnEvent::Confined {
            model: Some("test/echo".parse().unwrap()),
            tools: Some(vec!["read_file".into()]),
            title: Some("The report".into()),
        },
        TurnEvent::Confined { model: None, tools: None, title: None },
        TurnEvent::CallsGiven {
            calls: vec![ToolCall {
                id: ToolCallId::from_text("given_1_0"),
                tool: "shell".into(),
                arguments: json!({"command": "ls"}),
            }],
        },
        TurnEvent::CallHandedOut { call: call() },
        TurnEvent::CallReturned {
            call: call(),
            outcome: ToolOutcome { text: "42".into(), status: ToolStatus::Done },
        },
        TurnEvent::AgentAsked {
            call: call(),
            agent: "0190b5a4-2f6e-7cc1-9d2b-8a6c1d2e3f43".parse().unwrap(),
            name: "Bo".into(),
            session: "sess_0190b5a42f6e7cc19d2b8a6c1d2e3f44".parse().unwrap(),
            turn: "turn_0190b5a42f6e7cc19d2b8a6c1d2e3f45".parse().unwrap(),
        },
        TurnEvent::CancelRequested,
        TurnEvent::Ended { ending: Ending::Answered },
        TurnEvent::Ended { ending: Ending::Failed(problem("too_many_rounds", "It went on for too long.")) },
        TurnEvent::Ended { ending: Ending::Cancelled },
    ]
}

fn given() -> Vec<Message> {
    let wanted = ToolCall { id: call(), tool: "look_up".into(), arguments: json!({"n": 1}) };
    vec![
        Message::User("Hi".into()),
        Message::Assistant { text: String::new(), calls: vec![wanted] },
        Message::ToolResult { call: call(), tool: "look_up".into(), text: "gone".into(), is_error: true },
        Message::Assistant { text: "It is gone.".into(), calls: vec![] },
    ]
}

fn look_up() -> ToolSpec {
    ToolSpec {
        name: "look_up".into(),
        description: "Looks up.".into(),
        parameters: json!({"type": "object"}),
        idempotent: false,
    }
}

fn wishes() -> Wishes {
    let (name, schema) = ("s".into(), json!({"type": "object"}));
    Wishes {
        temperature: Some(0.5),
        top_p: Some(0.25),
        stop: vec!["END".into()],
        max_output: Some(Tokens(100)),
        choice: ToolChoice::Required,
        format: Format::JsonSchema { name, schema, strict: true },
    }
}

#[test]
fn what_the_first_version_wrote_is_read_for_ever() {
    let read: Vec<Body> = records().iter().map(|record| decode(&record.to_string()).unwrap()).collect();
    assert_eq!(read, bodies());
}

#[test]
fn what_is_written_is_what_the_first_version_wrote() {
    let written: Vec<Value> =
        bodies().iter().map(|body| serde_json::from_str(&encode(body).unwrap()).unwrap()).collect();
    assert_eq!(written, records());
}

#[test]
fn the_fixture_has_every_kind() {
    // The names that serde knows are in its message about one that it does not know.
    let known = |record: Value| {
        let message = decode(&record.to_string()).unwrap_err().to_string();
        let kinds =
            message.split_once("expected one of ").unwrap().1.split_once(" at line").unwrap().0.to_owned();
        kinds.split(", ").map(|kind| kind.trim_matches('`').to_owned()).collect::<BTreeSet<_>>()
    };
    let mut all = known(json!({"v": 1, "kind": "?"}));
    all.extend(known(json!({"v": 1, "kind": "?", "turn": "turn_0190b5a42f6e7cc19d2b8a6c1d2e3f40"})));
    let in_fixture: BTreeSet<_> =
        records().iter().map(|record| record["kind"].as_str().unwrap().to_owned()).collect();
    assert_eq!(in_fixture, all);
}

#[test]
fn an_unknown_version_kind_or_field_is_named() {
    let problem = |text: &str| decode(text).unwrap_err().to_string();
    assert_eq!(
        problem(r#"{"v":2,"kind":"agent_created"}"#),
        "version 2 of the record is not known, only 1 is"
    );
    assert!(problem(r#"{"v":1,"kind":"agent_danced"}"#).contains("unknown variant `agent_danced`"));
    assert!(problem(r#"{"v":1,"kind":"agent_changed"}"#).contains("missing field `what`"));
    assert!(problem(r#"{"v":1,"turn":"turn_1","kind":"model_lost"}"#).starts_with("turn: \"turn_1\" is not"));
    assert!(problem(r#"{"v":1,"kind":"model_lost"}"#).contains("unknown variant `model_lost`"));
    assert!(problem("nonsense").contains("expected"));
}

/// Any JSON a model could write as arguments.
fn arguments() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(any::<String>(), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn arguments_read_back_as_exactly_what_was_hashed(arguments in arguments(), text in any::<String>(), turn: u128) {
        let body = Body::Turn {
            turn: TurnId::from_uuid(Uuid::from_u128(turn)),
            event: TurnEvent::ModelAnswered {
                text,
                calls: vec![ToolCall { id: call(), tool: "shell".into(), arguments }],
                stop: StopReason::MaxOutput,
                usage: Usage::default(),
                cost: MicroUsd(i64::MAX),
            },
        };
        let read = decode(&encode(&body).unwrap()).unwrap();
        prop_assert_eq!(format!("{read:?}"), format!("{body:?}"));
        prop_assert_eq!(read, body);
    }
}
