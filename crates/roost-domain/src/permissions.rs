//! Permissions: what an agent can reach at all, in four layers: tools, data, network, compute.
//!
//! A policy says what an agent does by itself; permissions are the walls around that. What they deny is denied
//! whatever a policy, a profile or a person allows. An agent inherits those of its account and of its swarm:
//! denials add up, and what a layer lists as allowed every layer has to list.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::network::HostRule;
use crate::policy::{InvalidDocument, Place, ToolPattern};
use crate::subject::Subject;

mod data;
mod effective;
mod patch;

pub use data::{Data, InvalidPathGlob, PathGlob};
pub use effective::{Denial, Effective};
pub use patch::Patch;

/// The permissions of one subject, without those it inherits.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Permissions {
    /// Tools.
    pub tools: Tools,
    /// Files of the workspace.
    pub data: Data,
    /// Hosts.
    pub network: Network,
    /// How much one run may use.
    pub compute: Compute,
}

/// Which tools.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tools {
    /// These and no others; empty is any.
    pub allow: Vec<ToolPattern>,
    /// Never these.
    pub block: Vec<ToolPattern>,
}

/// Which hosts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Network {
    /// These and no others; empty is any, unless `block_outbound`.
    pub allow: Vec<HostRule>,
    /// Never these. `*` is as good as `block_outbound`.
    pub deny: Vec<HostRule>,
    /// No host but those in `allow`, also where `allow` is empty.
    pub block_outbound: bool,
}

/// How much one run (a turn, where the agent is hosted here) may use; `None` is without limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Compute {
    /// Tokens read and written.
    pub max_tokens_per_run: Option<u64>,
    /// Tool calls.
    pub max_tool_calls_per_run: Option<u64>,
    /// Time since it began.
    pub max_runtime: Option<Duration>,
}

impl Permissions {
    /// Reads the permissions' document. Fields left out are empty: nothing listed, nothing denied, no limit.
    /// `agent_id` may be there and must then name `subject`; `version` and `updated_at` are not looked at, so that
    /// what was read can be sent back.
    ///
    /// # Errors
    ///
    /// [`InvalidDocument`] for the first thing that cannot be used.
    pub fn read(document: &Value, subject: &Subject) -> Result<Self, InvalidDocument> {
        let top = Place::Top("the permissions");
        let map = top.object(document)?;
        top.only(map, &["agent_id", "version", "updated_at", "tools", "data", "network", "compute"])?;
        if let Some(named) = map.get("agent_id").filter(|value| !value.is_null())
            && named.as_str() != Some(subject.as_str())
        {
            return Err(top.below("agent_id").error(format!("must be {:?} or left out", subject.as_str())));
        }
        let (tools, data) = (top.below("tools"), top.below("data"));
        let (network, compute) = (top.below("network"), top.below("compute"));
        let section = |place: &Place<'_>, key: &str, known: &[&str]| match map.get(key) {
            None | Some(Value::Null) => Ok(Map::new()),
            Some(value) => {
                let section = place.object(value)?;
                place.only(section, known).map(|()| section.clone())
            }
        };
        let in_tools = section(&tools, "tools", &["allow", "block"])?;
        let in_data = section(&data, "data", &["read", "write", "deny"])?;
        let in_network = section(&network, "network", &["allow", "deny", "block_outbound"])?;
        let in_compute = section(&compute, "compute", &Compute::KEYS)?;
        Ok(Self {
            tools: Tools {
                allow: tools.parsed(&in_tools, "allow")?,
                block: tools.parsed(&in_tools, "block")?,
            },
            data: Data {
                read: data.parsed(&in_data, "read")?,
                write: data.parsed(&in_data, "write")?,
                deny: data.parsed(&in_data, "deny")?,
            },
            network: Network {
                allow: network.parsed(&in_network, "allow")?,
                deny: network.parsed(&in_network, "deny")?,
                block_outbound: flag(&network, &in_network, "block_outbound")?.unwrap_or(false),
            },
            compute: Compute::default().changed(&compute, &in_compute)?,
        })
    }

    /// Writes the permissions as a document that reads back as the same permissions.
    pub fn to_document(&self) -> Value {
        json!({
            "tools": {"allow": texts(&self.tools.allow), "block": texts(&self.tools.block)},
            "data": {
                "read": texts(&self.data.read),
                "write": texts(&self.data.write),
                "deny": texts(&self.data.deny),
            },
            "network": {
                "allow": texts(&self.network.allow),
                "deny": texts(&self.network.deny),
                "block_outbound": self.network.block_outbound,
            },
            "compute": {
                "max_tokens_per_run": self.compute.max_tokens_per_run,
                "max_tool_calls_per_run": self.compute.max_tool_calls_per_run,
                "max_runtime_seconds": self.compute.max_runtime.map(|time| time.as_secs()),
            },
        })
    }
}

impl Compute {
    const KEYS: [&str; 3] = ["max_tokens_per_run", "max_tool_calls_per_run", "max_runtime_seconds"];

    /// Returns it with what a document says of it; null takes a limit away.
    fn changed(mut self, place: &Place<'_>, map: &Map<String, Value>) -> Result<Self, InvalidDocument> {
        const MOST: u64 = 1_000_000_000_000;
        let limit = |key: &'static str, before: Option<u64>| match map.get(key) {
            None => Ok(before),
            Some(Value::Null) => Ok(None),
            Some(value) => place.below(key).whole(value, 0, MOST).map(Some),
        };
        self.max_tokens_per_run = limit("max_tokens_per_run", self.max_tokens_per_run)?;
        self.max_tool_calls_per_run = limit("max_tool_calls_per_run", self.max_tool_calls_per_run)?;
        let seconds = limit("max_runtime_seconds", self.max_runtime.map(|time| time.as_secs()))?;
        self.max_runtime = seconds.map(Duration::from_secs);
        Ok(self)
    }
}

fn flag(place: &Place<'_>, map: &Map<String, Value>, key: &str) -> Result<Option<bool>, InvalidDocument> {
    match map.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(_) => Err(place.below(key).error("must be true or false")),
    }
}

fn texts<T: std::fmt::Display>(list: &[T]) -> Vec<String> {
    list.iter().map(T::to_string).collect()
}

/// What kind of access to a file is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Access {
    /// Looking at it.
    Read,
    /// Changing it.
    Write,
}

#[cfg(test)]
mod tests;
