use std::net::TcpListener;

use crate::roost::{Home, Options, Process, Server, text};

#[tokio::test]
async fn health_is_answered_without_a_key() {
    let mut server = Server::start(Options::default());
    server.key = String::new();
    let (status, body) = server.get("/health").await;
    assert_eq!((status, body["status"].as_str()), (200, Some("ok")));
}

#[test]
fn an_unknown_key_in_the_file_keeps_the_server_from_starting_and_names_the_line() {
    let home = Home::new(Options { config: "[server]\nworker = 3\n".to_owned(), ..Options::default() });
    let message = home.failure(&["serve", "--listen", "127.0.0.1:0"]);
    assert!(message.contains("roost.toml, line 2") && message.contains("`worker`"), "{message}");
    assert!(!home.data().exists(), "nothing is made");
}

#[test]
fn an_address_that_is_taken_is_named_with_the_flag_that_helps() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let home = Home::new(Options::default());
    for command in ["serve", "up"] {
        let message = home.failure(&[command, "--listen", &address]);
        assert!(message.contains(&address) && message.contains("--listen"), "{message}");
    }
}

#[test]
fn a_flag_wins_over_the_environment_and_the_environment_over_the_file() {
    let environment = vec![("ROOST_LISTEN", "nonsense".to_owned())];
    let home = Home::new(Options { environment, config: "listen = 'worse'".into(), ..Options::default() });
    assert!(home.failure(&["serve"]).contains("\"nonsense\""));
    let mut process = Process::start(home.roost(&["serve", "--listen", "127.0.0.1:0"]));
    assert!(process.line("listening on ").starts_with("http://127.0.0.1:"));
}

#[test]
fn the_log_can_be_json_and_holds_no_key() {
    let config = "[log]\nformat = 'json'\n".to_owned();
    let environment =
        vec![("OPENAI_API_KEY", "sk-never-shown".to_owned()), ("ROOST_LOG", "trace".to_owned())];
    let server = Server::start(Options { config, environment, ..Options::default() });
    server.agent("a", "scripted/demo", &[]);
    let log = server.log();
    for line in log.lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    }
    assert!(!log.contains("sk-never-shown") && !log.contains(&server.key), "{log}");
}

#[test]
fn the_doctor_says_what_holds_what_is_missing_and_what_is_wrong() {
    let home = Home::new(Options::default());
    let output = home.run(&["doctor", "--listen", "127.0.0.1:0"]);
    let printed = text(&output.stdout);
    for what in ["data directory", "master key", "address", "model keys", "isolation: namespaces"] {
        assert!(printed.contains(what), "{printed}");
    }
    assert!(!home.data().exists(), "it changes nothing");
    std::fs::write(home.data(), "a file").expect("written");
    let output = home.run(&["doctor", "--listen", "127.0.0.1:0", "--json"]);
    assert!(!output.status.success());
    let findings: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(findings["ok"], false);
    let bad =
        findings["findings"].as_array().expect("a list").iter().find(|finding| finding["verdict"] == "bad");
    assert_eq!(bad.expect("one of them")["what"], "data directory");
}

#[test]
fn completions_know_the_commands() {
    let home = Home::new(Options::default());
    for shell in ["bash", "zsh", "fish"] {
        let output = home.run(&["completions", shell]);
        assert!(output.status.success() && text(&output.stdout).contains("fake-model"), "{shell}");
    }
}
