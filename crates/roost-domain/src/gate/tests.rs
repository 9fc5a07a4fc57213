use serde_json::json;

use super::*;
use crate::effect::Cause;
use crate::id::{SessionId, TurnId};
use crate::tool::{ToolCall, ToolCallId};

pub(crate) fn effect(action: Action) -> Effect {
    let id = uuid::Uuid::from_u128(7);
    Effect {
        agent: AgentId::from_uuid(id),
        session: SessionId::from_uuid(id),
        turn: TurnId::from_uuid(id),
        cause: Cause::Tool(ToolCall {
            id: ToolCallId::from_text("call_3_0"),
            tool: "shell".into(),
            arguments: json!({"command": "ls"}),
        }),
        action,
    }
}

fn send(url_host: &str) -> Action {
    Action::SendHttp {
        method: "GET".into(),
        url: format!("https://{url_host}/"),
        host: url_host.parse().unwrap(),
        port: 443,
    }
}

fn outcome(action: Action, profile: Profile, budget: Option<i64>, committed: i64) -> &'static str {
    let network = NetworkRules { allow: vec!["listed.example".parse().unwrap()], allow_private: vec![] };
    let rules =
        Rules { profile, network: &network, budget: budget.map(MicroUsd), committed: MicroUsd(committed) };
    match decide(&effect(action), &rules) {
        Decision::Allowed(_) => "allowed",
        Decision::NeedsApproval(_) => "approval",
        Decision::Blocked(_) => "blocked",
    }
}

#[test]
fn the_three_profiles_decide_as_documented() {
    let command = || Action::RunCommand { command: "ls".into() };
    let write = || Action::WriteFile { path: "a".into() };
    let read = || Action::ReadFiles { path: "a".into() };
    let table: [(Action, [&str; 3]); 6] = [
        //                       open       standard    strict
        (read(), ["allowed", "allowed", "allowed"]),
        (Action::AskPeer, ["allowed", "allowed", "allowed"]),
        (write(), ["allowed", "allowed", "approval"]),
        (command(), ["allowed", "allowed", "approval"]),
        (send("listed.example"), ["allowed", "allowed", "approval"]),
        (send("other.example"), ["allowed", "approval", "blocked"]),
    ];
    for (action, expected) in table {
        for (profile, expected) in Profile::ALL.into_iter().zip(expected) {
            assert_eq!(
                outcome(action.clone(), profile, None, 0),
                expected,
                "{action} under {}",
                profile.name()
            );
        }
    }
}

#[test]
fn spending_stops_exactly_at_the_budget() {
    let call = |worst| Action::CallModel { model: "openai/x".parse().unwrap(), worst_case: MicroUsd(worst) };
    assert_eq!(outcome(call(10), Profile::Standard, Some(100), 90), "allowed");
    assert_eq!(outcome(call(11), Profile::Standard, Some(100), 90), "approval");
    assert_eq!(outcome(call(11), Profile::Open, Some(100), 90), "blocked");
    assert_eq!(outcome(call(i64::MAX), Profile::Open, Some(100), 90), "blocked");
    assert_eq!(outcome(call(0), Profile::Strict, Some(100), 500), "allowed", "a free model needs no budget");
    assert_eq!(outcome(call(i64::MAX), Profile::Strict, None, 90), "allowed");
}

#[test]
fn a_refusal_names_the_smallest_grant() {
    let reason =
        decide_connection(Profile::Standard, &NetworkRules::default(), &"api.example".parse().unwrap(), 443)
            .unwrap_err();
    assert_eq!(
        reason.to_string(),
        "The agent may not connect to api.example by itself. Add \"api.example\" to config.network.allow to allow it"
    );
}

#[test]
fn any_change_to_an_effect_changes_its_hash() {
    let base = effect(Action::RunCommand { command: "ls".into() });
    let mut other = base.clone();
    let Cause::Tool(call) = &mut other.cause else { unreachable!() };
    call.arguments = json!({"command": "ls", "timeout_s": 9});
    assert_ne!(base.hash(), other.hash());
    assert_ne!(base.hash(), effect(Action::RunCommand { command: "ls ".into() }).hash());
    let hash = base.hash();
    assert_ne!(hash, Effect { cause: Cause::Loop, ..base }.hash());
}

#[test]
fn a_machine_connects_only_where_nobody_would_have_to_be_asked() {
    let network = NetworkRules { allow: vec!["listed.example".parse().unwrap()], allow_private: vec![] };
    for (profile, listed, other) in
        [(Profile::Open, true, true), (Profile::Standard, true, false), (Profile::Strict, false, false)]
    {
        let may = |host: &str| decide_connection(profile, &network, &host.parse().unwrap(), 443).is_ok();
        assert_eq!((may("listed.example"), may("other.example")), (listed, other), "{}", profile.name());
    }
}
