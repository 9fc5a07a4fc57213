use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use crate::DEADLINE;
use crate::documents::pipe;
use crate::roost::{Options, Server, text};
use crate::terminal::Terminal;

const VALUE: &str = "ghp_nobody_may_read_this";

/// Answers every request, and tells what came. Returns the port.
fn host() -> (u16, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let (sender, heads) = channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut head = [0; 4096];
            let Ok(n) = stream.read(&mut head) else { continue };
            // Who goes away without listening is no matter of this test.
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
            if sender.send(text(&head[..n])).is_err() {
                return;
            }
        }
    });
    (port, heads)
}

#[test]
fn a_secret_is_set_bound_used_and_removed_and_its_value_never_shown() {
    let (port, heads) = host();
    let script = format!(
        "default:\n  - calls:\n      - tool: http_request\n        arguments: {{method: GET, url: 'http://127.0.0.1:{port}/', \
         headers: {{authorization: 'Bearer {{{{secret:github_token}}}}'}}}}\n  - text: done\n"
    );
    let server = Server::start(Options { scripts: vec![("asks", script)], ..Options::default() });
    let place = format!("127.0.0.1:{port}");
    server.agent("robin", "scripted/asks", &["--policy", "open", "--allow-private", &place]);
    let mut said = pipe(&server, &["secrets", "set", "github_token"], &format!("{VALUE}\n"));
    assert!(
        said.contains("github_token of robin is set.") && said.contains("roost agents restart robin"),
        "{said}"
    );
    said += &server.print(&["secrets", "bind", "githubToken", "--host", &place, "--method", "get"]);
    assert!(said.contains(&format!("github_token may go to {place} with GET.")), "{said}");
    let listed = server.print(&["secrets", "list"]);
    assert!(listed.contains("github_token") && listed.contains(&place), "{listed}");

    assert!(server.print(&["chat", "go"]).contains("done"));
    let head = heads.recv_timeout(DEADLINE).expect("a request");
    assert!(head.contains(&format!("Bearer {VALUE}")), "{head}");
    let uses = server.print(&["secrets", "uses", "github_token"]);
    assert!(uses.contains(&format!("GET     {place}  200")), "{uses}");

    said += &server.print(&["secrets", "unbind", "github_token"]);
    let refused = server.run(&["secrets", "delete", "github_token"]);
    assert!(!refused.status.success() && text(&refused.stderr).contains("--yes"));
    said += &server.print(&["secrets", "delete", "github_token", "--yes"]);
    assert_eq!(server.json(&["secrets", "list", "--json"]), serde_json::json!([]));
    let again = server.run(&["secrets", "delete", "github_token", "--yes"]);
    assert!(!again.status.success() && text(&again.stderr).contains("roost secrets list robin"));
    for shown in [said, listed, uses, server.log()] {
        assert!(!shown.contains(VALUE), "{shown}");
    }
}

#[test]
fn at_a_terminal_the_value_is_asked_for_and_not_shown() {
    let server = Server::start(Options::default());
    server.agent("robin", "scripted/demo", &[]);
    let mut terminal = Terminal::start(server.roost(&["secrets", "set", "github_token"]));
    terminal.wait_for_note("The value of github_token (it is not shown): ");
    terminal.type_line(VALUE);
    let screen = terminal.until("github_token of robin is set.");
    assert!(!screen.contains(VALUE), "{screen}");
    assert!(terminal.ended().success());
    assert_eq!(server.json(&["secrets", "list", "--json"])[0]["name"], "github_token");
    let mut terminal = Terminal::start(server.roost(&["secrets", "set", "other"]));
    terminal.wait_for_note("The value of other");
    terminal.interrupt();
    assert!(!terminal.ended().success());
    assert_eq!(server.json(&["secrets", "list", "--json"]).as_array().expect("a list").len(), 1);
}
