use serde_json::Value;

use crate::roost::{Options, Server, finish, text};
use crate::terminal::Terminal;

#[test]
fn one_message_runs_a_command_in_the_agents_machine_and_prints_the_answer_alone() {
    let server = Server::start(Options::default());
    server.agent("robin", "scripted/demo", &[]);
    let output = server.run(&["chat", "robin", "run `echo $((40+2)); id -u`"]);
    let (printed, beside) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{beside}\n{}", server.log());
    assert!(printed.contains("Here is what") && printed.contains("42\n1000"), "{printed}\n{beside}");
    assert!(beside.contains("→ shell echo $((40+2)); id -u"), "{beside}");
    assert!(!printed.contains("→"), "{printed}");
}

#[test]
fn the_message_can_come_from_standard_input_and_the_agent_be_the_only_one() {
    let server = Server::start(Options::default());
    server.agent("robin", "scripted/demo", &[]);
    std::fs::write(server.home().path().join("message"), "please say hello\n").expect("written");
    let mut command = server.roost(&["chat"]);
    command.stdin(std::fs::File::open(server.home().path().join("message")).expect("a file"));
    let output = finish(command);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("demonstration model"));
    let nothing = server.run(&["chat"]);
    assert!(text(&nothing.stderr).contains("there is no message"), "{}", text(&nothing.stderr));
}

#[test]
fn sessions_go_on_unless_a_new_one_is_asked_for_and_json_prints_the_events() {
    let server = Server::start(Options::default());
    server.agent("robin", "scripted/demo", &[]);
    let events = |arguments: &[&str]| -> Vec<Value> {
        let printed = server.print(&[&["chat", "--json"], arguments].concat());
        printed.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    };
    let session = |events: &[Value]| events[0]["sessionId"].as_str().expect("a session").to_owned();
    let first = events(&["hello"]);
    assert_eq!(first[0]["type"], "start");
    assert_eq!(first.last().expect("an end")["type"], "done");
    let again = session(&events(&["hello again"]));
    assert_eq!(session(&first), again);
    let new = session(&events(&["--new", "hello"]));
    assert_ne!(new, again);
    assert_eq!(session(&events(&["--session", &again, "hello"])), again);
    assert_ne!(session(&events(&["--peer", "ann", "hello"])), new);
}

#[test]
fn several_agents_have_to_be_named_and_an_unknown_one_names_those_there_are() {
    let server = Server::start(Options::default());
    server.agent("robin", "scripted/demo", &[]);
    server.agent("wren", "scripted/demo", &[]);
    let failure = |arguments: &[&str]| text(&server.run(arguments).stderr);
    let message = failure(&["chat", "hello"]);
    assert!(message.contains("several agents") && message.contains("wren, robin"), "{message}");
    let message = failure(&["chat", "--agent", "owl", "hello"]);
    assert!(message.contains("there is no agent \"owl\"") && message.contains("wren"), "{message}");
    assert!(server.print(&["chat", "Wren", "hello"]).contains("demonstration model"));
}

#[test]
fn a_model_that_fails_ends_the_command_with_what_went_wrong() {
    let script = "default:\n  - error: { status: 400, message: \"no such thing\", times: 100 }\n".to_owned();
    let server = Server::start(Options { scripts: vec![("bad", script)], ..Options::default() });
    server.agent("robin", "scripted/bad", &[]);
    let output = server.run(&["chat", "hello"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("no such thing"), "{}", text(&output.stderr));
}

#[test]
fn a_question_of_the_agent_is_answered_by_the_next_message() {
    let server = Server::start(Options::default());
    server.agent("robin", "scripted/demo", &[]);
    let output = server.run(&["chat", "ask me something"]);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("What would you like me to remember?"));
    assert!(text(&output.stderr).contains("--session sess_"), "{}", text(&output.stderr));
    assert!(server.print(&["chat", "the milk"]).contains("Noted: the milk"));
}

#[test]
fn a_conversation_shows_what_the_agent_does_and_ctrl_c_stops_it_then_leaves() {
    let server = Server::start(Options::default());
    server.agent("robin", "scripted/demo", &[]);
    let mut terminal = Terminal::start(server.roost(&["chat"]));
    terminal.prompt();
    terminal.type_line("run `echo one; echo two`");
    terminal.wait_for("→ shell echo one; echo two");
    terminal.wait_for("Here is what");
    terminal.prompt();
    terminal.type_line("run `echo begun; sleep 1000`");
    terminal.wait_for("  begun");
    terminal.interrupt();
    terminal.wait_for_note("Stopped.");
    terminal.prompt();
    terminal.interrupt();
    assert!(terminal.ended().success());
}

#[test]
fn without_a_server_a_key_or_the_right_key_the_next_step_is_named() {
    let server = Server::start(Options::default());
    let message = server.home().failure(&["chat", "hello"]);
    assert!(message.contains("roost up") && message.contains("--url"), "{message}");
    let with = |url: &str, key: &str| {
        let mut command = server.home().roost(&["chat", "hello"]);
        command.env("ROOST_URL", url).env("ROOST_KEY", key);
        text(&finish(command).stderr)
    };
    let message = with(&server.url, "roost_live_wrong");
    assert!(
        message.contains("does not accept the key") && message.contains("roost keys create"),
        "{message}"
    );
    assert!(!message.contains("roost_live_wrong"), "{message}");
    let message = with("http://127.0.0.1:1", "k");
    assert!(message.contains("no server answers at http://127.0.0.1:1"), "{message}");
    assert!(message.contains("roost up"), "{message}");
    let message = with("nonsense", "k");
    assert!(message.contains("\"nonsense\" is not the URL of a server"), "{message}");
}

#[test]
fn logs_show_what_the_agent_did() {
    let server = Server::start(Options::default());
    server.agent("robin", "scripted/demo", &[]);
    server.print(&["chat", "run `true`"]);
    let logs = server.print(&["logs"]);
    assert!(logs.contains("[info] Agent created") && logs.contains("Tool started: "), "{logs}");
    assert_eq!(server.print(&["logs", "--tail", "1"]).lines().count(), 1);
    let mut following = Terminal::start(server.roost(&["logs", "robin", "-f", "--tail", "1"]));
    following.wait_for("Turn ended: answered");
    server.print(&["agents", "stop"]);
    following.wait_for("Agent stopped");
    following.interrupt();
    assert!(following.ended().success());
}
