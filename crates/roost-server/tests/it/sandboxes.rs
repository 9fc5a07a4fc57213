//! Sandboxes of a real server: real machines, a real WebAssembly runtime, real crashes.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::DEADLINE;
use crate::roost::{Options, Server};

async fn made(server: &Server, body: Value) -> String {
    let (status, made) = server.post("/v1/sandboxes", &body).await;
    assert_eq!(status, 201, "{made}");
    made["data"]["id"].as_str().expect("an id").to_owned()
}

async fn run(server: &Server, sandbox: &str, body: Value) -> Value {
    let (status, run) = server.post(&format!("/v1/sandboxes/{sandbox}/run"), &body).await;
    assert!(matches!(status, 200 | 202), "{run}");
    run["data"].clone()
}

/// Waits until what a path shows is as the test wants it.
async fn until(server: &Server, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let (_, body) = server.get(path).await;
        if wanted(&body["data"]) {
            return body["data"].clone();
        }
        assert!(Instant::now() < deadline, "{path} stays {body}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Tells whether this host has what sandboxes run Python with.
fn has_python() -> bool {
    let has = ["/usr/bin/python3", "/usr/local/bin/python3"].iter().any(|path| Path::new(path).exists());
    if !has {
        eprintln!("this host has no python3 for machines: not tested");
    }
    has
}

fn workspaces(server: &Server) -> usize {
    // Beside the workspaces, which have ids for names, stands the place of snapshots.
    let is_workspace = |entry: &std::fs::DirEntry| {
        entry.file_type().is_ok_and(|kind| kind.is_dir()) && entry.file_name().len() == 36
    };
    ["workspaces", "sandboxes"]
        .iter()
        .filter_map(|name| std::fs::read_dir(server.home().data().join(name)).ok())
        .flat_map(|entries| entries.filter_map(Result::ok).filter(is_workspace))
        .count()
}

#[tokio::test]
async fn python_runs_within_the_bounds_of_its_sandbox() {
    if !has_python() {
        return;
    }
    let server = Server::start(Options::default());
    let config = json!({
        "filesystem": {"read_only": ["/workspace/data"], "read_write": ["/workspace/out"]},
        "network": {"block_outbound": true},
        "resources": {"cpu": "0.5", "memory": "64m"},
    });
    let id = made(&server, json!({"agentId": "bot", "config": config})).await;
    let code = "import sys\nopen('out/kept', 'w').write('kept')\nprint('said')\nprint('warned', file=sys.stderr)\n\
                try:\n    open('elsewhere', 'w')\nexcept OSError as error:\n    sys.exit(7)";
    let done = run(&server, &id, json!({"code": code})).await;
    assert_eq!(
        (&done["status"], &done["exitCode"], &done["stdout"], &done["stderr"]),
        (&json!("failed"), &json!(7), &json!("said\n"), &json!("warned\n"))
    );
    let again = run(&server, &id, json!({"code": "print(open('out/kept').read())"})).await;
    assert_eq!(again["stdout"], "kept\n", "files stay from run to run");
    let slow = run(&server, &id, json!({"code": "import time; time.sleep(60)", "timeout": 1})).await;
    assert_eq!((&slow["status"], &slow["violation"]["type"]), (&json!("timed_out"), &json!("timeout")));
    let blocked = "import urllib.request as u\ntry:\n    u.urlopen('http://example.com', timeout=9)\n\
                   except Exception as error:\n    print(error)";
    let blocked = run(&server, &id, json!({"code": blocked})).await;
    assert!(blocked["stdout"].as_str().is_some_and(|text| text.contains("403")), "{blocked}");
    let loud = run(&server, &id, json!({"code": "print('x' * 300000)"})).await;
    assert_eq!((&loud["stdoutTruncated"], &loud["stderrTruncated"]), (&json!(true), &json!(false)));
    assert_eq!(loud["violation"]["type"], "output_too_large");
}

#[tokio::test]
async fn what_ran_at_a_crash_is_lost_and_what_is_over_is_gone_after_it() {
    if !has_python() {
        return;
    }
    // It looks often while it waits.
    let config = "[api]\nrequests_per_minute = 100000\n".to_owned();
    let mut server = Server::start(Options { config, ..Options::default() });
    let lives = made(&server, json!({"agentId": "bot"})).await;
    let short = json!({"agentId": "bot", "config": {"resources": {"timeout": 6}}});
    let expires = made(&server, short).await;
    run(&server, &expires, json!({"code": "open('f', 'w').write('x')"})).await;
    let begun = run(&server, &lives, json!({"code": "import time; time.sleep(300)", "async": true})).await;
    let poll = begun["pollUrl"].as_str().expect("a path").to_owned();
    until(&server, &poll, |run| run["status"] == "running").await;
    until(&server, &format!("/v1/sandboxes/{lives}"), |sandbox| sandbox["status"] == "running").await;
    server.kill9();
    server.restart();
    let lost = until(&server, &poll, |run| run["status"] != "running").await;
    assert_eq!(lost["status"], "lost", "{lost}");
    until(&server, &format!("/v1/sandboxes/{expires}"), |sandbox| sandbox["status"] == "destroyed").await;
    let again = run(&server, &lives, json!({"code": "print('on')"})).await;
    assert_eq!(again["stdout"], "on\n", "{again}");
    let deadline = Instant::now() + DEADLINE;
    while workspaces(&server) != 1 {
        assert!(Instant::now() < deadline, "{} workspaces are there", workspaces(&server));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[cfg(feature = "wasm")]
#[tokio::test]
async fn modules_run_in_the_mode_wasm_and_python_is_refused_with_a_reason() {
    let server = Server::start(Options::default());
    let id = made(&server, json!({"agentId": "bot", "mode": "wasm"})).await;
    let code = r#"(module
        (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 1)
        (data (i32.const 8) "hello\n")
        (func (export "_start")
            (i32.store (i32.const 0) (i32.const 8))
            (i32.store (i32.const 4) (i32.const 6))
            (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 20)))))"#;
    let done = run(&server, &id, json!({"code": code})).await;
    assert_eq!((&done["status"], &done["stdout"]), (&json!("succeeded"), &json!("hello\n")), "{done}");
    let forever = r#"(module (func (export "_start") (loop $again (br $again))))"#;
    let slow = run(&server, &id, json!({"code": forever, "timeout": 1})).await;
    assert!(matches!(slow["violation"]["type"].as_str(), Some("timeout" | "out_of_fuel")), "{slow}");
    let (status, refused) =
        server.post(&format!("/v1/sandboxes/{id}/run"), &json!({"code": "print(1)"})).await;
    assert_eq!(status, 400);
    let message = refused["error"]["message"].as_str().expect("a message");
    assert!(message.contains("sandboxes.python_wasm"), "{message}");
}
