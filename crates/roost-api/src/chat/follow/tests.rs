use roost_domain::approval::Question;
use roost_domain::conversation::StopReason;
use roost_domain::event::Problem;
use roost_domain::id::{AgentId, SessionId};
use roost_domain::model::Usage;
use roost_domain::tool::{ToolCall, ToolOutcome, ToolStatus};
use roost_domain::unit::MicroUsd;
use serde_json::{Value, json};

use super::*;
use crate::chat::wire::Answer;

const SESSION: &str = "sess_00000000000070008000000000000001";
const MINE: &str = "turn_00000000000070008000000000000001";
const OTHER: &str = "turn_00000000000070008000000000000002";
const APPROVAL: &str = "apr_00000000000070008000000000000001";

/// Plays a session's stream to a follower and keeps what it tells.
struct Play {
    follow: Follow,
    offset: u64,
    told: Vec<ChatEvent>,
}

impl Play {
    /// Begins with the message at `from`.
    fn from(from: u64) -> Self {
        let session: SessionId = SESSION.parse().unwrap();
        let posted = Posted { session, turn: MINE.parse().unwrap(), offset: Offset(from) };
        Self { follow: Follow::new(&posted), offset: 0, told: Vec::new() }
    }

    fn event_of(&mut self, turn: &str, event: TurnEvent) -> u64 {
        self.offset += 1;
        let agent: AgentId = "00000000-0000-7000-8000-000000000001".parse().unwrap();
        let event = Event {
            agent,
            session: SESSION.parse().unwrap(),
            offset: Offset(self.offset),
            at: jiff::Timestamp::UNIX_EPOCH,
            body: Body::Turn { turn: turn.parse().unwrap(), event },
        };
        self.told.extend(self.follow.feed(Live::Event(event)));
        self.offset
    }

    fn event(&mut self, event: TurnEvent) -> u64 {
        self.event_of(MINE, event)
    }

    fn delta(&mut self, at: u64, text: &str) {
        let of = ProgressOf::Model(Offset(at));
        self.told.extend(self.follow.feed(Live::Delta { of, text: text.to_owned() }));
    }

    fn output(&mut self, call: &str, text: &str) {
        let of = ProgressOf::Tool(ToolCallId::from_text(call));
        self.told.extend(self.follow.feed(Live::Delta { of, text: text.to_owned() }));
    }

    fn json(&self) -> Vec<Value> {
        self.told.iter().map(|event| json!(event)).collect()
    }

    /// What a client has that joins all texts and takes back what it is told to.
    fn text(&self) -> String {
        let mut answer = Answer::default();
        self.told.iter().cloned().for_each(|event| answer.take(event));
        json!(answer)["text"].as_str().unwrap().to_owned()
    }
}

fn received() -> TurnEvent {
    TurnEvent::MessageReceived { text: "Hi".to_owned(), context: None }
}

fn called() -> TurnEvent {
    TurnEvent::ModelCalled { model: "test/echo".parse().unwrap(), reserved: MicroUsd::ZERO }
}

fn answered(text: &str, calls: &[&str]) -> TurnEvent {
    let call = |id: &&str| ToolCall {
        id: ToolCallId::from_text(*id),
        tool: "shell".to_owned(),
        arguments: json!({"command": "ls"}),
    };
    TurnEvent::ModelAnswered {
        text: text.to_owned(),
        calls: calls.iter().map(call).collect(),
        stop: StopReason::EndTurn,
        usage: Usage::default(),
        cost: MicroUsd::ZERO,
    }
}

fn failed() -> TurnEvent {
    let problem = Problem { code: "model_stream_broken".to_owned(), message: "It broke off".to_owned() };
    TurnEvent::ModelFailed { problem, retryable: true }
}

fn finished(call: &str) -> TurnEvent {
    let outcome = ToolOutcome { text: "out".to_owned(), status: ToolStatus::Done };
    TurnEvent::ToolFinished { call: ToolCallId::from_text(call), outcome }
}

fn asked(call: &str, question: &str) -> TurnEvent {
    TurnEvent::QuestionAsked { call: ToolCallId::from_text(call), question: question.to_owned() }
}

fn requested(call: &str) -> TurnEvent {
    TurnEvent::ApprovalRequested {
        approval: APPROVAL.parse().unwrap(),
        call: Some(ToolCallId::from_text(call)),
        question: Question::MayAct,
        summary: "run it".to_owned(),
        reason: "it is not listed".to_owned(),
        expires_at: jiff::Timestamp::UNIX_EPOCH,
    }
}

fn decided(call: &str, verdict: Verdict) -> TurnEvent {
    TurnEvent::ApprovalDecided {
        approval: APPROVAL.parse().unwrap(),
        call: Some(ToolCallId::from_text(call)),
        verdict,
        by: Some("Eve".to_owned()),
        note: None,
    }
}

fn ended(ending: Ending) -> TurnEvent {
    TurnEvent::Ended { ending }
}

#[test]
fn a_streamed_answer_is_told_piece_by_piece_and_once() {
    let mut play = Play::from(1);
    play.event(received());
    let call = play.event(called());
    play.delta(call, "I can help");
    play.delta(call, " you");
    play.event(answered("I can help you!", &[]));
    play.event(ended(Ending::Answered));
    assert_eq!(
        play.json(),
        [
            json!({"type": "text", "content": "I can help"}),
            json!({"type": "text", "content": " you"}),
            json!({"type": "text", "content": "!"}),
            json!({"type": "done"}),
        ]
    );
    assert!(play.follow.is_over());
}

#[test]
fn text_that_comes_before_its_call_is_read_is_told_in_its_place() {
    let mut play = Play::from(1);
    play.event(received());
    play.delta(2, "He");
    let call = play.event(called());
    assert_eq!(call, 2);
    play.delta(call, "llo");
    play.event(answered("Hello", &[]));
    assert_eq!(play.text(), "Hello");
}

#[test]
fn what_other_turns_say_is_not_told() {
    let mut play = Play::from(3);
    play.event_of(OTHER, received());
    let other = play.event_of(OTHER, called());
    play.event(received());
    play.delta(other, "for somebody else");
    play.event_of(OTHER, answered("for somebody else", &["call_2_0"]));
    play.output("call_2_0", "theirs");
    play.event_of(OTHER, finished("call_2_0"));
    play.delta(7, "early, theirs");
    play.event_of(OTHER, called());
    play.event_of(OTHER, answered("early, theirs", &[]));
    play.event_of(OTHER, ended(Ending::Answered));
    assert_eq!(play.json(), Vec::<Value>::new());
    assert!(play.follow.early.is_empty(), "others' text is kept for nobody");
    let mine = play.event(called());
    play.delta(mine, "for me");
    play.event(answered("for me", &[]));
    assert_eq!(play.text(), "for me");
}

#[test]
fn a_call_that_breaks_off_takes_back_what_it_said_and_nothing_else() {
    let mut play = Play::from(1);
    play.event(received());
    let call = play.event(called());
    play.delta(call, "Let me look. ✓");
    play.event(answered("Let me look. ✓", &["call_2_0"]));
    play.event(finished("call_2_0"));
    let broken = play.event(called());
    play.delta(broken, "It ïs");
    play.event(failed());
    assert_eq!(play.told.last(), Some(&ChatEvent::Retract { characters: 7 }));
    assert_eq!(play.text(), "Let me look. ✓");
    let again = play.event(called());
    play.delta(again, "It is sunny");
    play.event(answered("It is sunny", &[]));
    assert_eq!(play.text(), "Let me look. ✓\n\nIt is sunny");
    // A call that fails before it said anything takes nothing back.
    play.event(called());
    let before = play.told.len();
    play.event(failed());
    assert_eq!(play.told.len(), before);
}

#[test]
fn tools_are_told_with_their_output_and_result() {
    let mut play = Play::from(1);
    play.event(received());
    play.event(called());
    play.event(answered("", &["call_2_0"]));
    play.output("call_2_0", "o");
    play.event(finished("call_2_0"));
    assert_eq!(
        play.json(),
        [
            json!({"type": "tool_call", "id": "call_2_0", "name": "shell", "arguments": {"command": "ls"}}),
            json!({"type": "tool_output", "id": "call_2_0", "content": "o"}),
            json!({"type": "tool_result", "id": "call_2_0", "status": "done", "content": "out"}),
        ]
    );
}

#[test]
fn a_question_ends_the_answer_when_nothing_else_runs() {
    let mut play = Play::from(1);
    play.event(received());
    play.event(called());
    play.event(answered("One thing.", &["call_2_0", "call_2_1"]));
    play.event(asked("call_2_0", "Which one?"));
    assert!(!play.follow.is_over(), "the other call still runs");
    play.event(finished("call_2_1"));
    assert!(play.follow.is_over());
    assert_eq!(play.text(), "One thing.\n\nWhich one?");
    assert_eq!(play.json().last().unwrap(), &json!({"type": "done", "status": "question"}));
}

#[test]
fn an_approval_keeps_the_answer_open_and_what_follows_is_told() {
    let mut play = Play::from(1);
    play.event(received());
    play.event(called());
    play.event(answered("", &["call_2_0"]));
    play.event(requested("call_2_0"));
    assert!(!play.follow.is_over());
    play.event(decided("call_2_0", Verdict::Approved));
    play.event(finished("call_2_0"));
    assert_eq!(
        play.json()[1..],
        [
            json!({
                "type": "approval_required", "approvalId": APPROVAL, "callId": "call_2_0",
                "question": "may_act", "summary": "run it", "reason": "it is not listed",
                "expiresAt": "1970-01-01T00:00:00.000Z",
            }),
            json!({"type": "approval_decided", "approvalId": APPROVAL, "status": "approved", "by": "Eve"}),
            json!({"type": "tool_result", "id": "call_2_0", "status": "done", "content": "out"}),
        ]
    );
}

#[test]
fn a_refused_call_does_not_keep_a_question_from_ending_the_answer() {
    let mut play = Play::from(1);
    play.event(received());
    play.event(called());
    play.event(answered("", &["call_2_0", "call_2_1"]));
    play.event(requested("call_2_0"));
    play.event(asked("call_2_1", "Which one?"));
    assert!(!play.follow.is_over());
    play.event(decided("call_2_0", Verdict::Denied));
    assert!(play.follow.is_over());
}

#[test]
fn an_answer_to_one_of_two_questions_brings_back_the_other() {
    // The turn began with the first event; the message that is followed is the answer at the sixth.
    let mut play = Play::from(6);
    play.event(received());
    play.event(called());
    play.event(answered("Two things.", &["call_2_0", "call_2_1"]));
    play.event(asked("call_2_0", "Which one?"));
    play.event(asked("call_2_1", "And when?"));
    let call = ToolCallId::from_text("call_2_0");
    play.event(TurnEvent::QuestionAnswered { call, answer: "The red one".to_owned() });
    assert_eq!(
        play.json(),
        [
            json!({"type": "text", "content": "And when?"}),
            json!({"type": "question", "id": "call_2_1", "content": "And when?"}),
            json!({"type": "done", "status": "question"}),
        ]
    );
}

#[test]
fn turns_that_fail_or_are_cancelled_say_so() {
    let problem = Problem { code: "model_auth".to_owned(), message: "The key was refused".to_owned() };
    for (ending, told) in [
        (
            Ending::Failed(problem),
            json!({"type": "error", "code": "model_auth", "message": "The key was refused"}),
        ),
        (Ending::Cancelled, json!({"type": "done", "status": "cancelled"})),
    ] {
        let mut play = Play::from(1);
        play.event(received());
        play.event(called());
        play.event(failed());
        play.event(ended(ending));
        assert_eq!(play.json(), [told]);
        assert!(play.follow.is_over());
    }
}
