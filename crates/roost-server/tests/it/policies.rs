use serde_json::json;

use crate::roost::{Options, Server, text};

const SCRIPT: &str = r#"
rules:
  - when: '(?s)^run (.+)$'
    then:
      - calls: [{tool: shell, arguments: {command: "$1"}}]
      - text: "It gave {{result}}"
  - when: '^look$'
    then:
      - calls: [{tool: list_files, arguments: {}}]
      - text: "{{result}}"
"#;

/// A server with an agent that has listed its files once and run two commands.
fn busy() -> Server {
    let server = Server::start(Options { scripts: vec![("story", SCRIPT.to_owned())], ..Options::default() });
    server.agent("robin", "scripted/story", &[]);
    for message in ["look", "run echo one", "run echo two"] {
        server.print(&["chat", "--agent", "robin", message]);
    }
    server
}

fn write(server: &Server, name: &str, content: &str) {
    std::fs::write(server.home().path().join(name), content).expect("a file");
}

#[test]
fn testing_a_stricter_policy_names_what_would_change_and_changes_nothing() {
    let server = busy();
    write(&server, "stricter.yaml", "agent_id: robin\nallow: [list_files]\nrequire_approval: [shell]\n");
    let printed = server.print(&["policy", "test", "--since", "7d", "stricter.yaml"]);
    let lines: Vec<&str> = printed.lines().collect();
    assert!(lines[0].starts_with("TIME") && lines[0].ends_with("WHY"), "{printed}");
    assert!(lines[1].contains("shell") && lines[1].contains("echo two"), "{printed}");
    assert!(lines[2].contains("echo one") && lines[2].contains("require_approval"), "{printed}");
    let summary = lines.last().expect("a summary");
    assert!(summary.starts_with("Of the 3 decisions about robin since "), "{printed}");
    assert!(
        summary.ends_with(", 2 would be others (2 allow → require_approval) and 1 the same."),
        "{printed}"
    );

    let result = server.json(&["policy", "test", "stricter.yaml", "--json"]);
    assert_eq!((&result["changed"], &result["unchanged"]), (&json!(2), &json!(1)));
    let none =
        server.home().failure(&["policy", "show", "robin", "--url", &server.url, "--key", &server.key]);
    assert!(none.contains("there is no policy for"), "{none}");
    server.print(&["chat", "--agent", "robin", "run echo three"]);
}

#[test]
fn a_suggested_policy_can_be_put_shown_and_explained() {
    let server = busy();
    let suggested = server.print(&["policy", "suggest", "robin"]);
    write(&server, "robin.yaml", &suggested);
    let unchanged = server.print(&["policy", "test", "robin.yaml"]);
    assert!(unchanged.contains("none would be another and 3 the same"), "{suggested}\n{unchanged}");
    let checked = server.print(&["policy", "put", "robin.yaml", "--dry-run"]);
    assert!(checked.contains("Nothing has changed"), "{checked}");
    assert_eq!(
        server.print(&["policy", "put", "robin.yaml", "--strict"]),
        "robin goes by version 1.0 of its policy from now on.\n"
    );
    let shown = server.print(&["policy", "show", "robin"]);
    assert!(shown.starts_with("# Policy 1.0 of robin, put by test at "), "{shown}");
    write(&server, "again.yaml", &shown);
    assert!(server.print(&["policy", "put", "again.yaml"]).contains("version 1.1"));
    let first = server.json(&["policy", "show", "robin", "--version", "1.0", "--json"]);
    assert_eq!(first["version"], "1.0");
    let blocked = server.print(&["policy", "explain", "http_request", "{}", "--agent", "robin"]);
    assert!(blocked.starts_with("block (") && blocked.contains("To allow it: "), "{blocked}");
}

#[test]
fn permissions_of_an_agent_that_runs_elsewhere_are_put_and_shown() {
    let server = Server::start(Options::default());
    write(&server, "permissions.json", r#"{"agent_id": "billing-bot", "tools": {"block": ["shell"]}}"#);
    let put = server.print(&["permissions", "put", "permissions.json"]);
    assert_eq!(put, "billing-bot goes by version 1.0 of its permissions from now on.\n");
    let shown = server.print(&["permissions", "show", "billing-bot"]);
    assert!(shown.contains("agent_id: billing-bot") && shown.contains("- shell"), "{shown}");
    write(&server, "permissions.yaml", &shown);
    let again = server.json(&["permissions", "put", "permissions.yaml", "--json"]);
    assert_eq!(
        (&again["version"], &again["permissions"]["tools"]["block"]),
        (&json!("1.1"), &json!(["shell"]))
    );
    let explained = server.json(&["policy", "explain", "shell", "--agent", "billing-bot", "--json"]);
    assert_eq!(explained["decision"], "block", "{explained}");
}

#[test]
fn what_is_wrong_with_a_file_is_said_with_its_name() {
    let server = Server::start(Options::default());
    write(&server, "odd.yaml", "allow: [\n");
    write(&server, "list.yaml", "- shell\n");
    write(&server, "wrong.yaml", "agent_id: billing-bot\nallow: [1]\n");
    let fail = |arguments: &[&str]| {
        let output = server.run(arguments);
        assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
        text(&output.stderr)
    };
    assert!(fail(&["policy", "put", "gone.yaml"]).contains("gone.yaml cannot be read; check the path"));
    assert!(fail(&["policy", "put", "odd.yaml"]).contains("odd.yaml is neither YAML nor JSON"));
    assert!(fail(&["policy", "put", "list.yaml"]).contains("list.yaml holds no keys"));
    assert!(fail(&["policy", "put", "wrong.yaml"]).contains("allow[0]"));
    assert!(fail(&["policy", "explain", "shell", "ls", "--agent", "x"]).contains("no JSON object"));
    let since = fail(&["policy", "test", "wrong.yaml", "--since", "yesterday"]);
    assert!(since.contains("since must be a time such as"), "{since}");
}
