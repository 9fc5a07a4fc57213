#![expect(clippy::needless_pass_by_value, reason = "documents are written where they are used")]

use serde_json::json;

use super::*;
use crate::network::Host;

fn subject() -> Subject {
    "bot".parse().unwrap()
}

fn read(document: Value) -> Permissions {
    Permissions::read(&document, &subject()).unwrap()
}

fn effective(layers: &[Value]) -> Effective {
    let layer = |(index, document): (usize, &Value)| (format!("layer {index}"), read(document.clone()));
    Effective::new(layers.iter().enumerate().map(layer))
}

fn code(result: Result<(), Denial>) -> &'static str {
    result.err().map_or("ok", |denial| denial.code)
}

#[test]
fn nothing_said_is_nothing_denied() {
    let permissions = effective(&[json!({})]);
    assert_eq!(permissions.tool("anything"), Ok(()));
    assert_eq!(permissions.path("a/b", Access::Write), Ok(()));
    assert_eq!(permissions.host(&"a.example".parse::<Host>().unwrap(), 443), Ok(()));
    assert_eq!(permissions.compute(), Compute::default());
    assert_eq!(permissions.hosts(), (vec![], None));
}

#[test]
fn a_tool_has_to_be_in_every_list_and_in_no_block() {
    let permissions = effective(&[
        json!({"tools": {"block": ["delete_*"]}}),
        json!({"tools": {"allow": ["read_*", "delete_draft", "send"]}}),
        json!({"tools": {"allow": ["read_file", "send"], "block": ["send"]}}),
    ]);
    for (tool, expected) in [
        ("read_file", "ok"),
        ("read_mail", "tool_not_permitted"),
        ("delete_draft", "tool_blocked"),
        ("send", "tool_blocked"),
        ("other", "tool_not_permitted"),
    ] {
        assert_eq!(code(permissions.tool(tool)), expected, "{tool}");
    }
    let denial = permissions.tool("delete_draft").unwrap_err();
    assert_eq!(denial.why, "The permissions of layer 0 block the tool delete_draft (delete_*)");
    assert_eq!(denial.grant, "Take \"delete_*\" out of tools.block of layer 0 to permit it");
}

#[test]
fn denied_paths_win_over_listed_ones_and_writing_implies_reading() {
    let permissions = effective(&[json!({"data": {
        "read": ["/data/**", "notes.md", "logs/*.txt"], "write": ["out/**"], "deny": ["**/*.pem", "/data/secret"],
    }})]);
    for (path, read, write) in [
        ("/data/a/b.csv", "ok", "path_not_permitted"),
        ("/data/secret/x", "path_denied", "path_denied"),
        ("/data/../data/./secret", "path_denied", "path_denied"),
        ("/database", "path_not_permitted", "path_not_permitted"),
        ("notes.md", "ok", "path_not_permitted"),
        ("/workspace/notes.md", "ok", "path_not_permitted"),
        ("logs/a.txt", "ok", "path_not_permitted"),
        ("logs/deep/a.txt", "path_not_permitted", "path_not_permitted"),
        ("out/x", "ok", "ok"),
        ("out/../other", "path_not_permitted", "path_not_permitted"),
        ("out/key.pem", "path_denied", "path_denied"),
        ("../x", "path_not_permitted", "path_not_permitted"),
    ] {
        assert_eq!(code(permissions.path(path, Access::Read)), read, "read {path}");
        assert_eq!(code(permissions.path(path, Access::Write)), write, "write {path}");
    }
}

#[test]
fn a_list_of_paths_elsewhere_leaves_nothing_of_the_workspace() {
    let files = effective(&[json!({"data": {"read": ["/data/**"], "write": ["out/**"]}})]).files();
    assert!(files.may_read("notes.md").is_err());
    assert!(files.may_write("out/a").is_ok());
    let files = effective(&[json!({"data": {"deny": ["/etc/**", "secrets/**"]}})]).files();
    assert!(files.may_read("notes.md").is_ok());
    assert!(files.may_read("secrets/key").is_err());
}

#[test]
fn hosts_are_confined_by_every_layer_that_lists_any() {
    let permissions = effective(&[
        json!({"network": {"allow": ["*.corp.example", "api.example:443"], "deny": ["evil.corp.example"]}}),
        json!({"network": {"allow": ["a.corp.example", "*.example", "other.test"]}}),
    ]);
    for (host, port, expected) in [
        ("a.corp.example", 80, "ok"),
        ("b.corp.example", 443, "ok"),
        ("api.example", 443, "ok"),
        ("api.example", 80, "host_not_permitted"),
        ("evil.corp.example", 443, "host_denied"),
        ("other.test", 443, "host_not_permitted"),
        ("10.0.0.1", 443, "host_not_permitted"),
    ] {
        assert_eq!(code(permissions.host(&host.parse().unwrap(), port)), expected, "{host}:{port}");
        let (deny, confine) = permissions.hosts();
        let matches =
            |rules: &[HostRule]| rules.iter().any(|rule| rule.matches(&host.parse().unwrap(), port));
        let enforced = !matches(&deny) && matches(&confine.unwrap());
        assert_eq!(enforced, expected == "ok", "the door and the decision differ about {host}:{port}");
    }
}

#[test]
fn blocking_what_goes_out_leaves_what_is_listed() {
    for document in [
        json!({"network": {"allow": ["api.example"], "block_outbound": true}}),
        json!({"network": {"allow": ["api.example"], "deny": ["*"]}}),
    ] {
        let permissions = effective(&[document]);
        assert_eq!(code(permissions.host(&"api.example".parse().unwrap(), 443)), "ok");
        assert_eq!(code(permissions.host(&"b.example".parse().unwrap(), 443)), "host_not_permitted");
    }
    let closed = effective(&[json!({"network": {"block_outbound": true}})]);
    assert_eq!(code(closed.host(&"api.example".parse().unwrap(), 443)), "host_not_permitted");
    assert_eq!(closed.hosts(), (vec![], Some(vec![])));
}

#[test]
fn the_smallest_limit_holds() {
    let permissions = effective(&[
        json!({"compute": {"max_tokens_per_run": 100, "max_runtime_seconds": 60}}),
        json!({"compute": {"max_tokens_per_run": 500, "max_tool_calls_per_run": 0}}),
    ]);
    let expected = Compute {
        max_tokens_per_run: Some(100),
        max_tool_calls_per_run: Some(0),
        max_runtime: Some(Duration::from_secs(60)),
    };
    assert_eq!(permissions.compute(), expected);
}

#[test]
fn permissions_read_back_as_they_were_written_and_what_is_wrong_is_named() {
    let document = json!({
        "agent_id": "bot", "version": "1.2", "updated_at": "2026-01-01T00:00:00Z",
        "tools": {"allow": ["a*"], "block": ["b"]},
        "data": {"read": ["r/**"], "write": ["w"], "deny": ["d"]},
        "network": {"allow": ["a.example"], "deny": ["b.example:80"], "block_outbound": true},
        "compute": {"max_tokens_per_run": 1, "max_tool_calls_per_run": null},
    });
    let permissions = read(document);
    assert_eq!(read(permissions.to_document()), permissions);
    for (document, message) in [
        (json!({"tool": {}}), "tool is not known here; the keys are agent_id, "),
        (json!({"agent_id": "x"}), "agent_id must be \"bot\" or left out"),
        (json!({"tools": []}), "tools must be an object"),
        (json!({"tools": {"allowed": []}}), "tools.allowed is not known here; the keys are allow, block"),
        (json!({"data": {"read": ["a", "../b"]}}), "data.read[1] must be a path or a glob"),
        (json!({"network": {"allow": ["http://a"]}}), "network.allow[0] \"http://a\" is not a host; write"),
        (json!({"network": {"block_outbound": "yes"}}), "network.block_outbound must be true or false"),
        (json!({"compute": {"max_tokens_per_run": -1}}), "compute.max_tokens_per_run must be a whole number"),
    ] {
        let refused = Permissions::read(&document, &subject()).unwrap_err().to_string();
        assert!(refused.starts_with(message), "{document}: {refused}");
    }
}

#[test]
fn a_patch_changes_single_entries_and_all_of_them_or_none() {
    let before = read(json!({"tools": {"allow": ["a", "b"]}, "compute": {"max_tokens_per_run": 5}}));
    let patch = |document| Patch::new(document).apply(before.clone());
    let after = patch(json!({
        "tools": {"remove_allow": ["a", "nobody"], "add_allow": ["b", "c"], "add_block": ["d"]},
        "data": {"add_read": ["r/**"], "add_deny": ["s"]},
        "network": {"add_allow": ["h.example"], "block_outbound": true},
        "compute": {"max_tokens_per_run": null, "max_tool_calls_per_run": 3},
    }))
    .unwrap();
    let expected = read(json!({
        "tools": {"allow": ["b", "c"], "block": ["d"]}, "data": {"read": ["r/**"], "deny": ["s"]},
        "network": {"allow": ["h.example"], "block_outbound": true}, "compute": {"max_tool_calls_per_run": 3},
    }));
    assert_eq!(after, expected);
    assert_eq!(patch(json!({})), Ok(before.clone()));
    for (document, message) in [
        (json!({"tools": {"allow": []}}), "tools.allow is not known here; the keys are add_allow, "),
        (json!({"tools": {"add_allow": "x"}}), "tools.add_allow must be a list"),
        (json!({"version": "1.0"}), "version is not known here"),
        (
            json!({"tools": {"remove_allow": ["a", "b"]}}),
            "tools.allow would leave the list empty, which allows",
        ),
    ] {
        let refused = patch(document).unwrap_err().to_string();
        assert!(refused.starts_with(message), "{refused}");
    }
}

#[test]
fn a_denial_in_whatever_spelling_denies_for_the_decision_and_for_the_machine() {
    for (glob, path) in [
        ("/**", "notes.md"),
        ("/", "notes.md"),
        ("**", "notes.md"),
        ("./**", "notes.md"),
        ("/workspace", "notes.md"),
        ("/**/.env", "deep/down/.env"),
        ("/*/secret/**", "secret/key"),
        ("a/./b", "a/b/c"),
        ("a//b/", "a/b"),
        ("/workspace/a/", "a/x"),
        ("*.pem", "key.pem"),
        ("{a,b}/**", "b/x"),
    ] {
        let permissions = effective(&[json!({"data": {"deny": [glob]}})]);
        assert_eq!(code(permissions.path(path, Access::Read)), "path_denied", "{glob} and {path}");
        assert!(permissions.files().may_read(path).is_err(), "the machine lets {path} be read under {glob}");
    }
    for glob in ["{/workspace/a,/etc/b}/**", "a\u{0}", ""] {
        assert!(glob.parse::<PathGlob>().is_err(), "{glob:?}");
    }
    assert_eq!(
        code(effective(&[json!({"data": {"deny": ["/**"]}})]).path("/etc/x", Access::Read)),
        "path_denied"
    );
    assert_eq!(code(effective(&[json!({"data": {"deny": ["/etc"]}})]).path("etc/x", Access::Read)), "ok");
}
