//! The settings of a sandbox: `{"v":1,"image":"default","read":["data/**"],…}`.

use std::time::Duration;

use roost_domain::files::{FileRules, PathRule};
use roost_domain::gate::Profile;
use roost_domain::network::{HostRule, NetworkRules};
use roost_domain::sandbox::Settings;
use roost_domain::unit::{Bytes, MilliCpus};
use serde::{Deserialize, Serialize};

const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SettingsV1 {
    v: u32,
    image: String,
    read: Vec<String>,
    write: Vec<String>,
    deny: Vec<String>,
    profile: String,
    allow: Vec<String>,
    allow_private: Vec<String>,
    deny_hosts: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    confine: Option<Vec<String>>,
    cpu_milli: u32,
    memory_bytes: u64,
    lifetime_seconds: u64,
}

/// Why settings cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreadable {
    /// It was written by a newer version of the server.
    #[error("version {0} of the record is not known, only {VERSION} is")]
    Version(u32),
    /// It is no JSON, or a field is not known. The text says which.
    #[error("{0}")]
    Shape(serde_json::Error),
    /// A field holds what cannot be.
    #[error("{0}")]
    Field(String),
}

/// Writes settings. Rules of layers above are none of a sandbox's.
pub(crate) fn encode(settings: &Settings) -> Result<String, serde_json::Error> {
    let paths = |rules: &[PathRule]| rules.iter().map(PathRule::to_string).collect();
    let hosts = |rules: &[HostRule]| rules.iter().map(HostRule::to_string).collect();
    let Settings { image, files, profile, network, cpu, memory, lifetime } = settings;
    serde_json::to_string(&SettingsV1 {
        v: VERSION,
        image: image.clone(),
        read: paths(&files.read),
        write: paths(&files.write),
        deny: paths(&files.deny),
        profile: profile.name().to_owned(),
        allow: hosts(&network.allow),
        allow_private: hosts(&network.allow_private),
        deny_hosts: hosts(&network.deny),
        confine: network.confine.as_deref().map(hosts),
        cpu_milli: cpu.0,
        memory_bytes: memory.0,
        lifetime_seconds: lifetime.as_secs(),
    })
}

/// Reads settings of any version there ever was.
pub(crate) fn decode(text: &str) -> Result<Settings, Unreadable> {
    #[derive(Deserialize)]
    struct Head {
        v: u32,
    }
    let Head { v } = serde_json::from_str(text).map_err(Unreadable::Shape)?;
    if v != VERSION {
        return Err(Unreadable::Version(v));
    }
    let record: SettingsV1 = serde_json::from_str(text).map_err(Unreadable::Shape)?;
    Ok(Settings {
        image: record.image,
        files: FileRules {
            read: all::<PathRule>(&record.read)?,
            write: all::<PathRule>(&record.write)?,
            deny: all::<PathRule>(&record.deny)?,
            within: Vec::new(),
        },
        profile: record.profile.parse::<Profile>().map_err(|error| Unreadable::Field(error.to_string()))?,
        network: NetworkRules {
            allow: all::<HostRule>(&record.allow)?,
            allow_private: all::<HostRule>(&record.allow_private)?,
            deny: all::<HostRule>(&record.deny_hosts)?,
            confine: record.confine.as_deref().map(all::<HostRule>).transpose()?,
            also: Vec::new(),
        },
        cpu: MilliCpus(record.cpu_milli),
        memory: Bytes(record.memory_bytes),
        lifetime: Duration::from_secs(record.lifetime_seconds),
    })
}

fn all<T: std::str::FromStr<Err: std::fmt::Display>>(texts: &[String]) -> Result<Vec<T>, Unreadable> {
    let read = |text: &String| text.parse().map_err(|error: T::Err| Unreadable::Field(error.to_string()));
    texts.iter().map(read).collect()
}

#[cfg(test)]
mod tests;
