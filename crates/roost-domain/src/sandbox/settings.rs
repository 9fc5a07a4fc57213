//! What a sandbox may use and touch: read from what was asked for, field by field.

use std::time::Duration;

use super::{CODE_DIRECTORY, Mode};
use crate::files::{FileRules, PathRule};
use crate::gate::Profile;
use crate::machine::Limits;
use crate::network::{HostRule, NetworkRules, within_both};
use crate::permissions::Effective;
use crate::unit::{Bytes, MilliCpus};

const CPU: (MilliCpus, MilliCpus) = (MilliCpus(10), MilliCpus::whole(4));
const MEMORY: (Bytes, Bytes) = (Bytes::mib(16), Bytes::gib(8));
const LIFETIME_MAX: u64 = 3_600;
const LIFETIME: u64 = 1_800;
const RUN_MAX: u64 = 600;
const RUN: u64 = 30;
/// The most entries of each list.
const LIST_MAX: usize = 200;
const PROCESSES: u32 = 256;

/// What somebody asked for, as it came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Requested {
    /// The image; without, `default`.
    pub image: Option<String>,
    /// What may be read only.
    pub read_only: Vec<String>,
    /// What may be read and written.
    pub read_write: Vec<String>,
    /// What may not be touched.
    pub blocked: Vec<String>,
    /// Which hosts may be reached.
    pub allow: Vec<String>,
    /// Whether all others are closed; without, they are.
    pub block_outbound: Option<bool>,
    /// CPUs: `0.5`.
    pub cpu: Option<String>,
    /// Memory: `512m`.
    pub memory: Option<String>,
    /// How long the sandbox lives, in seconds.
    pub timeout: Option<u64>,
}

/// What a sandbox may use and touch.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Its image.
    pub image: String,
    /// Which files may be touched.
    pub files: FileRules,
    /// How freely it may connect.
    pub profile: Profile,
    /// Where it may connect to.
    pub network: NetworkRules,
    /// CPU time.
    pub cpu: MilliCpus,
    /// Memory.
    pub memory: Bytes,
    /// How long it lives.
    pub lifetime: Duration,
}

/// A field that cannot be as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path} {problem}")]
pub struct InvalidField {
    /// Which field, from the top of the request: `config.resources.cpu`.
    pub path: String,
    /// What is wrong and what would be right.
    pub problem: String,
}

impl Settings {
    /// Reads what was asked for. `images` are the names that are approved.
    ///
    /// # Errors
    ///
    /// [`InvalidField`] for the first field that cannot be.
    pub fn read(mode: Mode, asked: &Requested, images: &[String]) -> Result<Self, InvalidField> {
        let image = asked.image.as_deref().unwrap_or("default");
        if !images.iter().any(|approved| approved == image) {
            let problem = format!("{image:?} is not an approved image; use one of {}", images.join(", "));
            return Err(invalid("config.image", problem));
        }
        let (profile, network) = network(mode, asked)?;
        let (least, most) = CPU;
        let cpu = quantity("config.resources.cpu", asked.cpu.as_deref(), MilliCpus::whole(1), (least, most))?;
        let memory = quantity("config.resources.memory", asked.memory.as_deref(), Bytes::mib(512), MEMORY)?;
        let lifetime = seconds("config.resources.timeout", asked.timeout, LIFETIME, LIFETIME_MAX)?;
        let files = files(asked)?;
        if mode == Mode::Wasm {
            whole_directories(&files)?;
        }
        Ok(Self { image: image.to_owned(), files, profile, network, cpu, memory, lifetime })
    }

    /// Returns the settings within what somebody's permissions leave: hosts and files that these do not permit are out
    /// of reach whatever was asked for.
    ///
    /// # Errors
    ///
    /// [`InvalidField`] where the mode cannot hold what the permissions say of files.
    pub fn within(mut self, permissions: &Effective, mode: Mode) -> Result<Self, InvalidField> {
        let (deny, confine) = permissions.hosts();
        self.network.deny.extend(deny);
        self.network.confine = match (self.network.confine, confine) {
            (Some(asked), Some(left)) => Some(within_both(&asked, &left)),
            (asked, left) => asked.or(left),
        };
        let mut files = permissions.files();
        if files.is_unrestricted() {
            return Ok(self);
        }
        if mode == Mode::Wasm {
            let problem =
                "must be container: the agent's permissions name files, which only machines hold to";
            return Err(invalid("mode", problem));
        }
        // Where the code is put is the sandbox's own.
        for layer in &mut files.within {
            let own = || format!("{CODE_DIRECTORY}/").parse::<PathRule>();
            if !layer.write.is_empty() {
                layer.write.extend(own());
            } else if !layer.read.is_empty() {
                layer.read.extend(own());
            }
        }
        self.files = FileRules::merge([files, self.files]);
        Ok(self)
    }

    /// Returns what a machine of the sandbox may use.
    pub const fn limits(&self) -> Limits {
        Limits { cpu: self.cpu, memory: self.memory, processes: PROCESSES }
    }
}

/// Reads how long a run may take, in seconds.
///
/// # Errors
///
/// [`InvalidField`] unless it is 1 to 600.
pub fn run_timeout(asked: Option<u64>) -> Result<Duration, InvalidField> {
    seconds("timeout", asked, RUN, RUN_MAX)
}

fn invalid(path: impl Into<String>, problem: impl Into<String>) -> InvalidField {
    InvalidField { path: path.into(), problem: problem.into() }
}

fn seconds(path: &str, asked: Option<u64>, usual: u64, most: u64) -> Result<Duration, InvalidField> {
    match asked {
        None => Ok(Duration::from_secs(usual)),
        Some(seconds) if (1..=most).contains(&seconds) => Ok(Duration::from_secs(seconds)),
        Some(seconds) => Err(invalid(path, format!("is {seconds}; it must be 1 to {most} seconds"))),
    }
}

fn quantity<T>(path: &str, asked: Option<&str>, usual: T, (least, most): (T, T)) -> Result<T, InvalidField>
where
    T: std::str::FromStr<Err: std::fmt::Display> + std::fmt::Display + PartialOrd,
{
    let Some(text) = asked else { return Ok(usual) };
    let value: T = text.parse().map_err(|error: T::Err| invalid(path, format!("is wrong: {error}")))?;
    if value < least || value > most {
        return Err(invalid(path, format!("is {value}; it must be {least} to {most}")));
    }
    Ok(value)
}

fn network(mode: Mode, asked: &Requested) -> Result<(Profile, NetworkRules), InvalidField> {
    let allow: Vec<HostRule> = list("config.network.allow", &asked.allow, |text| {
        text.parse().map_err(|error: crate::network::InvalidHostRule| error.to_string())
    })?;
    let open = asked.block_outbound == Some(false);
    if mode == Mode::Wasm && (open || !allow.is_empty()) {
        return Err(invalid("config.network", "must be closed in the mode wasm, which has no network"));
    }
    if open && allow.is_empty() {
        return Ok((Profile::Open, NetworkRules::default()));
    }
    let rules = NetworkRules { allow: allow.clone(), confine: Some(allow), ..NetworkRules::default() };
    Ok((Profile::Standard, rules))
}

fn files(asked: &Requested) -> Result<FileRules, InvalidField> {
    let rule = |text: &str| {
        // A plain path of a request means a directory, unless it looks like a file.
        let last = text.rsplit('/').next().unwrap_or(text);
        let text = if last.contains(['.', '*', '?', '[', '{', '\\']) || last.is_empty() {
            text.to_owned()
        } else {
            format!("{text}/")
        };
        text.parse::<PathRule>().map_err(|error| error.to_string())
    };
    let read = list("config.filesystem.read_only", &asked.read_only, rule)?;
    let scratch = |text: &&String| text.as_str() != "/tmp" && !text.starts_with("/tmp/");
    // `/tmp` is every machine's own.
    let read_write: Vec<_> = asked.read_write.iter().filter(scratch).cloned().collect();
    let mut write = list("config.filesystem.read_write", &read_write, rule)?;
    // Of the host there is nothing in a sandbox but programs and what they need to run, so what lies outside the
    // workspace needs no blocking.
    let outside = |text: &&String| {
        text.starts_with('/') && text.as_str() != "/workspace" && !text.starts_with("/workspace/")
    };
    let blocked: Vec<_> = asked.blocked.iter().filter(|text| !outside(text)).cloned().collect();
    let deny = list("config.filesystem.blocked", &blocked, rule)?;
    if !(asked.read_only.is_empty() && asked.read_write.is_empty()) {
        // Parsing what is written right here cannot fail.
        write.extend(format!("{CODE_DIRECTORY}/").parse::<PathRule>());
    }
    let rules = FileRules { read, write, deny, within: Vec::new() };
    match rules.denies(CODE_DIRECTORY) {
        None => Ok(rules),
        Some(rule) => Err(invalid(
            "config.filesystem.blocked",
            format!("has \"{rule}\", which covers {CODE_DIRECTORY}, where the code to run is put"),
        )),
    }
}

/// A WebAssembly runtime opens whole directories and can leave nothing out of them.
fn whole_directories(rules: &FileRules) -> Result<(), InvalidField> {
    let fields =
        [("config.filesystem.read_only", &rules.read), ("config.filesystem.read_write", &rules.write)];
    for (path, list) in fields {
        for rule in list {
            let directory = rule.directory();
            let Some(directory) = directory else {
                return Err(invalid(
                    path,
                    format!("has \"{rule}\"; the mode wasm takes whole directories only"),
                ));
            };
            if rules.denies_below(directory) {
                return Err(invalid(
                    "config.filesystem.blocked",
                    format!("cannot take anything out of \"{rule}\" in the mode wasm"),
                ));
            }
        }
    }
    if rules.read.is_empty() && rules.write.is_empty() && !rules.deny.is_empty() {
        return Err(invalid(
            "config.filesystem.blocked",
            "needs read_only or read_write directories beside it in the mode wasm",
        ));
    }
    Ok(())
}

fn list<T>(
    path: &str,
    texts: &[String],
    read: impl Fn(&str) -> Result<T, String>,
) -> Result<Vec<T>, InvalidField> {
    if texts.len() > LIST_MAX {
        return Err(invalid(path, format!("has {} entries; at most {LIST_MAX} are allowed", texts.len())));
    }
    let read = |(index, text): (usize, &String)| {
        read(text).map_err(|problem| invalid(format!("{path}[{index}]"), format!("is wrong: {problem}")))
    };
    texts.iter().enumerate().map(read).collect()
}
