#![expect(clippy::needless_pass_by_value, reason = "documents are written where they are used")]

use std::sync::LazyLock;

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
        scripts: Vec::new(),
    }
}

fn send(url_host: &str) -> Action {
    Action::SendHttp {
        method: "GET".into(),
        url: format!("https://{url_host}/"),
        host: url_host.parse().unwrap(),
        port: 443,
        carries: false,
    }
}

fn outcome(action: Action, profile: Profile, budget: Option<i64>, committed: i64) -> &'static str {
    let network = NetworkRules { allow: vec!["listed.example".parse().unwrap()], ..NetworkRules::default() };
    let rules =
        Rules { budget: budget.map(MicroUsd), committed: MicroUsd(committed), ..plain(profile, &network) };
    name(&decide(&effect(action), &rules))
}

fn plain(profile: Profile, network: &NetworkRules) -> Rules<'_> {
    static NO_GUARD: LazyLock<Guard> = LazyLock::new(Guard::default);
    Rules::new(profile, network, &NO_GUARD)
}

fn name(decision: &Decision) -> &'static str {
    match decision {
        Decision::Allowed(..) => "allowed",
        Decision::NeedsApproval(_) => "approval",
        Decision::Blocked(_) => "blocked",
    }
}

#[test]
fn the_three_profiles_decide_as_documented() {
    let command = || Action::RunCommand { command: "ls".into() };
    let write = || Action::WriteFile { path: "a".into() };
    let read = || Action::ReadFiles { path: "a".into() };
    let table: [(Action, [&str; 3]); 7] = [
        //                       open       standard    strict
        (read(), ["allowed", "allowed", "allowed"]),
        (Action::AskPeer, ["allowed", "allowed", "allowed"]),
        (Action::HandOut { tool: "look_up".into() }, ["allowed", "allowed", "allowed"]),
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
        let rules = plain(profile, &network);
        let Decision::Blocked(reason) = decide(&effect(send("a.listed.example")), &rules) else {
            panic!("not blocked under {}", profile.name());
        };
        assert_eq!(reason.code, "host_denied");
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
        let rules = plain(profile, &network);
        let Decision::Blocked(reason) = decide(&effect(send("out.example")), &rules) else {
            panic!("not blocked under {}", profile.name());
        };
        assert_eq!(reason.code, "host_not_in_confinement");
        assert!(decide_connection(profile, &network, &"out.example".parse().unwrap(), 443).is_err());
        assert!(decide_connection(profile, &only(&[]), &"in.example".parse().unwrap(), 443).is_err());
    }
    let network = NetworkRules { allow: vec![], ..only(&["in.example"]) };
    let may = |profile| decide_connection(profile, &network, &"in.example".parse().unwrap(), 443).is_ok();
    assert_eq!(Profile::ALL.map(may), [true, true, false], "strict asks for listed hosts, as ever");
}

fn guard(policy: serde_json::Value, permissions: serde_json::Value) -> Guard {
    let subject = "bot".parse().unwrap();
    let policy = crate::policy::Policy::read(&policy, &subject).unwrap();
    let permissions = crate::permissions::Permissions::read(&permissions, &subject).unwrap();
    Guard {
        policy: Some((crate::policy::Version(0), std::sync::Arc::new(crate::policy::Compiled::new(policy)))),
        permissions: crate::permissions::Effective::new([("bot".to_owned(), permissions)]),
        revoked: false,
    }
}

fn decided(effect: &Effect, rules: &Rules<'_>) -> (&'static str, Opinion) {
    let decision = decide(effect, rules);
    let name = name(&decision);
    match decision {
        Decision::Allowed(_, opinion) | Decision::NeedsApproval(opinion) | Decision::Blocked(opinion) => {
            (name, opinion)
        }
    }
}

#[test]
fn records_bind_tools_under_every_profile_and_loosen_none() {
    let network = NetworkRules::default();
    let blocking = guard(json!({"block": ["shell"]}), json!({}));
    let allowing = guard(json!({"default": "allow"}), json!({}));
    let asking = guard(json!({"default": "require_approval"}), json!({}));
    let command = effect(Action::RunCommand { command: "ls".into() });
    for profile in Profile::ALL {
        let under = |guard| decided(&command, &Rules { guard, ..plain(profile, &network) });
        assert_eq!(under(&blocking).0, "blocked", "{}", profile.name());
        assert_eq!(under(&blocking).1.rule.as_deref(), Some("block[0]"));
        assert_eq!(under(&asking).0, "approval", "{}", profile.name());
        let expected = if profile == Profile::Strict { "approval" } else { "allowed" };
        assert_eq!(under(&allowing).0, expected, "a policy must not loosen {}", profile.name());
    }
    let thinking = Effect {
        cause: Cause::Loop,
        ..effect(Action::CallModel { model: "a/b".parse().unwrap(), worst_case: MicroUsd::ZERO })
    };
    let rules = Rules { guard: &blocking, ..plain(Profile::Standard, &network) };
    assert_eq!(decided(&thinking, &rules).0, "allowed", "the model is no tool");
}

#[test]
fn files_and_hosts_that_permissions_deny_are_blocked() {
    let network = NetworkRules::default();
    let guard = guard(
        json!({"default": "allow"}),
        json!({"data": {"deny": ["secrets/**"]}, "network": {"allow": ["api.example"]}}),
    );
    let rules = Rules { guard: &guard, ..plain(Profile::Open, &network) };
    for (action, code) in [
        (Action::ReadFiles { path: "secrets/key".into() }, "path_denied"),
        (Action::WriteFile { path: "./secrets/key".into() }, "path_denied"),
        (send("evil.example"), "host_not_permitted"),
    ] {
        let (name, opinion) = decided(&effect(action), &rules);
        assert_eq!((name, opinion.code), ("blocked", code));
    }
    assert_eq!(decided(&effect(send("api.example")), &rules).0, "allowed");
}

#[test]
fn a_turn_that_has_used_its_share_is_over() {
    let network = NetworkRules::default();
    let guard = guard(
        json!({"default": "allow"}),
        json!({"compute": {"max_tokens_per_run": 100, "max_tool_calls_per_run": 2, "max_runtime_seconds": 60}}),
    );
    let tool = effect(Action::ReadFiles { path: "a".into() });
    let model = Effect {
        cause: Cause::Loop,
        ..effect(Action::CallModel { model: "a/b".parse().unwrap(), worst_case: MicroUsd::ZERO })
    };
    let outcome = |effect: &Effect, tool_calls, tokens, seconds| {
        let used = Used { tool_calls, tokens, time: Duration::from_secs(seconds) };
        decided(effect, &Rules { guard: &guard, used, ..plain(Profile::Open, &network) }).0
    };
    assert_eq!(outcome(&tool, 1, 500, 60), "allowed");
    assert_eq!(outcome(&tool, 2, 0, 0), "blocked");
    assert_eq!(outcome(&model, 9, 99, 60), "allowed");
    assert_eq!(outcome(&model, 0, 100, 0), "blocked");
    assert_eq!(outcome(&model, 0, 0, 61), "blocked");
}

#[test]
fn after_text_from_outside_what_sends_data_out_is_asked_about_under_standard() {
    let network = NetworkRules { allow: vec!["listed.example".parse().unwrap()], ..NetworkRules::default() };
    let closed = NetworkRules::default();
    let request = |method: &str, url: &str| Action::SendHttp {
        method: method.into(),
        url: url.into(),
        host: "listed.example".parse().unwrap(),
        port: 443,
        carries: url.ends_with("/with-body"),
    };
    let table = [
        (request("GET", "https://listed.example/with-body"), "approval"),
        (request("GET", "https://listed.example/page/2"), "allowed"),
        (request("GET", "https://listed.example/?q=secret"), "approval"),
        (request("POST", "https://listed.example/"), "approval"),
        (Action::RunCommand { command: "ls".into() }, "approval"),
        (Action::WriteFile { path: "a".into() }, "allowed"),
    ];
    for (action, expected) in table {
        let effect = effect(action);
        let rules = Rules { taint: Some(Taint::Web), ..plain(Profile::Standard, &network) };
        assert_eq!(decided(&effect, &rules).0, expected, "{}", effect.action);
        let rules = Rules { taint: Some(Taint::Web), ..plain(Profile::Open, &network) };
        assert_eq!(decided(&effect, &rules).0, "allowed", "{} under open", effect.action);
        let rules = plain(Profile::Standard, &network);
        assert_eq!(decided(&effect, &rules).0, "allowed", "{} without taint", effect.action);
    }
    let rules = Rules { taint: Some(Taint::Web), ..plain(Profile::Standard, &closed) };
    let command = effect(Action::RunCommand { command: "ls".into() });
    assert_eq!(decided(&command, &rules).0, "allowed", "a machine without hosts sends nothing out");
}

#[test]
fn a_critical_finding_needs_approval_under_every_profile_and_blocks_stay_blocks() {
    let network = NetworkRules::default();
    let finding = |severity| Finding {
        rule: "SH001".into(),
        category: crate::scan::Category::InsecureOutput,
        severity,
        description: "A download is run".into(),
        file: Some("setup.sh".into()),
        line: 3,
        snippet: String::new(),
        fix: String::new(),
        cwe: None,
    };
    let (critical, high) = (finding(Severity::Critical), finding(Severity::High));
    let command = effect(Action::RunCommand { command: "sh setup.sh".into() });
    let rules = Rules { found: Some(&critical), ..plain(Profile::Open, &network) };
    let (name, opinion) = decided(&command, &rules);
    assert_eq!((name, opinion.code), ("approval", "scan_finding"));
    assert!(opinion.why.contains("setup.sh line 3"), "{opinion}");
    let rules = Rules { found: Some(&high), ..plain(Profile::Open, &network) };
    assert_eq!(decided(&command, &rules).0, "allowed");
    let blocking = guard(json!({"block": ["shell"]}), json!({}));
    let rules = Rules { found: Some(&critical), guard: &blocking, ..plain(Profile::Open, &network) };
    assert_eq!(decided(&command, &rules).0, "blocked");
    let strict = guard(json!({"default": "allow", "scan": {"fail_on": "HIGH"}}), json!({}));
    let rules = Rules { found: Some(&high), guard: &strict, ..plain(Profile::Strict, &network) };
    let (name, opinion) = decided(&command, &rules);
    assert_eq!(name, "approval");
    assert!(opinion.why.contains("profile strict") && opinion.why.contains("SH001"), "{opinion}");
}

#[test]
fn leave_to_equip_a_machine_is_for_the_skills_folder_alone() {
    let agent = AgentId::from_uuid(uuid::Uuid::from_u128(4));
    let (skill, path) = ("tidy".parse().unwrap(), "scripts/run.sh".parse().unwrap());
    let permit = equip(agent, Equip::File(&skill, &path));
    assert_eq!(permit.agent(), agent);
    assert_eq!(*permit.action(), Action::WriteFile { path: ".skills/tidy/scripts/run.sh".into() });
    for act in [Equip::Clear, Equip::Seal] {
        let Action::RunCommand { command } = equip(agent, act).action().clone() else { panic!("{act:?}") };
        let paths = command.split_whitespace().filter(|word| word.contains("skills"));
        assert!(paths.map(|word| word.trim_matches(';')).all(|word| word == ".skills"), "{command}");
    }
}
