//! Measures runs of workflows from outside: steps a second, how soon a run begins, how soon 10,000 open runs go on after
//! `kill -9`. Beside it, where Python has it, DBOS Transact on SQLite doing the same. Prints a table.
//!
//! `cargo xtask bench runs` runs it against the release build. The numbers are of use beside others of the same machine
//! and hour. Steps that act on nothing share commits with their neighbours; DBOS writes each by itself.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tokio::task::JoinSet;

/// Runs and the steps of each, for the steps a second.
const RUNS: usize = 400;
const STEPS: usize = 50;
/// Runs that wait for people when the server is killed.
const OPEN: usize = 10_000;
const CLIENTS: usize = 16;
/// Fewer, so that it is done in minutes.
const DBOS_RUNS: usize = 40;
const PATIENCE: Duration = Duration::from_secs(300);

const DBOS: &str = include_str!("runs/with_dbos.py");

struct Server {
    child: Child,
    url: String,
    key: String,
    http: Client,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn roost(program: &Path, home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(home).env("ROOST_DATA", home.join("data"));
    command.env("ROOST_CONFIG", home.join("roost.toml")).env("ROOST_LOG", "warn");
    command
}

impl Server {
    async fn start(program: &Path, home: &Path, key: &str) -> Result<Self> {
        let mut child = roost(program, home, &["serve", "--listen", "127.0.0.1:0"])
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
        std::thread::spawn(move || lines.for_each(drop));
        let http = Client::builder().tls_certs_only([]).timeout(PATIENCE).build()?;
        http.get(format!("{url}/health")).send().await?.error_for_status()?;
        Ok(Self { child, url, key: key.to_owned(), http })
    }

    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value> {
        let mut request = self.http.request(method, format!("{}{path}", self.url)).bearer_auth(&self.key);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        if !status.is_success() {
            bail!("{path}: {status}: {text}");
        }
        Ok(serde_json::from_str(&text)?)
    }

    async fn agent(&self, workflow: Value) -> Result<String> {
        let body = json!({"name": "bench", "model": "scripted/demo", "config": {"policy": "open"}});
        let made = self.ask(Method::POST, "/v1/agents", Some(body)).await?;
        let id = made["data"]["id"].as_str().context("no id")?.to_owned();
        self.ask(Method::PUT, &format!("/v1/agents/{id}/workflow/config"), Some(workflow)).await?;
        Ok(id)
    }

    async fn create(&self, agent: &str) -> Result<String> {
        let made = self.ask(Method::POST, &format!("/v1/agents/{agent}/runs"), Some(json!({}))).await?;
        Ok(made["data"]["id"].as_str().context("no id")?.to_owned())
    }

    async fn count(&self, agent: &str, status: &str) -> Result<u64> {
        let path = format!("/v1/agents/{agent}/runs?limit=1&status={status}");
        let list = self.ask(Method::GET, &path, None).await?;
        list["pagination"]["total"].as_u64().context("no total")
    }

    /// Waits until so many runs are here.
    async fn until(&self, agent: &str, status: &str, wanted: usize) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while self.count(agent, status).await? < wanted as u64 {
            if Instant::now() > deadline {
                bail!("not {wanted} runs of {agent} are {status} in time");
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Ok(())
    }
}

/// Begins runs from several clients at once, and returns one of them.
async fn create_all(server: &Arc<Server>, agent: &str, runs: usize) -> Result<String> {
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let (server, agent) = (Arc::clone(server), agent.to_owned());
        clients.spawn(async move {
            let mut last = String::new();
            for _ in 0..runs / CLIENTS {
                last = server.create(&agent).await?;
            }
            Ok::<_, anyhow::Error>(last)
        });
    }
    let mut last = String::new();
    while let Some(client) = clients.join_next().await {
        last = client??;
    }
    Ok(last)
}

#[expect(clippy::print_stdout, reason = "the table is what it is for")]
fn say(line: &str) {
    println!("{line}");
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

async fn steps(server: &Arc<Server>) -> Result<()> {
    let wait = |n: usize| json!({"type": "wait", "id": format!("s{n}"), "seconds": 0});
    let agent = server.agent(json!({"steps": (0..STEPS).map(wait).collect::<Vec<_>>()})).await?;
    let began = Instant::now();
    create_all(server, &agent, RUNS).await?;
    server.until(&agent, "completed", RUNS).await?;
    let took = began.elapsed();
    let rate = (RUNS * STEPS) as f64 / took.as_secs_f64();
    say(&format!(
        "{:<44} {rate:>12.0} /s    {RUNS} runs of {STEPS}, begun over HTTP",
        "Roost: durable steps that do nothing"
    ));
    Ok(())
}

async fn latency(server: &Arc<Server>) -> Result<()> {
    let agent = server.agent(json!({"steps": [{"type": "wait", "id": "s", "seconds": 0}]})).await?;
    let (mut created, mut over) = (Vec::new(), Vec::new());
    for _ in 0..300 {
        let began = Instant::now();
        let run = server.create(&agent).await?;
        created.push(began.elapsed());
        let path = format!("/v1/agents/{agent}/runs/{run}");
        while server.ask(Method::GET, &path, None).await?["data"]["status"] != "completed" {}
        over.push(began.elapsed());
    }
    for (what, mut times) in [("Roost: run is durable", created), ("Roost: run of one step is over", over)] {
        times.sort();
        let at = |share: usize| millis(times[(times.len() - 1) * share / 100]);
        say(&format!("{what:<44} p50 {:>8.2} ms   p99 {:>8.2} ms", at(50), at(99)));
    }
    Ok(())
}

async fn recovery(server: Arc<Server>, program: &Path, home: &Path) -> Result<()> {
    let form = json!({"type": "form", "id": "ask", "title": "Name", "fields": [
        {"name": "name", "label": "Name", "type": "text", "required": true}
    ]});
    let agent = server.agent(json!({"steps": [form]})).await?;
    let run = create_all(&server, &agent, OPEN).await?;
    server.until(&agent, "waiting-for-input", OPEN).await?;
    let key = server.key.clone();
    drop(server);
    let began = Instant::now();
    let server = Server::start(program, home, &key).await?;
    let answers = began.elapsed();
    let path = format!("/v1/agents/{agent}/runs/{run}");
    let answer = json!({"values": {"name": "Ada"}});
    server.ask(Method::POST, &format!("{path}/input"), Some(answer)).await?;
    while server.ask(Method::GET, &path, None).await?["data"]["status"] != "completed" {}
    let went_on = began.elapsed();
    let waiting = server.count(&agent, "waiting-for-input").await?;
    if waiting != OPEN as u64 - 1 {
        bail!("{waiting} runs wait after the restart");
    }
    say(&format!(
        "{:<44} {:>12.2} ms    first of them went on after {:.2} ms",
        "Roost: 10,000 open runs after kill -9, ready",
        millis(answers),
        millis(went_on)
    ));
    Ok(())
}

/// Lets DBOS do the same, if Python has it.
#[expect(clippy::disallowed_methods, reason = "whoever measures says where the peers are")]
fn dbos(home: &Path) -> Result<()> {
    let peers = std::env::var_os("ROOST_PEERS").map_or_else(|| PathBuf::from("target/peers"), PathBuf::from);
    let packages = std::env::var_os("ROOST_DBOS").map_or_else(|| peers.join("py-dbos"), PathBuf::from);
    if !packages.exists() {
        say("DBOS: not measured; `cargo xtask peers` installs it");
        return Ok(());
    }
    let script = home.join("dbos_bench.py");
    std::fs::write(&script, DBOS)?;
    let database = format!("sqlite:///{}", home.join("dbos.sqlite").display());
    let status = Command::new("python3")
        .arg(&script)
        .args([&database, &DBOS_RUNS.to_string(), &STEPS.to_string()])
        .env("PYTHONPATH", std::fs::canonicalize(packages)?)
        .stderr(Stdio::null())
        .status()?;
    if !status.success() {
        say("DBOS: its program failed");
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<()> {
    // Fails only if it is done twice.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let program = std::env::args().nth(1).context("usage: runs PATH-OF-ROOST")?;
    let program = std::fs::canonicalize(program)?;
    let home = tempfile::tempdir()?;
    std::fs::write(home.path().join("roost.toml"), "[api]\nrequests_per_minute = 100000000\n")?;
    let made = roost(&program, home.path(), &["keys", "create", "--name", "bench", "--json"]).output()?;
    let made: Value = serde_json::from_slice(&made.stdout).context("keys create printed no JSON")?;
    let key = made["key"].as_str().context("no key")?;
    let server = Arc::new(Server::start(&program, home.path(), key).await?);
    steps(&server).await?;
    latency(&server).await?;
    recovery(server, &program, home.path()).await?;
    dbos(home.path())
}
