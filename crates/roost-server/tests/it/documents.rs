use std::io::Write as _;
use std::process::Stdio;

use crate::roost::{Options, Server, text};
use crate::terminal::Terminal;

/// Runs a command that must succeed with a text on its standard input.
pub(crate) fn pipe(server: &Server, arguments: &[&str], input: &str) -> String {
    let mut command = server.roost(arguments);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
    text(&output.stdout) + &text(&output.stderr)
}

fn failure(server: &Server, arguments: &[&str]) -> String {
    let output = server.run(arguments);
    assert!(!output.status.success(), "{arguments:?} succeeded: {}", text(&output.stdout));
    text(&output.stderr)
}

#[test]
fn documents_are_written_compared_and_restored_from_the_command_line() {
    let server = Server::start(Options::default());
    server.agent("robin", "scripted/demo", &[]);
    let missing = failure(&server, &["documents", "show", "WORKFLOW.md"]);
    assert!(missing.contains("roost documents put WORKFLOW.md FILE"), "{missing}");

    let file = server.home().path().join("text");
    std::fs::write(&file, "Be kind.\n").expect("written");
    let written = server.print(&["documents", "put", "SOUL.md", "text"]);
    assert!(written.contains("SOUL.md of robin is written. Sessions under way"), "{written}");
    assert!(written.contains("roost agents restart robin"), "{written}");
    server.print(&["agents", "restart", "robin"]);
    pipe(&server, &["documents", "put", "SOUL.md", "-", "--base", "1"], "Be stern.\n");
    // The identity is written from the name when the agent is made.
    for (document, base, content) in
        [("IDENTITY.md", "1", "Robin."), ("WORKFLOW.md", "0", "Answer."), ("rules/refunds.md", "0", "Never.")]
    {
        pipe(&server, &["documents", "put", document, "-", "--base", base], content);
        assert_eq!(server.print(&["documents", "show", document]), content);
    }
    let listed = server.print(&["documents", "list"]);
    let rows: Vec<Vec<&str>> = listed.lines().map(|line| line.split_whitespace().collect()).collect();
    for row in [["SOUL.md", "2", "10B", "key:test"], ["rules/refunds.md", "1", "6B", "key:test"]] {
        assert!(rows.iter().any(|cells| cells[..4] == row), "{listed}");
    }

    // Whoever has the text of version 1 does not undo version 2.
    std::fs::write(&file, "Be kind and brief.\n").expect("written");
    let stale = failure(&server, &["documents", "put", "SOUL.md", "text", "--base", "1"]);
    assert!(stale.contains("roost documents diff SOUL.md --from 1 --agent robin"), "{stale}");
    assert_eq!(server.print(&["documents", "show", "SOUL.md"]), "Be stern.\n");
    let diff = server.print(&["documents", "diff", "SOUL.md", "--from", "1"]);
    assert!(diff.contains("-Be kind.\n+Be stern.\n"), "{diff}");

    server.print(&["documents", "restore", "SOUL.md", "1"]);
    assert_eq!(server.print(&["documents", "show", "SOUL.md"]), "Be kind.\n");
    assert_eq!(server.print(&["documents", "show", "SOUL.md", "--version", "2"]), "Be stern.\n");
    let versions = server.json(&["documents", "versions", "SOUL.md", "--json"]);
    let numbers: Vec<_> =
        versions.as_array().expect("a list").iter().map(|one| one["version"].clone()).collect();
    assert_eq!(numbers, [3, 2, 1]);
    let wrong = failure(&server, &["documents", "show", "README.md"]);
    assert!(wrong.contains("SOUL.md, IDENTITY.md, WORKFLOW.md"), "{wrong}");
}

#[test]
fn a_document_is_edited_in_an_editor_and_kept_where_the_editor_fails() {
    let server = Server::start(Options::default());
    server.agent("robin", "scripted/demo", &[]);
    pipe(&server, &["documents", "put", "SOUL.md", "-"], "Be kind.\n");
    let nobody = failure(&server, &["documents", "edit", "SOUL.md"]);
    assert!(nobody.contains("roost documents put SOUL.md FILE"), "{nobody}");
    let edit = |editor: &str| {
        let mut command = server.roost(&["documents", "edit", "SOUL.md"]);
        command.env("EDITOR", editor).env("TMPDIR", server.home().path());
        Terminal::start(command)
    };
    let mut terminal = edit("sed -i s/kind/patient/");
    terminal.wait_for("SOUL.md of robin is written.");
    assert!(terminal.ended().success());
    assert_eq!(server.print(&["documents", "show", "SOUL.md"]), "Be patient.\n");
    let mut terminal = edit("true");
    terminal.wait_for_note("Nothing was changed.");
    assert!(terminal.ended().success());
    let mut terminal = edit("false");
    terminal.wait_for_note("your text is kept in ");
    assert!(!terminal.ended().success());
    assert_eq!(server.print(&["documents", "show", "SOUL.md"]), "Be patient.\n");
}
