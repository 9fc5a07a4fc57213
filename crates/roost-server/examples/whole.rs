//! Measures a whole server from outside: start, memory, agents, turns, machines. Prints a table.
//!
//! `cargo xtask bench whole` runs it against the release build. The numbers are of use beside others of the same
//! machine and hour.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use reqwest::Client;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

const SCRIPT: &str = r#"
rules:
  - when: '^run$'
    then:
      - calls: [{tool: shell, arguments: {command: "true"}}]
      - text: "Done."
  - when: '^fill$'
    then:
      - calls: [{tool: shell, arguments: {command: "head -c 1073741824 /dev/urandom > big", timeout_s: 300}}]
      - text: "Done."
default:
  - text: "Yes."
"#;

struct Server {
    child: Child,
    url: String,
    key: String,
    http: Client,
    runtime: Runtime,
    started: Duration,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    fn start(roost: &Path, home: &Path) -> Result<Self> {
        std::fs::create_dir_all(home.join("scripts"))?;
        std::fs::write(home.join("scripts/bench.yaml"), SCRIPT)?;
        std::fs::write(
            home.join("roost.toml"),
            "[models]\nscripts = 'scripts'\n[api]\nrequests_per_minute = 1000000\n",
        )?;
        let roost = |arguments: &[&str]| {
            let mut command = Command::new(roost);
            command.args(arguments).current_dir(home).env("ROOST_DATA", home.join("data"));
            command.env("ROOST_CONFIG", home.join("roost.toml")).env("ROOST_LOG", "warn");
            command
        };
        let made = roost(&["keys", "create", "--name", "bench", "--json"]).output()?;
        let made: Value = serde_json::from_slice(&made.stdout).context("keys create printed no JSON")?;
        let key = made["key"].as_str().context("no key")?.to_owned();
        let begin = Instant::now();
        let mut child = roost(&["serve", "--listen", "127.0.0.1:0"])
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()?;
        let mut lines = BufReader::new(child.stderr.take().context("piped")?).lines();
        let url = loop {
            let line = lines.next().context("the server ended")??;
            if let Some((_, url)) = line.split_once("listening on ") {
                break url.to_owned();
            }
        };
        let http = Client::builder().tls_certs_only([]).timeout(Duration::from_secs(600)).build()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async { http.get(format!("{url}/health")).send().await })?.error_for_status()?;
        let started = begin.elapsed();
        std::thread::spawn(move || lines.for_each(drop));
        Ok(Self { child, url, key, http, runtime, started })
    }

    fn memory_mib(&self) -> Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).context("no VmRSS")?;
        let kib: f64 = line.split_whitespace().nth(1).context("no number")?.parse()?;
        Ok(kib / 1024.0)
    }

    fn post(&self, path: &str, body: &Value) -> Result<String> {
        let request = self.http.post(format!("{}{path}", self.url)).bearer_auth(&self.key).json(body);
        let (status, text) = self.runtime.block_on(async {
            let answer = request.send().await?;
            Ok::<_, reqwest::Error>((answer.status(), answer.text().await?))
        })?;
        if !status.is_success() {
            bail!("{path}: {status}: {text}");
        }
        Ok(text)
    }

    fn put(&self, path: &str, body: &Value) -> Result<()> {
        let request = self.http.put(format!("{}{path}", self.url)).bearer_auth(&self.key).json(body);
        self.runtime.block_on(async { request.send().await?.error_for_status() })?;
        Ok(())
    }

    fn get(&self, path: &str) -> Result<Value> {
        let request = self.http.get(format!("{}{path}", self.url)).bearer_auth(&self.key);
        let text = self.runtime.block_on(async { request.send().await?.error_for_status()?.text().await })?;
        Ok(serde_json::from_str(&text)?)
    }

    fn agent(&self) -> Result<String> {
        self.agent_with(&json!({"policy": "open"}))
    }

    fn agent_with(&self, config: &Value) -> Result<String> {
        let body = json!({"name": "bench", "model": "scripted/bench", "config": config});
        let made: Value = serde_json::from_str(&self.post("/v1/agents", &body)?)?;
        Ok(made["data"]["id"].as_str().context("no id")?.to_owned())
    }

    fn say(&self, agent: &str, message: &str) -> Result<()> {
        self.say_as("ann", agent, message)
    }

    fn say_as(&self, peer: &str, agent: &str, message: &str) -> Result<()> {
        let body = json!({"message": message, "peerId": peer});
        let answer = self.post(&format!("/v1/agents/{agent}/chat/messages"), &body)?;
        if !answer.contains("\"done\"") {
            bail!("no whole answer: {answer}");
        }
        Ok(())
    }
}

fn times(count: u32, mut act: impl FnMut() -> Result<()>) -> Result<Vec<Duration>> {
    let mut times = Vec::new();
    for _ in 0..count {
        let begin = Instant::now();
        act()?;
        times.push(begin.elapsed());
    }
    times.sort();
    Ok(times)
}

fn row(what: &str, times: &[Duration]) {
    let at = |share: usize| times[(times.len() - 1) * share / 100].as_secs_f64() * 1_000.0;
    say(&format!("{what:<44} p50 {:>8.2} ms   p99 {:>8.2} ms", at(50), at(99)));
}

#[expect(clippy::print_stdout, reason = "the table is what it is for")]
fn say(line: &str) {
    println!("{line}");
}

fn main() -> Result<()> {
    // Fails only if it is done twice.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let roost = std::env::args().nth(1).context("usage: whole PATH-OF-ROOST")?;
    let roost = std::fs::canonicalize(roost)?;
    let home = tempfile::tempdir()?;
    let server = Server::start(&roost, home.path())?;
    say(&format!(
        "{:<44} {:>12.2} ms",
        "start to first answer, empty",
        server.started.as_secs_f64() * 1_000.0
    ));
    say(&format!("{:<44} {:>12.2} MiB", "memory, no agents", server.memory_mib()?));
    row("create an agent", &times(300, || server.agent().map(drop))?);
    let agent = server.agent()?;
    server.say(&agent, "hello")?;
    let mut turn = 0;
    let talk = || {
        // Conversations of ten turns: what a turn costs grows with what the model has to read.
        turn += 1;
        server.say_as(&format!("peer {}", turn / 10), &agent, "hello")
    };
    row("chat turn, model answers at once", &times(300, talk)?);
    let fresh: Vec<_> = (0..40).map(|_| server.agent()).collect::<Result<_>>()?;
    let mut next = fresh.iter();
    row(
        "turn with a command, machine starts",
        &times(40, || server.say(next.next().context("one each")?, "run"))?,
    );
    row("turn with a command, machine is up", &times(200, || server.say(&fresh[0], "run"))?);
    row(
        "stop and start an agent with a machine",
        &times(20, || {
            let agent = &fresh[1];
            server.post(&format!("/v1/agents/{agent}/stop"), &json!({}))?;
            server.post(&format!("/v1/agents/{agent}/start"), &json!({}))?;
            server.say(agent, "run")
        })?,
    );
    wake(&server)?;
    say(&format!("{:<44} {:>12.2} MiB", "memory, 340 agents, 40 machines", server.memory_mib()?));
    decisions(&server)?;
    fork(&server)
}

/// What it takes from a message to an agent at rest until its command has run: frozen, and stopped.
fn wake(server: &Server) -> Result<()> {
    let agent = server.agent_with(&json!({"policy": "open", "idleSeconds": 1}))?;
    server.say(&agent, "run")?;
    let mut frozen = Vec::new();
    for _ in 0..10 {
        let deadline = Instant::now() + Duration::from_secs(30);
        while server.get(&format!("/v1/agents/{agent}"))?["data"]["status"] != "paused" {
            if Instant::now() > deadline {
                bail!("an idle agent does not freeze");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let begin = Instant::now();
        server.say(&agent, "run")?;
        frozen.push(begin.elapsed());
    }
    frozen.sort();
    row("wake: frozen, until a command has run", &frozen);
    let mut stopped = Vec::new();
    for _ in 0..20 {
        server.post(&format!("/v1/agents/{agent}/stop"), &json!({}))?;
        let begin = Instant::now();
        server.post(&format!("/v1/agents/{agent}/start"), &json!({}))?;
        server.say(&agent, "run")?;
        stopped.push(begin.elapsed());
    }
    stopped.sort();
    row("wake: stopped, until a command has run", &stopped);
    Ok(())
}

/// What saving, restoring and forking an agent with 1 GiB of files takes, and by which means it is done here.
fn fork(server: &Server) -> Result<()> {
    let agent = server.agent()?;
    row(
        "fork an agent without files",
        &times(20, || server.post(&format!("/v1/agents/{agent}/fork"), &json!({})).map(drop))?,
    );
    server.say(&agent, "fill")?;
    let copied = |what: &str, path: &str| -> Result<String> {
        let begin = Instant::now();
        let answer: Value = serde_json::from_str(&server.post(path, &json!({}))?)?;
        let (took, data) = (begin.elapsed(), &answer["data"]);
        let mib = |field: &str| data["files"][field].as_f64().unwrap_or(0.0) / f64::from(1 << 20);
        say(&format!(
            "{what:<44} {:>12.2} ms   {}, {:.0} of {:.0} MiB copied",
            took.as_secs_f64() * 1_000.0,
            data["files"]["method"].as_str().unwrap_or("?"),
            mib("copiedBytes"),
            mib("bytes")
        ));
        Ok(data["id"].as_str().context("no id")?.to_owned())
    };
    let of = format!("/v1/agents/{agent}");
    copied("fork an agent with 1 GiB", &format!("{of}/fork"))?;
    let snapshot = copied("snapshot of 1 GiB", &format!("{of}/snapshots"))?;
    copied("restore 1 GiB", &format!("{of}/snapshots/{snapshot}/restore"))?;
    Ok(())
}

/// What a decision takes under a policy of 1,000 rules, asked over HTTP: explained, which writes nothing, and
/// evaluated, which is in the log on the disk when it is answered.
fn decisions(server: &Server) -> Result<()> {
    let rules: Vec<_> = (0..500).flat_map(|n| [format!("tool_{n}"), format!("area_{n}_*")]).collect();
    server.put("/api/gate/policy/bench", &json!({"allow": rules, "block": ["drop_*"]}))?;
    let call = json!({"agent_id": "bench", "tool_name": "area_499_send", "parameters": {"to": "ann"}});
    let explain = || server.post("/api/gate/explain", &call).map(drop);
    let evaluate = || server.post("/api/gate/evaluate", &call).map(drop);
    times(200, explain)?;
    row("decision over HTTP, 1,000 rules, not kept", &times(2_000, explain)?);
    row("decision over HTTP, 1,000 rules, kept", &times(2_000, evaluate)?);
    Ok(())
}
