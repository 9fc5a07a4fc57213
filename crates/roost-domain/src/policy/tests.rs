#![expect(clippy::needless_pass_by_value, reason = "documents are written where they are used")]

use serde_json::json;

use super::*;

fn subject() -> crate::subject::Subject {
    "bot".parse().unwrap()
}

fn policy(document: Value) -> Policy {
    Policy::read(&document, &subject()).unwrap()
}

fn ruling(policy: &Policy, tool: &str, parameters: Value) -> &'static str {
    Compiled::new(policy.clone()).judge(tool, &parameters).ruling.name()
}

fn refused(document: Value) -> String {
    Policy::read(&document, &subject()).unwrap_err().to_string()
}

#[test]
fn blocking_comes_before_asking_before_allowing_and_the_rest_is_blocked() {
    let policy = policy(json!({
        "allow": ["read_*", "send_email", "delete_draft"],
        "require_approval": ["send_email", "delete_*"],
        "block": ["delete_account"],
    }));
    for (tool, expected) in [
        ("read_file", "allow"),
        ("send_email", "require_approval"),
        ("delete_draft", "require_approval"),
        ("delete_account", "block"),
        ("unheard_of", "block"),
        ("READ_FILE", "block"),
        ("read_", "allow"),
    ] {
        assert_eq!(ruling(&policy, tool, json!({})), expected, "{tool}");
    }
}

#[test]
fn the_default_is_for_tools_in_no_list() {
    let policy = policy(json!({"default": "allow", "block": ["shell"]}));
    assert_eq!(ruling(&policy, "anything", json!({})), "allow");
    assert_eq!(ruling(&policy, "shell", json!({})), "block");
}

#[test]
fn every_constraint_does_as_documented() {
    let table = [
        (json!({"equals": 3}), json!(3), true),
        (json!({"equals": 3}), json!("3"), false),
        (json!({"one_of": ["a", "b"]}), json!("b"), true),
        (json!({"one_of": ["a", "b"]}), json!("c"), false),
        (json!({"prefix": "git "}), json!("git log"), true),
        (json!({"prefix": "git "}), json!("rm git "), false),
        (json!({"glob": "*@corp.example"}), json!("ann@corp.example"), true),
        (json!({"glob": "*@corp.example"}), json!("ann@corp.example.evil"), false),
        (json!({"regex": "^[a-z]+$"}), json!("abc"), true),
        (json!({"regex": "^[a-z]+$"}), json!("abc1"), false),
        (json!({"range": {"min": 1, "max": 10}}), json!(10), true),
        (json!({"range": {"min": 1, "max": 10}}), json!(10.5), false),
        (json!({"range": {"max": 10}}), json!("5"), false),
        (json!({"max_length": 3}), json!("äöü"), true),
        (json!({"max_length": 3}), json!("abcd"), false),
        (json!({"max_length": 1}), json!(["a", "b"]), false),
        (json!({"prefix": "a", "max_length": 2}), json!("abc"), false),
        (json!({"prefix": "a"}), json!({"b": 1}), false),
    ];
    for (constraint, value, holds) in table {
        let rule = json!({"allow": ["t"], "constraints": {"t": {"p": constraint}}});
        let policy = policy(rule);
        let expected = if holds { "allow" } else { "block" };
        assert_eq!(ruling(&policy, "t", json!({"p": value})), expected, "{constraint} for {value}");
    }
}

#[test]
fn a_list_of_values_gets_leave_only_if_all_do_and_is_refused_if_one_is() {
    let policy = policy(json!({
        "allow": [{"tool": "mail", "when": {"to": {"glob": "*@corp.example"}}}],
        "block": [{"tool": "mail", "when": {"to": {"prefix": "ceo@"}}}],
    }));
    assert_eq!(ruling(&policy, "mail", json!({"to": ["a@corp.example", "b@corp.example"]})), "allow");
    assert_eq!(ruling(&policy, "mail", json!({"to": ["a@corp.example", "x@evil.example"]})), "block");
    assert_eq!(ruling(&policy, "mail", json!({"to": ["a@corp.example", "ceo@corp.example"]})), "block");
}

#[test]
fn a_rule_with_conditions_does_not_apply_where_the_parameter_is_missing() {
    let policy = policy(json!({
        "default": "require_approval",
        "allow": [{"tool": "mail", "when": {"headers.from": {"equals": "me"}}}],
    }));
    assert_eq!(ruling(&policy, "mail", json!({})), "require_approval");
    assert_eq!(ruling(&policy, "mail", json!({"headers": {"from": "me"}})), "allow");
    assert_eq!(ruling(&policy, "mail", json!({"headers.from": "me"})), "allow");
    assert_eq!(ruling(&policy, "mail", json!(null)), "require_approval");
}

#[test]
fn a_constraint_binds_what_would_be_asked_about_too() {
    let policy = policy(json!({
        "require_approval": ["pay"], "constraints": {"p*": {"amount": {"range": {"max": 100}}}},
    }));
    assert_eq!(ruling(&policy, "pay", json!({"amount": 50})), "require_approval");
    assert_eq!(ruling(&policy, "pay", json!({"amount": 500})), "block");
}

#[test]
fn what_cannot_be_used_is_named_with_its_place() {
    let table = [
        (json!([]), "the policy must be an object"),
        (json!({"alow": []}), "alow is not known here; the keys are agent_id, version, default, allow, "),
        (json!({"agent_id": "other"}), "agent_id must be \"bot\" or left out"),
        (json!({"default": "maybe"}), "default must be one of allow, require_approval, block"),
        (json!({"allow": "shell"}), "allow must be a list"),
        (json!({"allow": [1]}), "allow[0] must be a tool's name, or an object with tool and when"),
        (
            json!({"allow": ["a", ""]}),
            "allow[1] must be the name of a tool, or a glob such as delete_*, of 1 to ",
        ),
        (json!({"allow": ["a[b"]}), "allow[0] is no glob: "),
        (json!({"allow": [{"when": {}}]}), "allow[0] must name a tool"),
        (
            json!({"block": [{"tool": "a", "if": {}}]}),
            "block[0].if is not known here; the keys are tool, when",
        ),
        (
            json!({"block": [{"tool": "a", "when": {"to": {"like": "x"}}}]}),
            "block[0].when.to has the key \"like\", which is not known; use equals, one_of, ",
        ),
        (
            json!({"constraints": {"a": {"to": {"regex": "("}}}}),
            "constraints.a.to.regex is no regular expression: ",
        ),
        (
            json!({"constraints": {"a": {"n": {"range": {"min": 2, "max": 1}}}}}),
            "constraints.a.n.range has a min above its max",
        ),
        (json!({"constraints": {"a": {"n": {}}}}), "constraints.a.n must have one of equals, "),
        (json!({"on_timeout": "wait"}), "on_timeout must be one of block, allow, escalate"),
        (json!({"approvals": {"quorum": 0}}), "approvals.quorum must be a whole number from 1 to 10"),
        (json!({"scan": {"fail_on": "awful"}}), "scan.fail_on "),
    ];
    for (document, message) in table {
        let refused = refused(document.clone());
        assert!(refused.starts_with(message), "{document}: {refused}");
    }
}

#[test]
fn a_policy_reads_back_as_it_was_written() {
    let document = json!({
        "agent_id": "bot", "version": "9.9", "default": "require_approval",
        "allow": ["a", {"tool": "b*", "when": {"to": {"glob": "*@x", "max_length": 5}}}],
        "require_approval": ["c"], "block": [{"tool": "d", "when": {"n": {"range": {"min": 1.5}}}}],
        "constraints": {"a": {"x": {"regex": "^y"}, "z": {"equals": {"k": [1]}}, "w": {"one_of": [1, "a"]}}},
        "on_block": "raise_and_alert", "on_violation_notify": "sec@corp.example", "on_timeout": "escalate",
        "approvals": {"quorum": 2, "timeout_seconds": 300, "escalate_to": "cto", "distinct_keys": true},
        "scan": {"min_score": 70, "fail_on": "high"}, "environment": "prod", "monitor": {"sensitivity": 3},
        "sandbox": {"mode": "container"},
    });
    let read = policy(document);
    assert_eq!(policy(read.to_document()), read);
    assert_eq!(read.scan_fails_on, crate::scan::Severity::High);
    assert_eq!(read.to_document()["scan"], json!({"min_score": 70, "fail_on": "HIGH"}));
}

fn problems(document: Value, tools: Option<&[&str]>) -> Vec<(&'static str, String)> {
    let tools: Option<Vec<String>> = tools.map(|tools| tools.iter().map(|tool| (*tool).to_owned()).collect());
    let problems = check(&policy(document), tools.as_deref());
    problems.into_iter().map(|problem| (problem.kind.name(), problem.path)).collect()
}

#[test]
fn rules_that_never_decide_contradictions_and_unknown_tools_are_named() {
    let found = problems(
        json!({
            "allow": ["shell", "delete_draft", "shell", "fly"],
            "require_approval": ["shell"],
            "block": ["delete_*"],
            "constraints": {"nobody": {"a": {"equals": 1}}},
        }),
        Some(&["shell", "delete_draft"]),
    );
    let expected = [
        ("contradiction", "allow[0]"),
        ("unreachable", "allow[1]"),
        ("contradiction", "allow[2]"),
        ("unknown_tool", "allow[3]"),
        ("unknown_tool", "constraints.nobody"),
        ("unreachable", "constraints.nobody"),
    ];
    assert_eq!(found, expected.map(|(kind, path)| (kind, path.to_owned())));
}

#[test]
fn a_sound_policy_has_no_problems() {
    let document = json!({
        "allow": ["read_*", {"tool": "shell", "when": {"command": {"prefix": "git "}}}],
        "require_approval": ["shell_root"],
        "block": [{"tool": "read_secret", "when": {"path": {"prefix": "/"}}}],
        "constraints": {"read_*": {"path": {"max_length": 100}}},
    });
    assert_eq!(problems(document, None), []);
}

#[test]
fn a_pattern_covers_what_it_surely_covers() {
    let covers = |a: &str, b: &str| a.parse::<ToolPattern>().unwrap().covers(&b.parse().unwrap());
    assert!(covers("*", "a?[bc]"));
    assert!(covers("read_*", "read_file"));
    assert!(covers("read_*", "read_file_*"));
    assert!(!covers("read_*", "rea*"));
    assert!(!covers("read_?", "read_*"));
    assert!(!covers("read", "read_file"));
}

#[test]
fn a_suggestion_covers_what_was_done_and_no_more() {
    let observed = |tool: &str, parameters: Value, ruling| Observed {
        tool: tool.to_owned(),
        parameters: Some(parameters),
        ruling,
    };
    let seen = [
        observed("http_request", json!({"method": "GET", "url": "https://a"}), Ruling::Allow),
        observed("http_request", json!({"method": "HEAD", "url": "https://b"}), Ruling::Allow),
        observed("shell", json!({"command": "ls"}), Ruling::Allow),
        observed("mail", json!({"to": "a"}), Ruling::RequireApproval),
        observed("drop", json!({}), Ruling::Block),
    ];
    let suggested = suggest(&seen);
    let policy = policy(suggested.clone());
    for act in &seen {
        let judged = ruling(&policy, &act.tool, act.parameters.clone().unwrap());
        assert_eq!(judged, act.ruling.name(), "{act:?} under {suggested}");
    }
    assert_eq!(ruling(&policy, "http_request", json!({"method": "POST"})), "block");
    assert_eq!(ruling(&policy, "anything_else", json!({})), "block");
}

#[test]
fn versions_count_up() {
    assert_eq!(Version::FIRST.to_string(), "1.0");
    assert_eq!(Version::FIRST.next().next().to_string(), "1.2");
    assert_eq!("1.12".parse(), Ok(Version(12)));
    for text in ["1", "1.", "2.0", "1.01", "1.+1", "v1.0"] {
        assert!(text.parse::<Version>().is_err(), "{text}");
    }
}
