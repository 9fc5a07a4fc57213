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
    let network = NetworkRules { allow: vec!["listed.example".parse().unwrap()], ..NetworkRules::default() };
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
    let network = NetworkRules { allow: vec!["listed.example".parse().unwrap()], ..NetworkRules::default() };
    for (profile, listed, other) in
        [(Profile::Open, true, true), (Profile::Standard, true, false), (Profile::Strict, false, false)]
    {
        let may = |host: &str| decide_connection(profile, &network, &host.parse().unwrap(), 443).is_ok();
        assert_eq!((may("listed.example"), may("other.example")), (listed, other), "{}", profile.name());
    }
}

#[test]
fn a_denied_host_is_refused_under_every_profile() {
    let deny = vec!["*.listed.example".parse().unwrap(), "other.example:25".parse().unwrap()];
    let network = NetworkRules { allow: vec!["*".parse().unwrap()], deny, ..NetworkRules::default() };
    for profile in Profile::ALL {
        let rules = Rules { profile, network: &network, budget: None, committed: MicroUsd::ZERO };
        let Decision::Blocked(reason) = decide(&effect(send("a.listed.example")), &rules) else {
            panic!("not blocked under {}", profile.name());
        };
        assert_eq!(reason.rule, "host_denied");
        assert!(reason.to_string().contains("denied by \"*.listed.example\""), "{reason}");
        let host = "a.listed.example".parse().unwrap();
        assert_eq!(decide_connection(profile, &network, &host, 443).unwrap_err().rule, "host_denied");
    }
    let other = "other.example".parse().unwrap();
    assert!(decide_connection(Profile::Open, &network, &other, 25).is_err());
    assert!(decide_connection(Profile::Open, &network, &other, 443).is_ok(), "another port is not denied");
}

#[test]
fn a_confinement_holds_under_every_profile_and_lists_its_hosts() {
    let only = |hosts: &[&str]| NetworkRules {
        allow: vec!["*".parse().unwrap()],
        confine: Some(hosts.iter().map(|host| host.parse().unwrap()).collect()),
        ..NetworkRules::default()
    };
    for profile in Profile::ALL {
        let network = only(&["in.example"]);
        let rules = Rules { profile, network: &network, budget: None, committed: MicroUsd::ZERO };
        let Decision::Blocked(reason) = decide(&effect(send("out.example")), &rules) else {
            panic!("not blocked under {}", profile.name());
        };
        assert_eq!(reason.rule, "host_not_in_confinement");
        assert!(decide_connection(profile, &network, &"out.example".parse().unwrap(), 443).is_err());
        assert!(decide_connection(profile, &only(&[]), &"in.example".parse().unwrap(), 443).is_err());
    }
    let network = NetworkRules { allow: vec![], ..only(&["in.example"]) };
    let may = |profile| decide_connection(profile, &network, &"in.example".parse().unwrap(), 443).is_ok();
    assert_eq!(Profile::ALL.map(may), [true, true, false], "strict asks for listed hosts, as ever");
}
