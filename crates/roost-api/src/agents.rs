//! Agents.

mod channels;
mod create;
mod lifecycle;
mod list;
mod logs;
mod one;
pub(crate) mod secrets;
mod status;
mod wire;

pub(crate) use create::*;
pub(crate) use lifecycle::*;
pub(crate) use list::*;
pub(crate) use logs::*;
pub(crate) use one::*;
pub(crate) use status::*;
pub(crate) use wire::{AgentDetails, AgentSummary};

use std::fmt::Display;
use std::str::FromStr;

use roost_core::Error;
use roost_domain::id::SwarmId;
use roost_http::Failure;
use serde_json::{Map, Value};

/// Reads a text that names something.
fn parsed<T: FromStr<Err: Display>>(field: &str, text: Option<String>) -> Result<Option<T>, Failure> {
    text.map(|text| text.parse().map_err(|error| Failure::invalid(field, error))).transpose()
}

/// Reads the id of a swarm. What is none names no swarm.
fn swarm(id: Option<String>) -> Result<Option<SwarmId>, Failure> {
    let unknown = |id: String| Error::not_found("swarm", id.chars().take(80).collect::<String>());
    Ok(id.map(|id| id.parse().map_err(|_| unknown(id))).transpose()?)
}

/// Puts the policy where the configuration has it.
fn with_policy(
    mut config: Map<String, Value>,
    policy: Option<String>,
) -> Result<Map<String, Value>, Failure> {
    if let Some(policy) = policy.map(Value::String) {
        match config.get("policy") {
            Some(other) if *other != policy => {
                return Err(Failure::invalid("policy", "and config.policy differ; give one of them"));
            }
            Some(_) | None => config.insert("policy".to_owned(), policy),
        };
    }
    Ok(config)
}
