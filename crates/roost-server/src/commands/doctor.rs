//! `roost doctor`: what this machine offers, and what is missing. Changes nothing.

use std::fs;
use std::process::ExitCode;
use std::sync::Arc;

use roost_models::Providers;
use roost_ports::machine::{Attempt, Connections};
use roost_store::{ClaimError, DataDir};
use serde_json::{Value, json};

use crate::config::Config;
use crate::house;
use crate::system::SystemRandom;
use crate::{output, server};

/// How a finding is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// As it should be.
    Good,
    /// It works without, but less well.
    Weak,
    /// The server does not start like this.
    Bad,
}

/// One thing that was looked at.
struct Finding {
    what: String,
    verdict: Verdict,
    detail: String,
}

impl Verdict {
    const fn name(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Weak => "weak",
            Self::Bad => "bad",
        }
    }
}

pub(super) async fn run(config: &Config, json: bool) -> anyhow::Result<ExitCode> {
    let mut findings = vec![configuration(config), data_directory(config), master_key(config)];
    findings.push(port(config).await);
    findings.extend(providers(config));
    findings.extend(regions(config));
    findings.extend(walls(config).await);
    let bad = findings.iter().any(|finding| finding.verdict == Verdict::Bad);
    if json {
        output::json(
            &json!({ "ok": !bad, "findings": findings.iter().map(Finding::json).collect::<Vec<_>>() }),
        )?;
    } else {
        findings.iter().try_for_each(Finding::print)?;
    }
    Ok(if bad { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

impl Finding {
    fn new(what: impl Into<String>, verdict: Verdict, detail: impl Into<String>) -> Self {
        Self { what: what.into(), verdict, detail: detail.into() }
    }

    fn json(&self) -> Value {
        json!({ "what": self.what, "verdict": self.verdict.name(), "detail": self.detail })
    }

    fn print(&self) -> std::io::Result<()> {
        output::line(format!("{:<5} {:<22} {}", self.verdict.name(), self.what, self.detail))
    }
}

fn configuration(config: &Config) -> Finding {
    let detail = match &config.source {
        Some(path) => format!("read from {}", path.display()),
        None => "no roost.toml; defaults and environment".to_owned(),
    };
    Finding::new("configuration", Verdict::Good, detail)
}

fn data_directory(config: &Config) -> Finding {
    let shown = config.data.display();
    let finding = |verdict, detail: String| Finding::new("data directory", verdict, detail);
    if !config.data.exists() {
        return finding(Verdict::Good, format!("{shown} is not there yet; `roost up` makes it"));
    }
    match DataDir::claim(&config.data) {
        Ok(_released_at_once) => finding(Verdict::Good, format!("{shown} is free to use")),
        Err(ClaimError::InUse { pid, .. }) => {
            finding(Verdict::Good, format!("{shown} is in use by the server with process id {pid}"))
        }
        Err(error) => finding(Verdict::Bad, format!("{error}; check who owns it")),
    }
}

fn master_key(config: &Config) -> Finding {
    let finding = |verdict, detail: String| Finding::new("master key", verdict, detail);
    let file = config.data.join("master.key");
    if config.master_key.is_none() && !file.exists() && !DataDir::database_in(&config.data).exists() {
        return finding(Verdict::Good, "none yet; the first start makes one".to_owned());
    }
    match (house::master_key(config, &SystemRandom), &config.master_key) {
        (Ok(_), Some(_)) => finding(Verdict::Good, "from ROOST_MASTER_KEY".to_owned()),
        (Ok(_), None) => finding(
            Verdict::Good,
            format!("{}; back it up: without it no stored secret can be read", file.display()),
        ),
        (Err(error), _) => finding(Verdict::Bad, format!("{error:#}")),
    }
}

async fn port(config: &Config) -> Finding {
    let listen = &config.file.listen;
    match server::bind(listen).await {
        Ok(_released_at_once) => Finding::new("address", Verdict::Good, format!("{listen} is free")),
        Err(error) if in_use_by_us(config) => Finding::new(
            "address",
            Verdict::Good,
            format!("{error} (it may well be the running server itself)"),
        ),
        Err(error) => Finding::new("address", Verdict::Bad, format!("{error:#}")),
    }
}

fn in_use_by_us(config: &Config) -> bool {
    config.data.exists() && matches!(DataDir::claim(&config.data), Err(ClaimError::InUse { .. }))
}

fn providers(config: &Config) -> Vec<Finding> {
    let keys = &config.keys;
    let with_keys: Vec<_> = [
        ("anthropic", &keys.anthropic),
        ("openai", &keys.openai),
        ("google", &keys.google),
        ("openrouter", &keys.openrouter),
    ]
    .into_iter()
    .filter(|(_, key)| key.is_some())
    .map(|(provider, _)| provider)
    .collect();
    let options = config.model_options().map_err(anyhow::Error::from);
    let opened = options.and_then(|options| Ok(Providers::new(options, Arc::new(SystemRandom))?));
    let models = match opened {
        Ok(models) => models,
        Err(error) => return vec![Finding::new("models", Verdict::Bad, format!("{error:#}"))],
    };
    let keys = match with_keys[..] {
        [] => Finding::new(
            "model keys",
            Verdict::Weak,
            "none in the environment; set ANTHROPIC_API_KEY, OPENAI_API_KEY, GEMINI_API_KEY or OPENROUTER_API_KEY, \
             or give agents keys of their own",
        ),
        _ => Finding::new("model keys", Verdict::Good, with_keys.join(", ")),
    };
    let default = match config.default_model(&models) {
        Some(model) => Finding::new("default model", Verdict::Good, model.to_string()),
        None => Finding::new(
            "default model",
            Verdict::Weak,
            "none: agents must name a model; `roost up` uses scripted/demo, which needs no key",
        ),
    };
    vec![keys, default]
}

/// Says which hosts agents of which region live on.
fn regions(config: &Config) -> Vec<Finding> {
    let host = &config.file.server.host;
    let finding = |name: &str, hosts: &[String]| {
        let (verdict, detail) = match hosts {
            [] => (Verdict::Weak, "no hosts: no agent can be made there".to_owned()),
            _ if hosts.contains(host) => (Verdict::Good, hosts.join(", ")),
            _ => (Verdict::Weak, format!("{}, not {host}, which is this host", hosts.join(", "))),
        };
        Finding::new(format!("region: {name}"), verdict, detail)
    };
    let regions = &config.file.regions;
    vec![finding("eu", &regions.eu.hosts), finding("us", &regions.us.hosts)]
}

/// Asks the machine driver what stands on this host, in a directory that is gone afterwards.
async fn walls(config: &Config) -> Vec<Finding> {
    let place = std::env::temp_dir().join(format!("roost-doctor-{}", std::process::id()));
    let machines = crate::machines::open_in(config, place.clone(), Arc::new(Nobody)).await;
    let findings = match &machines {
        Ok(machines) => machines
            .layers()
            .into_iter()
            .map(|layer| {
                let verdict = if layer.holds { Verdict::Good } else { Verdict::Weak };
                Finding::new(format!("isolation: {}", layer.name), verdict, layer.detail)
            })
            .collect(),
        Err(error) => vec![Finding::new("isolation", Verdict::Bad, format!("{error:#}"))],
    };
    if let Ok(machines) = machines {
        machines.shutdown().await;
    }
    // silent-ok: what is left of it is an empty directory in the system's own place for such
    let _ = fs::remove_dir_all(place);
    findings
}

/// No machine starts here, so none connects anywhere.
struct Nobody;

impl Connections for Nobody {
    fn attempted(&self, _: Attempt) {}
}
