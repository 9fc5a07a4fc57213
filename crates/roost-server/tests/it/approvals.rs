use crate::roost::{Options, Server, text};
use crate::terminal::Terminal;

/// Asks for a command, which the policy `strict` asks a person about.
const ASK: &str = "run `echo $((40+2))`";

fn server() -> Server {
    let server = Server::start(Options::default());
    server.agent("robin", "scripted/demo", &["--policy", "strict"]);
    server
}

#[test]
fn what_needs_approval_waits_and_is_decided_from_the_command_line() {
    let server = server();
    let output = server.run(&["chat", ASK]);
    let beside = text(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{beside}\n{}", server.log());
    let listed = server.json(&["approvals", "list", "--json"]);
    let approval = &listed[0];
    let id = approval["id"].as_str().expect("an id");
    assert!(beside.contains(&format!("roost approvals approve {id}")), "{beside}");
    let shown = server.print(&["approvals", "list"]);
    assert!(shown.contains(id) && shown.contains("echo $((40+2))"), "{shown}");
    let decided = server.json(&["approvals", "deny", id, "--note", "not today", "--json"]);
    assert_eq!((decided["status"].as_str(), decided["note"].as_str()), (Some("denied"), Some("not today")));
    assert_eq!(server.json(&["approvals", "list", "--json"]).as_array().map(Vec::len), Some(0));
    assert!(server.print(&["approvals", "list", "--all"]).contains("denied"));
    let again = server.run(&["approvals", "approve", id]);
    assert!(text(&again.stderr).contains("already denied"), "{}", text(&again.stderr));
}

#[test]
fn a_person_at_the_keyboard_is_asked_in_place() {
    let server = server();
    let mut terminal = Terminal::start(server.roost(&["chat"]));
    terminal.prompt();
    terminal.type_line(ASK);
    terminal.wait_for("? It wants to");
    terminal.wait_for_note("Allow it?");
    terminal.type_line("y");
    terminal.wait_for("approved by test");
    terminal.wait_for("  42");
    terminal.wait_for("Here is what");
    terminal.prompt();
    terminal.type_line(ASK);
    terminal.wait_for_note("Allow it?");
    terminal.type_line("we do not do that here");
    terminal.wait_for("denied by test");
    terminal.wait_for("we do not do that here");
    terminal.prompt();
    terminal.interrupt();
    assert!(terminal.ended().success());
}
