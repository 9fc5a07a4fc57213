//! What a command in a machine can reach, asked of a real server: nothing but its own.

use serde_json::json;

use crate::roost::{Options, Server};

const SCRIPT: &str = r#"
rules:
  - when: '(?s)^run (.+)$'
    then:
      - calls: [{tool: shell, arguments: {command: "$1"}}]
      - text: "Done."
default:
  - text: "Yes."
"#;

const SECRET: &str = "sk-sentinel-9b1deb4d";

pub(crate) fn start() -> Server {
    with_machines(String::new())
}

/// A server whose machines are containers of the tests' engine; says loudly when there is none.
#[expect(clippy::disallowed_methods, reason = "the tests' own switch, no part of a server's configuration")]
fn start_with_docker() -> Option<Server> {
    let Ok(socket) = std::env::var("ROOST_TEST_DOCKER") else {
        eprintln!("NOT TESTED: ROOST_TEST_DOCKER names no socket of a Docker engine");
        return None;
    };
    Some(with_machines(format!("[machines]\ndriver = 'docker'\n[machines.docker]\nsocket = '{socket}'\n")))
}

fn with_machines(config: String) -> Server {
    let environment = vec![("OPENAI_API_KEY", SECRET.to_owned())];
    Server::start(Options { environment, config, scripts: vec![("shell", SCRIPT.to_owned())] })
}

/// Runs a command in an agent's machine and returns what the model is told of it. Where the scanner has something
/// against the command, a person says yes: what holds here are the walls, not the decision.
pub(crate) async fn run(server: &Server, agent: &str, command: &str) -> String {
    let path = format!("/v1/agents/{agent}/chat/messages");
    let mut stream = server.post_stream(&path, &json!({"message": format!("run {command}")})).await;
    loop {
        let event = stream.next().await.expect("the stream goes on until the tool is done");
        if event["type"] == "approval_required" {
            let id = event["approvalId"].as_str().expect("an id");
            server.post(&format!("/v1/approvals/{id}/approve"), &json!({})).await;
        } else if event["type"] == "tool_result" {
            return event["content"].as_str().expect("a text").to_owned();
        }
    }
}

async fn a_machine_sees_no_other_workspace_no_database_and_nothing_of_the_servers_environment(
    server: Server,
) {
    let ann = server.agent("ann", "scripted/shell", &[]);
    let bob = server.agent("bob", "scripted/shell", &[]);
    run(&server, &ann, "echo anns-diary > diary.txt").await;
    let data = server.home().data();
    let data = data.to_str().expect("a plain path");
    let probe = format!(
        "echo searching; ls -la {data}; cat {data}/roost.db {data}/master.key {data}/workspaces/{ann}/diary.txt; \
         ls /workspace/..; cat /workspace/../{ann}/diary.txt; cat /proc/*/environ | tr '\\0' '\\n'; env; \
         ls -l /proc/*/root /proc/*/cwd; find / -xdev \\( -name diary.txt -o -name roost.db -o -name master.key \\); \
         mount; cat /etc/shadow"
    );
    let seen = run(&server, &bob, &probe).await;
    assert!(seen.contains("searching"), "the probe did not run: {seen}");
    for forbidden in ["anns-diary", SECRET, "SQLite format", "ROOST_DATA", "root:*", "root:!", "root:$"] {
        assert!(!seen.contains(forbidden), "{forbidden} can be seen: {seen}");
    }
    let found = seen.lines().filter(|line| line.starts_with('/') && line.ends_with("diary.txt")).count();
    assert_eq!(found, 0, "{seen}");
    assert!(run(&server, &ann, "cat diary.txt").await.contains("anns-diary"), "her own she can read");
}

async fn a_machine_reaches_neither_the_server_nor_anything_else_on_loopback(server: Server) {
    let agent = server.agent("ann", "scripted/shell", &[]);
    let port = server.url.rsplit(':').next().expect("a port");
    let http = "printf 'GET /health HTTP/1.0\\r\\n\\r\\n'";
    for host in ["127.0.0.1", "0.0.0.0", "localhost", "127.8.8.8", "::1"] {
        let direct = format!("bash -c '{{ {http} >&3; timeout 2 cat <&3; }} 3<>/dev/tcp/{host}/{port}'");
        let seen = run(&server, &agent, &direct.replace("'GET", "\"GET").replace("\\n'", "\\n\"")).await;
        assert!(!seen.contains("\"status\""), "{host} directly: {seen}");
    }
    for host in ["127.0.0.1", "localhost", "0.0.0.0", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]"] {
        // The proxy's own address stands in the environment; plain shell speaks to it.
        let proxied = format!(
            "echo \"proxy $http_proxy\"; p=${{http_proxy#http://}}; p=${{p%/}}; h=${{p%:*}}; \
             bash -c \"{{ printf 'GET http://{host}:{port}/health HTTP/1.1\\r\\nHost: {host}\\r\\nConnection: close\\r\\n\\r\\n' >&3; \
             timeout 2 cat <&3; }} 3<>/dev/tcp/$h/${{p##*:}}\""
        );
        let seen = run(&server, &agent, &proxied).await;
        assert!(!seen.contains("\"status\":\"ok\""), "{host} by the proxy: {seen}");
        assert!(seen.contains("proxy http://"), "there is no proxy to try: {seen}");
    }
}

async fn a_machines_memory_and_processor_are_limited_to_its_size(server: Server) {
    let agent = server.agent("ann", "scripted/shell", &["--size", "small"]);
    let hog = run(&server, &agent, "head -c 3000000000 /dev/zero | tail | wc -c").await;
    assert!(!hog.contains("3000000000"), "three gigabytes were held in a machine of two: {hog}");
    assert!(run(&server, &agent, "echo well").await.contains("well"), "the machine is well again");
    // Two busy loops for three seconds get six seconds of two processors, and three of one.
    let loops =
        "bash -c 'loop() { timeout 3 sh -c \"while :; do :; done\"; }; loop & loop; wait; times' | tail -1";
    let times = run(&server, &agent, loops).await;
    let user = times.split_whitespace().find_map(seconds).unwrap_or_else(|| panic!("no times: {times}"));
    assert!(user < 4.5, "a machine of one processor used {user} s of it in 3 s");
}

/// Reads `0m2.950s`.
fn seconds(text: &str) -> Option<f64> {
    let (minutes, rest) = text.split_once('m')?;
    let seconds: f64 = rest.strip_suffix('s')?.parse().ok()?;
    Some(minutes.parse::<f64>().ok()? * 60.0 + seconds)
}

macro_rules! with_each_driver {
    ($($name:ident),* $(,)?) => {
        mod kernel {
            $(
                #[tokio::test]
                async fn $name() {
                    super::$name(super::start()).await;
                }
            )*
        }
        mod docker {
            $(
                #[tokio::test]
                async fn $name() {
                    if let Some(server) = super::start_with_docker() {
                        super::$name(server).await;
                    }
                }
            )*
        }
    };
}

with_each_driver!(
    a_machine_sees_no_other_workspace_no_database_and_nothing_of_the_servers_environment,
    a_machine_reaches_neither_the_server_nor_anything_else_on_loopback,
    a_machines_memory_and_processor_are_limited_to_its_size,
);
