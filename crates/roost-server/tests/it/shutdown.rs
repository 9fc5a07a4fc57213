use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;

use crate::roost::{Options, Server};

#[tokio::test]
async fn a_server_that_is_asked_to_end_ends_its_streams_and_its_machines_in_time() {
    let mut server = Server::start(Options::default());
    let agent = server.agent("robin", "scripted/demo", &[]);
    let body = json!({ "message": "run `echo begun; exec sleep 987654`" });
    let mut stream = server.post_stream(&format!("/v1/agents/{agent}/chat/messages"), &body).await;
    let output = stream.next_of("tool_output").await;
    assert_eq!(output["content"], "begun\n");
    let mut logs = server.get_stream(&format!("/v1/agents/{agent}/logs/stream")).await;
    assert!(logs.next().await.is_some());
    let began = Instant::now();
    let ended = server.stop();
    assert!(ended.success(), "{ended}\n{}", server.log());
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}\n{}", began.elapsed(), server.log());
    assert!(!server.log().contains("cutting off"), "not in order: {}", server.log());
    stream.rest().await;
    logs.rest().await;
    assert!(!runs("sleep 987654"), "a process of the machine is alive");
    server.restart();
    assert_eq!(server.get(&format!("/v1/agents/{agent}")).await.0, 200);
}

#[test]
fn a_server_without_work_ends_at_once_on_either_signal() {
    let mut server = Server::start(Options::default());
    for signal in [Signal::TERM, Signal::INT] {
        let began = Instant::now();
        server.process().signal(signal);
        assert!(server.process().ended().success(), "{}", server.log());
        assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
        server.restart();
    }
}

/// Tells whether a process with this command line is alive on this machine.
fn runs(line: &str) -> bool {
    let wanted = format!("{}\0", line.replace(' ', "\0"));
    std::fs::read_dir("/proc").expect("there is one").flatten().any(|entry| {
        std::fs::read(entry.path().join("cmdline")).is_ok_and(|found| found == wanted.as_bytes())
    })
}
