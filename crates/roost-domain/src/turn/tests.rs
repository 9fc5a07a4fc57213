use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::model::Usage;
use crate::tool::{ToolOutcome, ToolStatus};
use crate::unit::MicroUsd;

fn call(name: &str) -> ToolCall {
    ToolCall { id: ToolCallId::from_text(name), tool: "shell".into(), arguments: json!({"command": name}) }
}

fn id(name: &str) -> ToolCallId {
    ToolCallId::from_text(name)
}

fn approval(n: u128) -> ApprovalId {
    ApprovalId::from_uuid(uuid::Uuid::from_u128(n))
}

fn message() -> TurnEvent {
    TurnEvent::MessageReceived { text: "hi".into(), context: None }
}

fn called() -> TurnEvent {
    TurnEvent::ModelCalled { model: "scripted/x".parse().unwrap(), reserved: MicroUsd::ZERO }
}

fn answer(text: &str, calls: &[&str]) -> TurnEvent {
    stopped(text, calls, StopReason::EndTurn)
}

fn stopped(text: &str, calls: &[&str], stop: StopReason) -> TurnEvent {
    TurnEvent::ModelAnswered {
        text: text.into(),
        calls: calls.iter().map(|name| call(name)).collect(),
        stop,
        usage: Usage::default(),
        cost: MicroUsd::ZERO,
    }
}

fn failed(retryable: bool) -> TurnEvent {
    TurnEvent::ModelFailed { problem: Problem { code: "x".into(), message: "y".into() }, retryable }
}

fn started(name: &str, idempotent: bool) -> TurnEvent {
    TurnEvent::ToolStarted { call: id(name), summary: String::new(), idempotent }
}

fn finished(name: &str) -> TurnEvent {
    let outcome = ToolOutcome { text: "ok".into(), status: ToolStatus::Done };
    TurnEvent::ToolFinished { call: id(name), outcome }
}

fn requested(n: u128, name: Option<&str>, question: Question) -> TurnEvent {
    TurnEvent::ApprovalRequested {
        approval: approval(n),
        call: name.map(id),
        question,
        summary: String::new(),
        reason: String::new(),
        expires_at: jiff::Timestamp::UNIX_EPOCH,
    }
}

fn decided(n: u128, name: Option<&str>, verdict: Verdict) -> TurnEvent {
    TurnEvent::ApprovalDecided { approval: approval(n), call: name.map(id), verdict, by: None, note: None }
}

fn offered(tools: &[&str]) -> TurnEvent {
    let spec = |name: &&str| crate::tool::ToolSpec {
        name: (*name).into(),
        description: String::new(),
        parameters: json!({"type": "object"}),
        idempotent: false,
    };
    let wishes = Box::default();
    TurnEvent::CallerAsked { tools: tools.iter().map(spec).collect(), wishes }
}

fn handed_out(name: &str) -> TurnEvent {
    TurnEvent::CallHandedOut { call: id(name) }
}

fn returned(name: &str) -> TurnEvent {
    let outcome = ToolOutcome { text: "from outside".into(), status: ToolStatus::Done };
    TurnEvent::CallReturned { call: id(name), outcome }
}

fn ended(ending: Ending) -> TurnEvent {
    TurnEvent::Ended { ending }
}

fn fold(events: &[TurnEvent]) -> State {
    events.iter().fold(State::new(3), |state, event| step(state, event).unwrap().0)
}

fn refuses(events: &[TurnEvent], event: &TurnEvent) -> String {
    step(fold(events), event).unwrap_err().to_string()
}

const ASK: Act = Act::AskModel { leave: None };

#[test]
fn a_plain_answer_takes_one_model_call() {
    assert_eq!(fold(&[message()]).due(), [ASK]);
    assert_eq!(fold(&[message(), called()]).due(), []);
    let state = fold(&[message(), called(), answer("hello", &[])]);
    assert_eq!(state.due(), [Act::End(Ending::Answered)]);
    let state = fold(&[message(), called(), answer("hello", &[]), ended(Ending::Answered)]);
    assert_eq!((state.ended(), state.due()), (Some(&Ending::Answered), vec![]));
}

#[test]
fn parallel_calls_are_due_together_and_the_model_is_asked_when_all_are_done() {
    let story = [message(), called(), answer("", &["a", "b"])];
    let wanted = |name| Act::UseTool { call: call(name), leave: None };
    assert_eq!(fold(&story).due(), [wanted("a"), wanted("b")]);
    let story = [&story[..], &[started("a", false), started("b", true), finished("b")]].concat();
    assert_eq!(fold(&story).due(), []);
    assert_eq!(fold(&[&story[..], &[finished("a")]].concat()).due(), [ASK]);
}

#[test]
fn a_call_that_needs_leave_waits_and_then_carries_its_approval() {
    let story = [message(), called(), answer("", &["a"]), requested(1, Some("a"), Question::MayAct)];
    assert!(fold(&story).is_waiting());
    let yes = [&story[..], &[decided(1, Some("a"), Verdict::Approved)]].concat();
    assert_eq!(fold(&yes).due(), [Act::UseTool { call: call("a"), leave: Some(approval(1)) }]);
    for verdict in [Verdict::Denied, Verdict::Expired] {
        let no = [&story[..], &[decided(1, Some("a"), verdict)]].concat();
        assert_eq!(fold(&no).due(), [ASK], "the model is told and asked again");
    }
}

#[test]
fn a_call_that_waits_does_not_hold_up_its_neighbour() {
    let story = [
        message(),
        called(),
        answer("", &["a", "b"]),
        requested(1, Some("a"), Question::MayAct),
        started("b", true),
    ];
    assert!(!fold(&story).is_waiting());
    assert!(fold(&[&story[..], &[finished("b")]].concat()).is_waiting());
}

#[test]
fn a_model_call_that_needs_leave_waits_and_its_refusal_ends_the_turn() {
    let story = [message(), requested(1, None, Question::MayAct)];
    assert!(fold(&story).is_waiting());
    let yes = [&story[..], &[decided(1, None, Verdict::Approved)]].concat();
    assert_eq!(fold(&yes).due(), [Act::AskModel { leave: Some(approval(1)) }]);
    let no = fold(&[&story[..], &[decided(1, None, Verdict::Expired)]].concat());
    let [Act::End(Ending::Failed(problem))] = &no.due()[..] else { panic!("{no:?}") };
    assert_eq!(problem.message, "Asking the model needed an approval, which was expired");
}

#[test]
fn a_question_waits_for_the_peer() {
    let asked = TurnEvent::QuestionAsked { call: id("a"), question: "which?".into() };
    let story = [message(), called(), answer("", &["a"]), asked];
    assert_eq!((fold(&story).question(), fold(&story).is_waiting()), (Some(&id("a")), true));
    let answered = TurnEvent::QuestionAnswered { call: id("a"), answer: "this".into() };
    assert_eq!(fold(&[&story[..], &[answered]].concat()).due(), [ASK]);
}

#[test]
fn a_call_of_the_callers_tool_is_handed_out_and_waits_for_the_caller_alone() {
    let story = [message(), offered(&["shell"]), called(), answer("", &["a"])];
    assert_eq!(fold(&story).due(), [Act::HandOut { call: call("a"), leave: None }]);
    assert!(!fold(&story).waits_for_caller());
    let story = [&story[..], &[handed_out("a")]].concat();
    let state = fold(&story);
    assert!(state.waits_for_caller() && state.is_waiting() && state.lost().is_empty());
    assert_eq!(state.handed_out(), [&call("a")]);
    assert_eq!(fold(&[&story[..], &[returned("a")]].concat()).due(), [ASK]);
    let twice = [&story[..], &[returned("a")]].concat();
    refuses(&twice, &returned("a"));
}

#[test]
fn own_calls_run_before_the_turn_waits_for_its_caller() {
    let mut both = answer("", &["a", "b"]);
    if let TurnEvent::ModelAnswered { calls, .. } = &mut both {
        calls[1].tool = "look_up".into();
    }
    let story = [message(), offered(&["look_up"]), called(), both];
    let due = fold(&story).due();
    assert!(matches!(&due[..], [Act::UseTool { .. }, Act::HandOut { .. }]), "{due:?}");
    let story = [&story[..], &[handed_out("b"), started("a", false)]].concat();
    assert!(!fold(&story).waits_for_caller());
    assert!(fold(&[&story[..], &[finished("a")]].concat()).waits_for_caller());
    assert!(step(fold(&story), &handed_out("a")).is_err(), "what is the agent's own is never handed out");
}

#[test]
fn a_cancel_ends_a_turn_that_waits_for_its_caller() {
    let story = [message(), offered(&["shell"]), called(), answer("", &["a"]), handed_out("a")];
    let story = [&story[..], &[TurnEvent::CancelRequested]].concat();
    assert_eq!(fold(&story).due(), [Act::End(Ending::Cancelled)]);
    assert!(!fold(&story).waits_for_caller());
}

#[test]
fn history_comes_before_the_model_is_asked() {
    let given = TurnEvent::HistoryGiven { messages: Vec::new() };
    assert_eq!(fold(&[message(), given.clone()]).due(), [ASK]);
    assert!(step(fold(&[message(), called()]), &given).is_err());
    assert!(step(fold(&[message(), called(), failed(true), called(), answer("", &["a"])]), &given).is_err());
}

#[test]
fn a_model_that_fails_in_passing_is_asked_twice_more() {
    let once = [called(), failed(true)];
    assert_eq!(fold(&[&[message()][..], &once, &once].concat()).due(), [ASK]);
    let thrice = fold(&[&[message()][..], &once, &once, &once].concat());
    assert!(matches!(&thrice.due()[..], [Act::End(Ending::Failed(problem))] if problem.code == "x"));
    let for_good = fold(&[message(), called(), failed(false)]);
    assert!(matches!(&for_good.due()[..], [Act::End(Ending::Failed(_))]));
}

#[test]
fn a_turn_that_goes_round_too_often_fails() {
    let round = [called(), answer("", &["a"]), started("a", true), finished("a")];
    let state = fold(&[&[message()][..], &round, &round, &round].concat());
    assert!(
        matches!(&state.due()[..], [Act::End(Ending::Failed(problem))] if problem.code == "too_many_rounds")
    );
}

#[test]
fn an_answer_without_words_that_was_cut_or_declined_is_a_failure() {
    for (stop, text, fails) in [
        (StopReason::MaxOutput, "", true),
        (StopReason::MaxOutput, "half", false),
        (StopReason::Refused, "", true),
        (StopReason::Refused, "sorry", false),
        (StopReason::EndTurn, "", false),
    ] {
        let due = fold(&[message(), called(), stopped(text, &[], stop)]).due();
        assert_eq!(matches!(&due[..], [Act::End(Ending::Failed(_))]), fails, "{stop:?} {text:?}");
    }
}

#[test]
fn a_cancel_waits_for_what_is_under_way_and_drops_the_rest() {
    let story =
        [message(), called(), answer("", &["a", "b"]), started("a", false), TurnEvent::CancelRequested];
    assert!(fold(&story).is_cancelled() && fold(&story).due().is_empty());
    let story = [&story[..], &[finished("a")]].concat();
    assert_eq!(fold(&story).due(), [Act::End(Ending::Cancelled)]);
    let thinking = fold(&[message(), called(), TurnEvent::CancelRequested]);
    assert!(thinking.due().is_empty());
    let waiting = [message(), requested(1, None, Question::MayAct), TurnEvent::CancelRequested];
    assert_eq!(fold(&waiting).due(), [Act::End(Ending::Cancelled)]);
}

#[test]
fn what_a_dead_server_left_is_told_apart() {
    assert_eq!(fold(&[message(), called()]).lost(), [Lost::Model]);
    assert_eq!(fold(&[message(), called(), TurnEvent::ModelLost]).due(), [ASK]);
    let story = [message(), called(), answer("", &["a", "b", "c"]), started("a", true), started("b", false)];
    assert_eq!(fold(&story).lost(), [Lost::Repeatable(id("a")), Lost::Unknown(id("b"))]);
    let story =
        [&story[..], &[TurnEvent::ToolLost { call: id("a") }, requested(1, Some("b"), Question::RunAgain)]]
            .concat();
    assert_eq!(fold(&story).lost(), []);
    let wanted = |name| Act::UseTool { call: call(name), leave: None };
    assert_eq!(fold(&story).due(), [wanted("a"), wanted("c")]);
}

#[test]
fn nothing_follows_the_end_and_nothing_ends_in_mid_act() {
    let over = [message(), called(), answer("hello", &[]), ended(Ending::Answered)];
    assert_eq!(refuses(&over, &called()), "a turn that is over cannot take the event model called");
    assert_eq!(refuses(&over, &ended(Ending::Cancelled)), "a turn that is over cannot take the event ended");
    let running = [message(), called(), answer("", &["a"]), started("a", false)];
    assert_eq!(
        refuses(&running, &ended(Ending::Cancelled)),
        "a turn that is using tools cannot take the event ended"
    );
    assert_eq!(
        refuses(&running, &TurnEvent::ToolLost { call: id("a") }),
        "a turn that is using tools cannot take the event tool lost"
    );
}

fn any_event() -> impl Strategy<Value = TurnEvent> {
    let name = prop_oneof![Just("a"), Just("b"), Just("z")];
    let verdict = prop_oneof![
        Just(Verdict::Approved),
        Just(Verdict::Denied),
        Just(Verdict::Expired),
        Just(Verdict::Withdrawn)
    ];
    let n = 1..4_u128;
    prop_oneof![
        Just(message()),
        Just(called()),
        Just(answer("text", &[])),
        Just(answer("", &["a"])),
        Just(answer("", &["a", "b"])),
        any::<bool>().prop_map(failed),
        Just(TurnEvent::ModelLost),
        (n.clone(), name.clone(), any::<bool>()).prop_map(|(n, name, again)| {
            requested(n, Some(name), if again { Question::RunAgain } else { Question::MayAct })
        }),
        n.clone().prop_map(|n| requested(n, None, Question::MayAct)),
        (n.clone(), name.clone(), verdict.clone()).prop_map(|(n, name, verdict)| decided(
            n,
            Some(name),
            verdict
        )),
        (n, verdict).prop_map(|(n, verdict)| decided(n, None, verdict)),
        (name.clone(), any::<bool>()).prop_map(|(name, idempotent)| started(name, idempotent)),
        name.clone().prop_map(finished),
        name.clone().prop_map(|name| TurnEvent::ToolLost { call: id(name) }),
        name.clone().prop_map(|name| TurnEvent::ToolBlocked { call: id(name), reason: String::new() }),
        name.clone().prop_map(|name| TurnEvent::QuestionAsked { call: id(name), question: String::new() }),
        name.clone().prop_map(|name| TurnEvent::QuestionAnswered { call: id(name), answer: String::new() }),
        name.clone().prop_map(handed_out),
        name.prop_map(returned),
        any::<bool>().prop_map(|shell| offered(if shell { &["shell"] } else { &["other"] })),
        Just(TurnEvent::HistoryGiven { messages: Vec::new() }),
        Just(TurnEvent::CancelRequested),
        Just(ended(Ending::Answered)),
    ]
}

proptest! {
    /// Whatever happens, a turn is over, or has something to do, or something under way, or waits for a person:
    /// it never hangs.
    #[test]
    fn a_turn_never_hangs(events in prop::collection::vec(any_event(), 0..60)) {
        let mut state = fold(&[message()]);
        for event in &events {
            if let Ok((next, due)) = step(state.clone(), event) {
                prop_assert_eq!(&next.due(), &due);
                state = next;
            }
            let moves = [
                state.ended().is_some(),
                !state.due().is_empty(),
                state.is_under_way(),
                state.is_waiting(),
            ];
            prop_assert!(moves.into_iter().any(|moves| moves), "hangs: {:?}", state);
            prop_assert!(!state.is_waiting() || state.due().is_empty());
            prop_assert_eq!(state.lost().is_empty(), !state.is_under_way());
        }
    }

    /// The end is final.
    #[test]
    fn nothing_changes_a_turn_that_is_over(event in any_event()) {
        let over = fold(&[message(), called(), answer("hello", &[]), ended(Ending::Answered)]);
        prop_assert!(step(over, &event).is_err());
    }

    /// A turn asks its model at most `max_rounds` times however the events come.
    #[test]
    fn rounds_are_bounded_when_acts_are_followed(choices in prop::collection::vec(0..4_u8, 0..100)) {
        let mut state = fold(&[message()]);
        let mut calls = 0;
        for choice in choices {
            let Some(act) = state.due().into_iter().next() else { break };
            let events = match act {
                Act::AskModel { .. } => {
                    calls += 1;
                    match choice {
                        0 => vec![called(), failed(true)],
                        1 => vec![called(), TurnEvent::ModelLost],
                        _ => vec![called(), answer("", &["a"])],
                    }
                }
                Act::UseTool { call, .. } => vec![finished(call.id.as_str())],
                Act::HandOut { call, .. } => {
                    vec![handed_out(call.id.as_str()), returned(call.id.as_str())]
                }
                Act::End(ending) => vec![ended(ending)],
            };
            let lost = events.contains(&TurnEvent::ModelLost);
            if lost || events.iter().any(|event| matches!(event, TurnEvent::ModelFailed { .. })) {
                calls -= 1;
            }
            state = events.iter().fold(state, |state, event| step(state, event).unwrap().0);
        }
        prop_assert!(calls <= 3, "{calls} rounds");
    }
}
