#![expect(clippy::needless_pass_by_value, reason = "documents are written where they are used")]

use serde_json::json;

use super::*;
use crate::permissions::Permissions;
use crate::policy::Policy;

fn guard(policy: Option<Value>, permissions: Option<Value>) -> Guard {
    let subject = "bot".parse().unwrap();
    let policy = policy
        .map(|document| (Version(2), Arc::new(Compiled::new(Policy::read(&document, &subject).unwrap()))));
    let layer =
        permissions.map(|document| ("bot".to_owned(), Permissions::read(&document, &subject).unwrap()));
    Guard { policy, permissions: Effective::new(layer), revoked: false }
}

fn judged(guard: &Guard, tool: &str, parameters: Value) -> (&'static str, &'static str) {
    let opinion = guard.closed_opinion(tool, &parameters, &touches(tool, &parameters));
    assert_eq!(opinion.grant.is_empty(), opinion.ruling == Ruling::Allow, "{opinion:?}");
    (opinion.ruling.name(), opinion.code)
}

#[test]
fn without_records_nothing_is_allowed_and_deleted_permissions_allow_nothing() {
    assert_eq!(judged(&Guard::default(), "a", json!({})), ("block", "no_policy_found"));
    let revoked = Guard { revoked: true, ..guard(Some(json!({"allow": ["a"]})), None) };
    assert_eq!(judged(&revoked, "a", json!({})), ("block", "no_policy_found"));
}

#[test]
fn permissions_alone_allow_what_they_list() {
    let guard = guard(None, Some(json!({"tools": {"allow": ["read_*"], "block": ["read_mail"]}})));
    assert_eq!(judged(&guard, "read_file", json!({})), ("allow", "permitted"));
    assert_eq!(judged(&guard, "read_mail", json!({})), ("block", "tool_blocked"));
    assert_eq!(judged(&guard, "send", json!({})), ("block", "tool_not_permitted"));
    let silent = self::guard(None, Some(json!({"data": {"deny": ["a"]}})));
    assert_eq!(judged(&silent, "read_file", json!({})), ("block", "tool_not_listed"));
}

#[test]
fn what_permissions_deny_a_policy_cannot_allow() {
    let guard = guard(
        Some(json!({"default": "allow"})),
        Some(json!({
            "tools": {"block": ["drop"]}, "data": {"deny": ["/etc/**"], "write": ["out/**"]},
            "network": {"allow": ["api.example"]},
        })),
    );
    for (tool, parameters, code) in [
        ("drop", json!({}), "tool_blocked"),
        ("read_file", json!({"path": "/etc/shadow"}), "path_denied"),
        ("read_file", json!({"path": "notes.md"}), "allowed_by_default"),
        ("write_file", json!({"path": "notes.md"}), "path_not_permitted"),
        ("write_file", json!({"path": ["out/a", "notes.md"]}), "path_not_permitted"),
        ("fetch", json!({"url": "https://api.example/x"}), "allowed_by_default"),
        ("fetch", json!({"url": "https://api.example@evil.example/x"}), "parameter_unclear"),
        ("fetch", json!({"url": "https://evil.example\\@api.example/x"}), "parameter_unclear"),
        ("fetch", json!({"url": "http://evil.example:/x"}), "parameter_unclear"),
        ("fetch", json!({"url": "https:///evil.example"}), "parameter_unclear"),
        ("fetch", json!({"url": "http:/evil.example"}), "parameter_unclear"),
        ("fetch", json!({"url": "//evil.example/x"}), "host_not_permitted"),
        ("fetch", json!({"url": "http://2130706433/"}), "host_not_permitted"),
        ("fetch", json!({"url": "https://\u{456}vil.example/"}), "parameter_unclear"),
        ("fetch", json!({"url": "/api/items"}), "allowed_by_default"),
        ("fetch", json!({"host": "api.example"}), "allowed_by_default"),
        ("fetch", json!({"host": "api.example:443"}), "allowed_by_default"),
        ("writeFile", json!({"path": "notes.md"}), "path_not_permitted"),
        ("overwrite_file", json!({"path": "notes.md"}), "path_not_permitted"),
        ("copy_file", json!({"source": "out/a", "destination": "notes.md"}), "path_not_permitted"),
        ("read_and_patch", json!({"path": "notes.md"}), "path_not_permitted"),
        ("readFile", json!({"path": "notes.md"}), "allowed_by_default"),
        ("read_file", json!({"path": vec!["notes.md"; 1_001]}), "parameter_unclear"),
        ("fetch", json!({"host": "evil.example:8080"}), "host_not_permitted"),
    ] {
        assert_eq!(judged(&guard, tool, parameters.clone()).1, code, "{tool} {parameters}");
    }
}

#[test]
fn every_opinion_names_the_rule_the_version_and_what_would_allow_it() {
    let guard = guard(
        Some(json!({
            "allow": ["a"], "require_approval": ["b", "send_*"], "block": ["c"],
            "constraints": {"a": {"n": {"range": {"max": 5}}}},
        })),
        None,
    );
    let opinion = |tool: &str, parameters: Value| guard.closed_opinion(tool, &parameters, &[]);
    let asked = opinion("send_email", json!({}));
    assert_eq!(asked.why, "send_email requires human approval per policy v1.2 (require_approval[1]: send_*)");
    assert_eq!(asked.grant, "Add \"send_email\" to allow and take it out of require_approval[1]");
    assert_eq!((asked.version, asked.rule.as_deref()), (Some(Version(2)), Some("require_approval[1]")));
    let broken = opinion("a", json!({"n": 6}));
    assert_eq!(broken.why, "n of a must be at most 5 per policy v1.2 (constraints.a.n)");
    assert_eq!(opinion("c", json!({})).grant, "Take \"c\" out of block[0]");
    assert_eq!(opinion("d", json!({})).grant, "Add \"d\" to allow");
}
