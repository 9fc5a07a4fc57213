use std::time::Duration;

use serde_json::{Map, Value};

use crate::gate::Profile;
use crate::network::{HostRule, NetworkRules};
use crate::unit::MicroUsd;

/// The part of an agent's configuration that Roost acts on.
///
/// Shape, as JSON keys of the agent's `config`: `policy` (`open`, `standard`, `strict`; default `standard`),
/// `network.allow` and `network.allowPrivate` (lists of host patterns), `budgetUsd` (number; none by
/// default), `maxRounds` (model calls in one turn, 1 to 200; default 40), `idleSeconds` (time without use
/// before the machine freezes, 1 to 86,400; default 300), `approvalTtlSeconds` (1 to 2,592,000; default a
/// day), `systemPrompt` (text, at most 20,000 characters). Other keys belong to their owner.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// How much the agent may do without asking.
    pub profile: Profile,
    /// Where it may connect to without asking.
    pub network: NetworkRules,
    /// What it may spend on models in its life; `None` is without limit.
    pub budget: Option<MicroUsd>,
    /// Model calls in one turn.
    pub max_rounds: u32,
    /// Time without use after which its machine freezes.
    pub idle_after: Duration,
    /// How long a person has to decide an approval.
    pub approval_ttl: Duration,
    /// Instructions that come before everything else the model reads.
    pub system_prompt: Option<String>,
    /// What it remembers of its peers.
    pub memory: Memory,
}

/// What an agent remembers of its peers, as `config.memory` and `config.mode` say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// Whether it looks up what it knows before it answers.
    pub recall: bool,
    /// Whether it keeps what peers tell of themselves.
    pub capture: bool,
    /// Who shares a memory.
    pub mode: Mode,
}

/// Who an agent is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// `private`: its own people. Whoever holds a key shares one memory; named peers have one each.
    Private,
    /// `shared`: people who do not know each other. Every key and every named peer has a memory of its own.
    Shared,
}

/// A setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("config.{path} {problem}")]
pub struct InvalidSetting {
    /// Where it stands, below `config`: `network.allow[2]`.
    pub path: String,
    /// What is wrong and what would be right.
    pub problem: String,
}

impl Settings {
    /// Reads the settings out of an agent's configuration.
    ///
    /// # Errors
    ///
    /// [`InvalidSetting`] for the first key that Roost acts on and cannot read.
    pub fn read(config: &Map<String, Value>) -> Result<Self, InvalidSetting> {
        let network = object(config, "network")?;
        Ok(Self {
            profile: match text(config, "policy")? {
                None => Profile::Standard,
                Some(name) => {
                    name.parse().map_err(|error| invalid("policy", format!("is wrong: {error}")))?
                }
            },
            network: NetworkRules {
                allow: hosts(network, "allow")?,
                allow_private: hosts(network, "allowPrivate")?,
                ..NetworkRules::default()
            },
            budget: budget(config)?,
            max_rounds: whole(config, "maxRounds", 1, 200, 40)?,
            idle_after: Duration::from_secs(whole(config, "idleSeconds", 1, 86_400, 300)?.into()),
            approval_ttl: Duration::from_secs(
                whole(config, "approvalTtlSeconds", 1, 2_592_000, 86_400)?.into(),
            ),
            system_prompt: system_prompt(config)?,
            memory: memory(config)?,
        })
    }
}

fn invalid(path: impl Into<String>, problem: impl Into<String>) -> InvalidSetting {
    InvalidSetting { path: path.into(), problem: problem.into() }
}

fn text<'a>(config: &'a Map<String, Value>, key: &str) -> Result<Option<&'a str>, InvalidSetting> {
    match config.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(invalid(key, "must be a text")),
    }
}

fn object<'a>(
    config: &'a Map<String, Value>,
    key: &str,
) -> Result<Option<&'a Map<String, Value>>, InvalidSetting> {
    match config.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(map)) => Ok(Some(map)),
        Some(_) => Err(invalid(key, "must be an object")),
    }
}

fn whole(
    config: &Map<String, Value>,
    key: &str,
    min: u32,
    max: u32,
    default: u32,
) -> Result<u32, InvalidSetting> {
    match config.get(key) {
        None | Some(Value::Null) => Ok(default),
        Some(value) => value
            .as_u64()
            .and_then(|n| u32::try_from(n).ok())
            .filter(|n| (min..=max).contains(n))
            .ok_or_else(|| invalid(key, format!("must be a whole number from {min} to {max}"))),
    }
}

fn hosts(network: Option<&Map<String, Value>>, key: &str) -> Result<Vec<HostRule>, InvalidSetting> {
    let path = |index: usize| format!("network.{key}[{index}]");
    match network.and_then(|map| map.get(key)) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(items)) => items
            .iter()
            .enumerate()
            .map(|(index, item)| {
                let text = item.as_str().ok_or_else(|| invalid(path(index), "must be a text"))?;
                text.parse().map_err(|error| invalid(path(index), format!("is wrong: {error}")))
            })
            .collect(),
        Some(_) => Err(invalid(format!("network.{key}"), "must be a list of host names")),
    }
}

fn budget(config: &Map<String, Value>) -> Result<Option<MicroUsd>, InvalidSetting> {
    const LARGEST_USD: f64 = 1_000_000_000.0;
    match config.get("budgetUsd") {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_f64() {
            #[expect(clippy::cast_possible_truncation, reason = "bounded just above, far inside i64")]
            Some(usd) if (0.0..=LARGEST_USD).contains(&usd) => {
                Ok(Some(MicroUsd((usd * 1_000_000.0).round() as i64)))
            }
            _ => Err(invalid("budgetUsd", "must be a number of dollars from 0 to 1,000,000,000")),
        },
    }
}

fn memory(config: &Map<String, Value>) -> Result<Memory, InvalidSetting> {
    let memory = object(config, "memory")?;
    let flag = |key: &str| match memory.and_then(|memory| memory.get(key)) {
        None | Some(Value::Null) => Ok(true),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(_) => Err(invalid(format!("memory.{key}"), "must be true or false")),
    };
    let mode = match text(config, "mode")? {
        None | Some("private") => Mode::Private,
        Some("shared") => Mode::Shared,
        Some(_) => return Err(invalid("mode", "must be private or shared")),
    };
    Ok(Memory { recall: flag("recall")?, capture: flag("capture")?, mode })
}

fn system_prompt(config: &Map<String, Value>) -> Result<Option<String>, InvalidSetting> {
    match text(config, "systemPrompt")? {
        Some(prompt) if prompt.chars().count() > 20_000 => {
            Err(invalid("systemPrompt", "must have at most 20,000 characters"))
        }
        prompt => Ok(prompt.map(str::to_owned)),
    }
}
