use roost_domain::secret::Secret;
use serde_json::json;

use super::*;

fn waited(header: Option<(&str, &str)>, body: &Value, event: &str, filter: Option<&Value>) -> bool {
    let request = HookRequest {
        token: Secret::new("t"),
        method: "POST".into(),
        query: String::new(),
        headers: header.into_iter().map(|(name, value)| (name.into(), value.into())).collect(),
        body: Vec::new(),
    };
    is_waited_for(&request, body, event, filter)
}

#[test]
fn an_event_is_named_by_a_header_or_by_the_body() {
    let github = Some(("x-github-event", "issues"));
    let opened = json!({"action": "opened"});
    for (event, expected) in [
        ("issues", true),
        ("issues.opened", true),
        ("*", true),
        ("issues.closed", false),
        ("issues.", false),
        ("issue", false),
        ("issuesXopened", false),
        ("issües", false),
        ("push", false),
    ] {
        assert_eq!(waited(github, &opened, event, None), expected, "{event}");
    }
    for (body, event) in [
        (json!({"type": "invoice.paid"}), "invoice.paid"),
        (json!({"event": "created"}), "created"),
        (json!({"type": "event_callback", "event": {"type": "app_mention"}}), "app_mention"),
    ] {
        assert!(waited(None, &body, event, None), "{event}");
        assert!(!waited(None, &body, "another", None), "{event}");
    }
    assert!(!waited(None, &json!("text"), "text", None), "it is called by no name");
    assert!(!waited(None, &json!({"type": ""}), ".", None));
}

#[test]
fn a_filter_wants_what_stands_at_each_of_its_paths() {
    let body = json!({
        "action": "opened", "n": 1, "a.b": true, "repository": {"full_name": "acme/shop", "private": false},
        "labels": [{"name": "bug"}],
    });
    for (filter, expected) in [
        (json!({}), true),
        (json!({"repository.full_name": "acme/shop", "action": "opened"}), true),
        (json!({"repository": {"full_name": "acme/shop"}}), true),
        (json!({"labels.0.name": "bug", "n": 1, "a.b": true}), true),
        (json!({"labels": [{"name": "bug"}]}), true),
        (json!({"repository.full_name": "acme/shop", "action": "closed"}), false),
        (json!({"repository.owner": null}), false),
        (json!({"labels.1.name": "bug"}), false),
        (json!({"n": "1"}), false),
    ] {
        assert_eq!(waited(None, &body, "*", Some(&filter)), expected, "{filter}");
    }
}
