//! Snapshots and forks on a real server with real machines, also where the server is killed in the middle.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::DEADLINE;
use crate::roost::{Options, Server};

const SCRIPT: &str = r#"
rules:
  - when: '(?s)^run (.+)$'
    then:
      - calls: [{tool: shell, arguments: {command: "$1"}}]
      - text: "It gave {{result}}"
default:
  - text: "Yes."
"#;

/// Enough to be met in the middle of being copied.
const BIG: &str = "yes | head -c 400000000 > big";

fn start() -> Server {
    Server::start(Options { scripts: vec![("story", SCRIPT.to_owned())], ..Options::default() })
}

fn agent(server: &Server) -> String {
    server.agent("ada", "scripted/story", &["--policy", "open"])
}

/// Runs a command in an agent's machine and returns what it gave.
async fn run(server: &Server, agent: &str, command: &str) -> String {
    let path = format!("/v1/agents/{agent}/chat/messages");
    let mut stream = server.post_stream(&path, &json!({"message": format!("run {command}")})).await;
    let result = stream.next_of("tool_result").await["content"].as_str().expect("a text").to_owned();
    stream.next_of("done").await;
    result
}

async fn made(server: &Server, path: &str, body: &Value) -> Value {
    let (status, body) = server.post(path, body).await;
    assert!((200..300).contains(&status), "{path}: {status} {body}\nThe server's log:\n{}", server.log());
    body["data"].clone()
}

async fn count(server: &Server, path: &str) -> u64 {
    server.get(path).await.1["pagination"]["total"].as_u64().expect("a number")
}

/// What stands in the directory of all workspaces that is no agent's.
fn leftovers(server: &Server) -> Vec<String> {
    let workspaces = server.home().data().join("workspaces");
    let names = |directory: &Path| -> Vec<String> {
        let entries = std::fs::read_dir(directory).expect("is there");
        entries.map(|entry| entry.expect("can be read").file_name().into_string().expect("UTF-8")).collect()
    };
    let mut left = names(&workspaces);
    left.retain(|name| name.starts_with(".trash"));
    left.extend(names(&workspaces.join(".snapshots")));
    left
}

async fn until(what: &str, mut happened: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !happened().await {
        assert!(Instant::now() < deadline, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Asks for something and kills the server while a copy is half made.
async fn kill_while_copying(server: &mut Server, path: &str) {
    let workspaces = server.home().data().join("workspaces");
    let half = |directory: &PathBuf| {
        let entries = std::fs::read_dir(directory).expect("is there").flatten();
        entries.into_iter().any(|entry| {
            entry.file_name().to_string_lossy().starts_with(".trash-part-")
                && std::fs::metadata(entry.path().join("big")).is_ok_and(|big| big.len() > 0)
        })
    };
    {
        let nothing = json!({});
        let asking = server.post(path, &nothing);
        let met = async { until("a copy is half made", async || half(&workspaces)).await };
        tokio::select! {
            biased;
            () = met => {}
            answer = asking => panic!("it was over before it was met: {answer:?}"),
        }
    }
    server.kill9();
}

#[tokio::test]
async fn an_agent_goes_back_to_a_snapshot_and_a_fork_goes_on_from_it() {
    let server = start();
    let agent = agent(&server);
    run(&server, &agent, "mkdir d; echo one > d/plan; printf '#!/bin/sh\\necho ran' > tool; chmod 755 tool")
        .await;
    let path = format!("/v1/agents/{agent}/snapshots");
    let snapshot = made(&server, &path, &json!({"name": "before"})).await;
    let id = snapshot["id"].as_str().expect("an id");
    assert_eq!(snapshot["files"]["entries"], 3);
    run(&server, &agent, "echo two > d/plan; rm tool; echo x > more").await;
    let fork = made(&server, &format!("/v1/agents/{agent}/fork"), &json!({"snapshotId": id})).await;
    let twin = fork["id"].as_str().expect("an id");
    assert!(["reflink", "copy"].contains(&fork["files"]["method"].as_str().expect("a method")), "{fork}");
    assert!(fork["files"]["tookMs"].as_f64().is_some_and(|ms| ms > 0.0), "{fork}");
    assert!(run(&server, twin, "cat d/plan; ./tool; ls").await.contains("one\nran\nd\ntool"));
    run(&server, twin, "echo twin >> d/plan").await;
    let (_, history) = server.get(&format!("/v1/agents/{twin}/chat/messages?limit=1000")).await;
    let said = history["data"][0]["content"].as_str().expect("a text");
    assert!(said.contains("echo one > d/plan"), "the fork has its parent's conversation: {history}");
    assert!(!history.to_string().contains("echo two"), "but only up to the snapshot: {history}");
    let after = made(&server, &path, &json!({"name": "after"})).await;
    let (status, diff) =
        server.get(&format!("{path}/{id}/diff/{}", after["id"].as_str().expect("an id"))).await;
    assert_eq!(status, 200, "{diff}");
    let changes: Vec<_> =
        diff["data"]["files"].as_array().expect("a list").iter().map(|c| c["path"].clone()).collect();
    assert_eq!(changes, ["d/plan", "more", "tool"]);
    assert_eq!(diff["data"]["files"][0]["diff"], "@@ -1 +1 @@\n-one\n+two\n");
    made(&server, &format!("{path}/{id}/restore"), &json!({})).await;
    assert!(run(&server, &agent, "cat d/plan; ./tool; ls").await.contains("one\nran\nd\ntool"));
    assert!(run(&server, &agent, "echo more >> d/plan; cat d/plan").await.contains("one\nmore"));
}

#[tokio::test]
async fn a_snapshot_of_a_machine_at_work_is_taken_while_it_stands_still() {
    let server = start();
    let agent = agent(&server);
    run(&server, &agent, "(while :; do echo x >> a; echo x >> b; done) >/dev/null 2>&1 & echo on").await;
    let fork = made(&server, &format!("/v1/agents/{agent}/fork"), &json!({})).await;
    let twin = fork["id"].as_str().expect("an id");
    let lines = run(&server, twin, "wc -l < a; wc -l < b").await;
    let numbers: Vec<u64> = lines.lines().filter_map(|line| line.trim().parse().ok()).collect();
    assert!(matches!(numbers[..], [a, b] if a == b || a == b + 1), "{lines}");
    let grown = run(&server, &agent, "wc -l < a").await;
    let first = grown.lines().find_map(|line| line.trim().parse::<u64>().ok()).expect("a number");
    assert!(first > numbers[0], "the machine goes on: {grown}");
    assert_eq!(leftovers(&server), Vec::<String>::new(), "nothing is left of the step between");
}

#[tokio::test]
async fn a_server_that_is_killed_while_it_saves_leaves_no_snapshot() {
    let mut server = start();
    let agent = agent(&server);
    run(&server, &agent, BIG).await;
    let path = format!("/v1/agents/{agent}/snapshots");
    kill_while_copying(&mut server, &path).await;
    server.restart();
    until("nothing is left", async || leftovers(&server).is_empty()).await;
    assert_eq!(count(&server, &path).await, 0);
    assert!(run(&server, &agent, "ls -l").await.contains("400000000"));
    made(&server, &path, &json!({})).await;
    assert_eq!(count(&server, &path).await, 1);
}

#[tokio::test]
async fn a_server_that_is_killed_while_it_restores_has_restored_after_the_next_start() {
    let mut server = start();
    let agent = agent(&server);
    run(&server, &agent, &format!("{BIG}; echo one > plan")).await;
    let path = format!("/v1/agents/{agent}/snapshots");
    let snapshot = made(&server, &path, &json!({})).await;
    let id = snapshot["id"].as_str().expect("an id").to_owned();
    run(&server, &agent, "echo two > plan; rm big").await;
    kill_while_copying(&mut server, &format!("{path}/{id}/restore")).await;
    server.restart();
    let found = run(&server, &agent, "cat plan; ls -l").await;
    assert!(found.contains("one\n") && found.contains("400000000"), "{found}");
    until("nothing is left", async || leftovers(&server) == [id.clone()]).await;
    let log = server.json(&["logs", "ada", "--json"]).to_string();
    assert!(log.contains("restored"), "{log}");
}

#[tokio::test]
async fn a_server_that_is_killed_while_it_forks_has_no_half_agent() {
    let mut server = start();
    let agent = agent(&server);
    run(&server, &agent, BIG).await;
    kill_while_copying(&mut server, &format!("/v1/agents/{agent}/fork")).await;
    server.restart();
    until("nothing is left", async || leftovers(&server).is_empty()).await;
    assert_eq!(count(&server, "/v1/agents").await, 1);
    let fork = made(&server, &format!("/v1/agents/{agent}/fork"), &json!({})).await;
    assert!(run(&server, fork["id"].as_str().expect("an id"), "ls -l").await.contains("400000000"));
}

#[tokio::test]
async fn the_command_line_saves_restores_compares_and_forks() {
    let server = start();
    let agent = agent(&server);
    run(&server, &agent, "echo one > plan").await;
    let said = server.print(&["snapshots", "create", "ada", "--name", "before"]);
    assert!(said.starts_with("before is saved (snap_"), "{said}");
    run(&server, &agent, "echo two > plan; echo new > new").await;
    server.print(&["snapshots", "create", "ada", "--name", "after"]);
    let list = server.print(&["snapshots", "list", "ada"]);
    assert!(list.lines().count() == 3 && list.contains("before") && list.contains("after"), "{list}");
    let diff = server.print(&["snapshots", "diff", "before", "after", "--agent", "ada"]);
    assert!(diff.contains("added    new (4B)") && diff.contains("    -one\n    +two"), "{diff}");
    let said = server.print(&["snapshots", "restore", "before", "--agent", "ada"]);
    assert!(said.starts_with("ada is restored; "), "{said}");
    assert!(run(&server, &agent, "cat plan").await.contains("one"));
    let said = server.print(&["fork", "ada", "--snapshot", "after", "--name", "eve"]);
    assert!(said.starts_with("eve is running ("), "{said}");
    let fork = server.json(&["agents", "show", "eve", "--json"]);
    assert!(run(&server, fork["id"].as_str().expect("an id"), "cat plan").await.contains("two"));
    server.print(&["snapshots", "delete", "after", "--agent", "ada"]);
    let missing = server.run(&["snapshots", "restore", "after", "--agent", "ada"]);
    let said = crate::roost::text(&missing.stderr);
    assert!(!missing.status.success() && said.contains("ada has no snapshot \"after\""), "{said}");
}
