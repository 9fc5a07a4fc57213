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

#[test]
fn files_survive_a_stop_and_a_restart_and_a_paused_agent_wakes_on_use() {
    let server = Server::start(Options::default());
    let id = server.agent("robin", "scripted/demo", &[]);
    let run = |command: &str| server.print(&["chat", "robin", &format!("run `{command}`")]);
    run("echo kept > plan");
    server.print(&["agents", "stop", &id]);
    server.print(&["agents", "start", &id]);
    assert!(run("cat plan").contains("kept"), "after a stop");
    server.print(&["agents", "restart", &id]);
    assert!(run("cat plan").contains("kept"), "after a restart");
    let config = serde_json::json!({"config": {"idleSeconds": 1}}).to_string();
    let curl = format!(
        "curl -sf -X PATCH {}/v1/agents/{id} -H 'X-API-Key: {}' -H 'Content-Type: application/json' -d '{config}'",
        server.url, server.key
    );
    let mut patch = std::process::Command::new("sh");
    patch.args(["-ec", &curl]);
    let patched = crate::roost::finish(patch);
    assert!(patched.status.success(), "{}", text(&patched.stderr));
    let deadline = std::time::Instant::now() + crate::DEADLINE;
    while server.json(&["agents", "show", &id, "--json"])["status"] != "paused" {
        assert!(std::time::Instant::now() < deadline, "an idle agent is paused\n{}", server.log());
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert!(run("cat plan").contains("kept"), "it wakes by itself");
    assert_eq!(server.json(&["agents", "show", &id, "--json"])["status"], "running");
}
