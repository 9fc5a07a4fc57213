//! A server of the test's own, in a directory of its own, gone when the test is.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

use reqwest::Method;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::DEADLINE;
use crate::stream::Stream;

/// How a server is started.
#[derive(Debug, Clone, Default)]
pub(crate) struct Options {
    /// Variables of its environment, which is empty otherwise.
    pub(crate) environment: Vec<(&'static str, String)>,
    /// Its `roost.toml`.
    pub(crate) config: String,
    /// Scripts of `scripted/NAME` models: name and YAML.
    pub(crate) scripts: Vec<(&'static str, String)>,
}

/// A running server with a key for it. Ended when it is dropped, however the test ends.
pub(crate) struct Server {
    pub(crate) url: String,
    pub(crate) key: String,
    process: Process,
    home: Home,
}

/// A directory with everything that belongs to one server, and the commands that are run there.
pub(crate) struct Home {
    directory: TempDir,
    environment: Vec<(&'static str, String)>,
}

/// A child whose standard error is read, killed when it is dropped.
pub(crate) struct Process {
    child: Child,
    log: Arc<Mutex<String>>,
    /// Tells that the log has grown; ends with the child's standard error.
    grown: Receiver<()>,
    /// How much of the log was waited for.
    seen: usize,
}

impl Home {
    pub(crate) fn new(options: Options) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let scripts = directory.path().join("scripts");
        std::fs::create_dir(&scripts).expect("a directory");
        for (name, yaml) in &options.scripts {
            std::fs::write(scripts.join(format!("{name}.yaml")), yaml).expect("a script");
        }
        let mut config = options.config;
        if !options.scripts.is_empty() {
            config += "\n[models]\nscripts = 'scripts'\n";
        }
        if !config.is_empty() {
            std::fs::write(directory.path().join("roost.toml"), config).expect("a configuration");
        }
        Self { directory, environment: options.environment }
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.path().join("data")
    }

    /// Returns the command `roost` with arguments, as it is run here.
    pub(crate) fn roost(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_roost"));
        command
            .args(arguments)
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("HOME", self.path())
            .env("ROOST_DATA", self.data())
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(self.path())
            .stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        finish(self.roost(arguments))
    }

    /// Runs a command that must succeed and returns what it printed as JSON.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
            panic!("{arguments:?} printed no JSON ({error}): {}", text(&output.stdout))
        })
    }

    /// Runs a command that must fail and returns what it says of that.
    pub(crate) fn failure(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(!output.status.success(), "{arguments:?} succeeded: {}", text(&output.stdout));
        text(&output.stderr)
    }
}

impl Process {
    /// Starts a command whose standard error is read.
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().expect("it starts");
        let mut stderr = child.stderr.take().expect("it is piped");
        let log = Arc::new(Mutex::new(String::new()));
        let (sender, grown) = channel();
        let kept = log.clone();
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(n @ 1..) = stderr.read(&mut bytes) {
                *kept.lock().expect("nobody panicked") += &String::from_utf8_lossy(&bytes[..n]);
                // The log is kept also when nobody waits for it any more.
                let _ = sender.send(());
            }
        });
        Self { child, log, grown, seen: 0 }
    }

    /// Waits until standard error has a text after what was waited for before.
    pub(crate) fn wait_for(&mut self, wanted: &str) {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let log = self.log();
            if let Some(at) = log[self.seen..].find(wanted) {
                self.seen += at + wanted.len();
                return;
            }
            match self.grown.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(()) => {}
                // What came last may have been read and not looked at.
                Err(RecvTimeoutError::Disconnected) if self.log().len() > log.len() => {}
                Err(error) => panic!("no {wanted:?} on standard error ({error}):\n{}", self.log()),
            }
        }
    }

    /// Waits for a line of standard error and returns what follows `beginning` in it.
    pub(crate) fn line(&mut self, beginning: &str) -> String {
        self.wait_for(beginning);
        let from = self.seen;
        self.wait_for("\n");
        self.log()[from..self.seen].trim_end().to_owned()
    }

    /// Returns what it has written to standard error so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().expect("nobody panicked").clone()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.id().try_into().expect("a process id")).expect("not 0");
        kill_process(pid, signal).expect("it is running");
    }

    /// Waits until it has ended.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        wait(&mut self.child)
    }

    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.child
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Fails only if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// Starts a server on a free port, with a key for it, and returns when it answers.
    pub(crate) fn start(options: Options) -> Self {
        Self::in_home(Home::new(options))
    }

    /// Starts a server in a directory that is there.
    pub(crate) fn in_home(home: Home) -> Self {
        let key = home.json(&["keys", "create", "--name", "test", "--json"]);
        let key = key["key"].as_str().expect("a key").to_owned();
        let (process, url) = serve(&home);
        Self { url, key, process, home }
    }

    /// Ends the server as a power failure would: at once, without a word.
    pub(crate) fn kill9(&mut self) {
        self.process.signal(Signal::KILL);
        self.process.ended();
    }

    /// Starts the server again on the same data, after [`Server::kill9`] or [`Server::stop`]. Its port is another.
    pub(crate) fn restart(&mut self) {
        (self.process, self.url) = serve(&self.home);
    }

    /// Asks the server to end and waits until it has.
    pub(crate) fn stop(&mut self) -> ExitStatus {
        self.process.signal(Signal::TERM);
        self.process.ended()
    }

    pub(crate) fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Returns what the server has logged since its last start.
    pub(crate) fn log(&self) -> String {
        self.process.log()
    }

    pub(crate) fn home(&self) -> &Home {
        &self.home
    }

    /// Returns the command `roost` with arguments and with this server and its key in the environment.
    pub(crate) fn roost(&self, arguments: &[&str]) -> Command {
        let mut command = self.home.roost(arguments);
        command.env("ROOST_URL", &self.url).env("ROOST_KEY", &self.key);
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        finish(self.roost(arguments))
    }

    /// Runs a command that must succeed and returns what it printed.
    pub(crate) fn print(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let said = text(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}\nThe server's log:\n{}", self.log());
        text(&output.stdout)
    }

    /// Runs a command that must succeed and returns what it printed as JSON.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let printed = self.print(arguments);
        serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {printed}"))
    }

    /// Makes an agent with a scripted model and returns its id.
    pub(crate) fn agent(&self, name: &str, model: &str, more: &[&str]) -> String {
        let arguments = [&["agents", "create", "--name", name, "--model", model, "--json"], more].concat();
        self.json(&arguments)["id"].as_str().expect("an id").to_owned()
    }

    /// Asks for something.
    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        self.request(Method::GET, path, None).await
    }

    /// Posts something.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.request(Method::POST, path, Some(body)).await
    }

    /// Puts something.
    pub(crate) async fn put(&self, path: &str, body: &Value) -> (u16, Value) {
        self.request(Method::PUT, path, Some(body)).await
    }

    /// Changes something in part.
    pub(crate) async fn patch(&self, path: &str, body: &Value) -> (u16, Value) {
        self.request(Method::PATCH, path, Some(body)).await
    }

    /// Posts a form with one file.
    pub(crate) async fn upload(&self, path: &str, file: Vec<u8>) -> (u16, Value) {
        let mut body =
            b"--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.zip\"\r\n\r\n".to_vec();
        body.extend_from_slice(&file);
        body.extend_from_slice(b"\r\n--B--\r\n");
        // Fails where another test of this process has done it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().tls_certs_only([]).build().expect("a client");
        let request = http.post(format!("{}{path}", self.url)).bearer_auth(&self.key);
        let request = request.header("Content-Type", "multipart/form-data; boundary=B").body(body);
        let answer = tokio::time::timeout(DEADLINE, request.send()).await.expect("it answers in time");
        let answer = answer.unwrap_or_else(|error| panic!("{path}: {error:?}"));
        let status = answer.status().as_u16();
        let text = answer.text().await.expect("it is whole");
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    async fn request(&self, method: Method, path: &str, body: Option<&Value>) -> (u16, Value) {
        let response = self.send(method, path, body).await;
        let status = response.status().as_u16();
        let body = response.text().await.expect("it is whole");
        (status, serde_json::from_str(&body).unwrap_or(Value::String(body)))
    }

    /// Posts something that is answered by a stream of events.
    pub(crate) async fn post_stream(&self, path: &str, body: &Value) -> Stream {
        Stream::of(self.send(Method::POST, path, Some(body)).await).await
    }

    /// Asks for a stream of events.
    pub(crate) async fn get_stream(&self, path: &str) -> Stream {
        Stream::of(self.send(Method::GET, path, None).await).await
    }

    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> reqwest::Response {
        // Fails where another test of this process has done it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().tls_certs_only([]).build().expect("a client");
        let request = http.request(method, format!("{}{path}", self.url)).bearer_auth(&self.key);
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        let answer = tokio::time::timeout(DEADLINE, request.send()).await.expect("it answers in time");
        answer.unwrap_or_else(|error| panic!("{path}: {error:?}\nThe server's log:\n{}", self.log()))
    }
}

fn serve(home: &Home) -> (Process, String) {
    let mut process = Process::start(home.roost(&["serve", "--listen", "127.0.0.1:0"]));
    let line = process.line("listening on ");
    // In a log of JSON the line goes on after the URL.
    let url = line.split(['"', ' ']).next().expect("there is a first part").to_owned();
    (process, url)
}

/// Runs a command to its end, within the deadline.
pub(crate) fn finish(mut command: Command) -> Output {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let (stdout, stderr) = (child.stdout.take().expect("piped"), child.stderr.take().expect("piped"));
    let (stdout, stderr) = (thread::spawn(|| read(stdout)), thread::spawn(|| read(stderr)));
    let status = wait(&mut child);
    let read = |thread: thread::JoinHandle<Vec<u8>>| thread.join().expect("it reads");
    Output { status, stdout: read(stdout), stderr: read(stderr) }
}

fn read(mut from: impl std::io::Read) -> Vec<u8> {
    let mut all = Vec::new();
    from.read_to_end(&mut all).expect("it can be read");
    all
}

fn wait(child: &mut Child) -> ExitStatus {
    let deadline = Instant::now() + DEADLINE;
    loop {
        if let Some(status) = child.try_wait().expect("it is ours") {
            return status;
        }
        if Instant::now() > deadline {
            child.kill().expect("it is ours");
            child.wait().expect("it is ours");
            panic!("a process did not end in time");
        }
        // The system tells of a child's end only to those who block for ever or look again.
        thread::sleep(std::time::Duration::from_millis(5));
    }
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
