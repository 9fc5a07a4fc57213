use crate::roost::{Options, Server, text};

#[test]
fn an_agent_is_made_looked_after_and_removed_from_the_command_line() {
    let server = Server::start(Options::default());
    std::fs::write(server.home().path().join("SOUL.md"), "Be brief.").expect("written");
    let more = ["--policy", "strict", "--size", "small", "--allow", "example.com", "--soul", "SOUL.md"];
    let id = server.agent("robin", "scripted/demo", &more);
    let shown = server.json(&["agents", "show", "robin", "--json"]);
    assert_eq!(shown["id"], id.as_str());
    assert_eq!((&shown["size"], &shown["soulMd"]), (&"small".into(), &"Be brief.".into()));
    assert_eq!(shown["config"]["network"]["allow"][0], "example.com");
    assert!(server.print(&["agents", "show"]).contains("config.policy: strict"));
    for (verb, status) in [
        ("pause", "paused"),
        ("resume", "running"),
        ("stop", "stopped"),
        ("start", "running"),
        ("restart", "running"),
    ] {
        assert!(server.print(&["agents", verb, &id]).contains(&format!("robin is {status}")), "{verb}");
    }
    let status = server.print(&["agents", "status"]);
    assert!(status.contains("status: running") && status.contains("seccomp"), "{status}");
    assert!(server.print(&["agents", "list"]).contains("robin  running  scripted/demo"));
    let refused = server.run(&["agents", "delete", "robin"]);
    assert!(
        !refused.status.success() && text(&refused.stderr).contains("--yes"),
        "{}",
        text(&refused.stderr)
    );
    server.print(&["agents", "delete", "robin", "--yes"]);
    assert_eq!(server.json(&["agents", "list", "--json"]).as_array().map(Vec::len), Some(0));
}

#[test]
fn what_the_server_refuses_is_told_in_its_own_words() {
    let server = Server::start(Options::default());
    let failure = |arguments: &[&str]| text(&server.run(arguments).stderr);
    let message = failure(&["agents", "create", "--name", "x", "--model", "nobody/none"]);
    assert!(message.contains("no provider serves nobody/none"), "{message}");
    let message = failure(&["agents", "create", "--name", "x", "--soul", "none.md"]);
    assert!(message.contains("none.md cannot be read"), "{message}");
    let id = server.agent("robin", "scripted/demo", &[]);
    server.print(&["agents", "stop", &id]);
    let message = failure(&["agents", "pause", &id]);
    assert!(message.contains("stopped") && message.contains("paused"), "{message}");
    let message = failure(&["chat", "hello"]);
    assert!(message.contains("the agent is stopped; start it first"), "{message}");
}
