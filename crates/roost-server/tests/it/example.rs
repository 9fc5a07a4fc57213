//! The examples, run as anybody runs them.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;

use rustix::process::{Pid, Signal, kill_process};

use crate::DEADLINE;

/// A shell script, ended when the test is.
struct Script(Child);

impl Drop for Script {
    fn drop(&mut self) {
        // It ends what it started.
        if let Some(pid) = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw) {
            kill_process(pid, Signal::TERM).ok(); // silent-ok: it may be over
        }
        drop(self.0.wait());
    }
}

#[tokio::test]
async fn research_form_and_report_run_by_one_command_and_the_run_page_shows() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/research-report/run.sh");
    let mut command = Command::new("bash");
    command.arg(example).args(["--answer", "audience=board"]);
    command.env("ROOST", env!("CARGO_BIN_EXE_roost")).env("TOPIC", "coffee");
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("bash is there");
    let lines = BufReader::new(child.stdout.take().expect("is piped"));
    let mut script = Script(child);
    let (say, said) = channel();
    let reading = thread::spawn(move || {
        // silent-ok: nobody listens once the test is over.
        lines.lines().map_while(Result::ok).for_each(|line| drop(say.send(line)));
    });
    let mut all = Vec::new();
    let ended = loop {
        let Ok(line) = said.recv_timeout(DEADLINE) else { break false };
        all.push(line);
        if all.last().is_some_and(|line| line.starts_with("The page stays up")) {
            break true;
        }
    };
    let told = all.join("\n");
    assert!(ended, "the example did not come to its end:\n{told}\n{:?}", script.0.try_wait());
    assert!(told.contains("audience asks: What is the report on coffee for?"), "{told}");
    assert!(told.contains("The run is completed."), "{told}");
    let page = all.iter().find_map(|line| line.strip_prefix("Its page: ")).expect("a link to the run's page");
    rustls::crypto::ring::default_provider().install_default().ok(); // silent-ok: another test was first
    let http = reqwest::Client::builder().tls_certs_only([]).build().expect("a client");
    let get = async |url: &str| {
        http.get(url).timeout(DEADLINE).send().await.expect("is up").text().await.expect("is a text")
    };
    let shown = get(page).await;
    assert!(shown.contains("<span class=\"status completed\">Completed</span>"), "{shown}");
    let frame =
        shown.split("<iframe src=\"..").nth(1).and_then(|rest| rest.split('"').next()).expect("a frame");
    let server = page.split("/runs/").next().expect("has a beginning");
    let report = get(&format!("{server}{frame}")).await;
    assert!(
        report.starts_with("<!doctype html>") && report.contains("<h1>Report on coffee</h1>"),
        "{report}"
    );
    drop(script);
    reading.join().expect("does not panic");
}
