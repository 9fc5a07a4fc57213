use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use rustix::process::Signal;

use crate::roost::{Home, Options, Process, finish, text};

/// Runs `roost up` until it is ready, and returns it and what it printed.
fn up(home: &Home, arguments: &[&str]) -> (Process, String) {
    let printed = home.path().join("printed");
    let file = std::fs::File::create(&printed).expect("a file");
    let mut command = home.roost(&[&["up", "--listen", "127.0.0.1:0"], arguments].concat());
    command.stdout(Stdio::from(file));
    let mut process = Process::start(command);
    process.line("listening on ");
    // The summary follows the line at once; a request is answered after it.
    let deadline = std::time::Instant::now() + crate::DEADLINE;
    loop {
        let text = std::fs::read_to_string(&printed).expect("it is text");
        if text.contains("Ctrl-C stops the server") {
            return (process, text);
        }
        assert!(std::time::Instant::now() < deadline, "no summary: {text}\n{}", process.log());
        std::thread::yield_now();
    }
}

/// Runs the `curl` command of a summary as it stands and returns what the agent said.
fn curl(summary: &str) -> String {
    let from = summary.find("  curl ").expect("there is one");
    let command: Vec<_> = summary[from..].lines().take(3).collect();
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("{} --max-time 60 -sS", command.join("\n"))]);
    let output = finish(shell);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let streamed = text(&output.stdout);
    assert!(streamed.trim_end().ends_with("data: {\"type\":\"done\"}"), "{streamed}");
    let events = streamed.lines().filter_map(|line| line.strip_prefix("data: "));
    let events = events.map(|data| serde_json::from_str::<serde_json::Value>(data).expect("JSON"));
    events
        .filter_map(|event| {
            (event["type"] == "text").then(|| event["content"].as_str().map(str::to_owned))?
        })
        .collect()
}

#[test]
fn up_on_a_fresh_machine_prints_a_curl_and_a_chat_that_work() {
    let home = Home::new(Options::default());
    let (_process, summary) = up(&home, &[]);
    assert!(summary.contains("scripted/demo") && summary.contains("ANTHROPIC_API_KEY=…"), "{summary}");
    assert!(summary.contains("  roost chat\n") && summary.contains("/docs"), "{summary}");
    let said = curl(&summary);
    assert!(said.contains("demonstration model"), "{said}");
    let made = home.run(&["agents", "create", "--name", "second"]);
    assert!(made.status.success(), "also agents that name no model have one: {}", text(&made.stderr));
    let output = home.run(&["chat", "hello"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("demonstration model"));
    let mode = std::fs::metadata(home.data().join("client.toml")).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn up_again_finds_what_is_there_and_shows_no_key() {
    let home = Home::new(Options::default());
    let (mut process, first) = up(&home, &[]);
    let key =
        first.split("Bearer ").nth(1).and_then(|rest| rest.split('"').next()).expect("a key").to_owned();
    process.signal(Signal::TERM);
    assert!(process.ended().success());
    let (_process, second) = up(&home, &[]);
    assert!(!second.contains(&key) && second.contains("client.toml"), "{second}");
    let agent = |summary: &str| summary.lines().find(|line| line.contains("Agent")).map(str::to_owned);
    assert_eq!(agent(&first), agent(&second));
    assert!(curl(&second).contains("demonstration model"), "the key is taken from where it is kept");
    let agents = home.json(&["agents", "list", "--json"]);
    assert_eq!(agents.as_array().map(Vec::len), Some(1));
    assert_eq!(home.json(&["keys", "list", "--json"]).as_array().map(Vec::len), Some(1));
}

#[test]
fn up_gives_the_first_agent_the_model_that_is_asked_for() {
    let scripts = vec![("mine", "default:\n  - text: \"It is me.\"\n".to_owned())];
    let home = Home::new(Options { scripts, ..Options::default() });
    let (mut process, _) = up(&home, &[]);
    process.signal(Signal::TERM);
    process.ended();
    let (_process, summary) = up(&home, &["--model", "scripted/mine"]);
    assert!(summary.contains("thinks with scripted/mine from now on"), "{summary}");
    assert!(curl(&summary).contains("It is me."));
}

#[test]
fn up_with_a_model_that_nobody_serves_says_so_and_leaves_nothing_half_done() {
    let home = Home::new(Options::default());
    let message = home.failure(&["up", "--listen", "127.0.0.1:0", "--model", "nobody/none"]);
    assert!(message.contains("nobody/none") && message.contains("--model"), "{message}");
    assert!(!home.data().join("client.toml").exists());
    assert_eq!(home.json(&["keys", "list", "--json"]).as_array().map(Vec::len), Some(0));
    let (_process, summary) = up(&home, &[]);
    assert!(curl(&summary).contains("demonstration model"));
}
