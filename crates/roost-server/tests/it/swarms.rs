use crate::roost::{Options, Server, text};

#[test]
fn a_swarm_is_made_filled_and_removed_from_the_command_line() {
    let server = Server::start(Options::default());
    assert!(server.print(&["swarms", "create", "Growth"]).contains("roost swarms add growth AGENT"));
    let id = server.agent("robin", "scripted/demo", &[]);
    assert!(server.print(&["swarms", "add", "growth", "robin"]).contains("robin is in the swarm now"));
    assert!(server.print(&["swarms", "list"]).contains("Growth  growth  1"));
    let shown = server.json(&["swarms", "show", "Growth", "--json"]);
    assert_eq!(shown["agents"][0]["id"], id.as_str());
    assert!(server.print(&["swarms", "show", "growth"]).contains("robin"));
    assert!(server.print(&["swarms", "remove", "robin"]).contains("robin is in no swarm now"));
    let refused = server.run(&["swarms", "delete", "growth"]);
    assert!(
        !refused.status.success() && text(&refused.stderr).contains("--yes"),
        "{}",
        text(&refused.stderr)
    );
    server.print(&["swarms", "delete", "growth", "--yes"]);
    assert_eq!(server.json(&["swarms", "list", "--json"]), serde_json::json!([]));
    let unknown = text(&server.run(&["swarms", "show", "growth"]).stderr);
    assert!(unknown.contains("roost swarms list"), "{unknown}");
}
