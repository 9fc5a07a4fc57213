//! Configuration: `roost.toml`, the environment and the command line, read once and put together here.
//!
//! A flag wins over the environment, the environment over the file, the file over the default. The file's
//! sections stand in [`mod@file`]; the reference page `docs/configuration.md` is written from them by a test.

use std::path::{Path, PathBuf};

use roost_domain::model::ModelName;
use roost_domain::secret::Secret;

mod embeddings;
mod environment;
pub(crate) mod file;
mod models;
mod name;
mod plans;
pub(crate) mod quantity;
#[cfg(test)]
mod reference;
mod section;
mod uids;

pub(crate) use environment::Environment;
use file::File;

/// Everything that was decided outside the program.
pub(crate) struct Config {
    /// The file it came from, if there was one.
    pub(crate) source: Option<PathBuf>,
    /// The data directory.
    pub(crate) data: PathBuf,
    /// The master key, where the environment holds it.
    pub(crate) master_key: Option<Secret>,
    /// The providers' keys.
    pub(crate) keys: ProviderKeys,
    /// The file's options, with flags and environment applied.
    pub(crate) file: File,
    /// The model that the command line names.
    flagged_model: Option<ModelName>,
    /// The model of agents that name none where there is no better one.
    fallback_model: Option<ModelName>,
    /// Whether the data directory is where commands look for it when nobody says.
    data_is_usual: bool,
    environment: Environment,
}

/// The keys that the environment holds.
#[derive(Default)]
pub(crate) struct ProviderKeys {
    pub(crate) anthropic: Option<Secret>,
    pub(crate) openai: Option<Secret>,
    pub(crate) google: Option<Secret>,
    pub(crate) openrouter: Option<Secret>,
}

/// What the command line decides.
#[derive(Debug, Clone, Default)]
pub(crate) struct Flags {
    pub(crate) config: Option<PathBuf>,
    pub(crate) listen: Option<String>,
    pub(crate) data: Option<PathBuf>,
    pub(crate) model: Option<ModelName>,
    /// The model of agents that name none where nothing else says one.
    pub(crate) fallback_model: Option<ModelName>,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// The file was named but cannot be read.
    #[error("the configuration file {} cannot be read; check the path given with --config or ROOST_CONFIG", path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// The file is wrong.
    #[error("{}, line {line}: {problem}\n  {text}\nAll options: docs/configuration.md", path.display())]
    Invalid { path: PathBuf, line: usize, text: String, problem: String },
    /// A value that can come from several places is wrong.
    #[error("{setting}: {problem}")]
    Setting { setting: &'static str, problem: String },
}

impl Config {
    /// Reads the configuration.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] names the file, the line and the key, or the setting.
    pub(crate) fn load(flags: &Flags, environment: &Environment) -> Result<Self, ConfigError> {
        let (source, mut file) = match find(flags, environment) {
            Some(path) => {
                let file = read(&path)?;
                (Some(path), file)
            }
            None => (None, File::default()),
        };
        let beside = source.as_deref().and_then(Path::parent).map(Path::to_owned).unwrap_or_default();
        file.data = file.data.map(|path| beside.join(path));
        file.models.scripts = file.models.scripts.map(|path| beside.join(path));
        file.skills.catalog = file.skills.catalog.map(|path| beside.join(path));
        file.sandboxes.python_wasm = file.sandboxes.python_wasm.map(|path| beside.join(path));
        file.openclaw.path = file.openclaw.path.map(|path| beside.join(path));
        overlay(&mut file, environment);
        if let Some(listen) = &flags.listen {
            file.listen.clone_from(listen);
        }
        if let Some(model) = &flags.model {
            file.models.default = Some(name::Name(model.clone()));
        }
        check_listen(&file.listen)?;
        Ok(Self {
            source,
            data: data_dir(flags.data.clone().or_else(|| file.data.clone()), environment),
            data_is_usual: flags.data.is_none() && flags.config.is_none(),
            flagged_model: flags.model.clone(),
            fallback_model: flags.fallback_model.clone(),
            master_key: environment.secret(&["ROOST_MASTER_KEY"]),
            keys: ProviderKeys {
                anthropic: environment.secret(&["ANTHROPIC_API_KEY"]),
                openai: environment.secret(&["OPENAI_API_KEY"]),
                google: environment.secret(&["GEMINI_API_KEY", "GOOGLE_API_KEY"]),
                openrouter: environment.secret(&["OPENROUTER_API_KEY"]),
            },
            file,
            environment: environment.clone(),
        })
    }

    /// Returns the default model that somebody named.
    fn named_model(&self) -> Option<ModelName> {
        self.file.models.default.as_ref().map(|name| name.0.clone())
    }

    /// Returns the model that the command line names.
    pub(crate) fn flagged_model(&self) -> Option<ModelName> {
        self.flagged_model.clone()
    }

    /// Tells whether commands find the data directory without being told.
    pub(crate) const fn data_is_usual(&self) -> bool {
        self.data_is_usual
    }
}

/// Returns the data directory: the one that was named, or the user's own.
fn data_dir(named: Option<PathBuf>, environment: &Environment) -> PathBuf {
    named
        .or_else(|| {
            environment.path("XDG_DATA_HOME").filter(|path| path.is_absolute()).map(|path| path.join("roost"))
        })
        .or_else(|| environment.path("HOME").map(|home| home.join(".local/share/roost")))
        .unwrap_or_else(|| PathBuf::from("roost-data"))
}

/// Returns the configuration file: the one that was named, or the first of the usual places that has one.
fn find(flags: &Flags, environment: &Environment) -> Option<PathBuf> {
    let named = flags.config.clone().or_else(|| environment.path("ROOST_CONFIG"));
    let user = || {
        environment
            .path("XDG_CONFIG_HOME")
            .filter(|path| path.is_absolute())
            .or_else(|| environment.path("HOME").map(|home| home.join(".config")))
            .map(|directory| directory.join("roost/roost.toml"))
    };
    named.or_else(|| {
        [Some(PathBuf::from("roost.toml")), user()].into_iter().flatten().find(|path| path.is_file())
    })
}

fn read(path: &Path) -> Result<File, ConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
    parse(path, &text)
}

fn parse(path: &Path, text: &str) -> Result<File, ConfigError> {
    toml::from_str(text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start).min(text.len());
        let line = text[..start].matches('\n').count();
        ConfigError::Invalid {
            path: path.to_owned(),
            line: line + 1,
            text: shown(text.lines().nth(line).unwrap_or_default()),
            problem: error
                .message()
                .trim()
                .replace("unknown field", "unknown key")
                .replace("expected one of", "use one of"),
        }
    })
}

/// Returns a line of the file for a message. Where it seems to hold a secret, only what comes before the value.
fn shown(line: &str) -> String {
    let line = line.trim();
    match line.split_once('=') {
        Some((key, _)) if ["key", "token", "secret", "password"].iter().any(|word| key.contains(word)) => {
            format!("{}= …", key)
        }
        _ => line.chars().take(160).collect(),
    }
}

/// Lets the environment's variables win over the file.
fn overlay(file: &mut File, environment: &Environment) {
    let texts = [
        (&mut file.listen, ["ROOST_LISTEN", ""]),
        (&mut file.models.anthropic.base_url, ["ANTHROPIC_BASE_URL", ""]),
        (&mut file.models.openai.base_url, ["OPENAI_BASE_URL", ""]),
        (&mut file.models.google.base_url, ["GEMINI_BASE_URL", "GOOGLE_GEMINI_BASE_URL"]),
    ];
    for (option, variables) in texts {
        if let Some(text) = environment.first(&variables) {
            text.clone_into(option);
        }
    }
    if let Some(filter) = environment.first(&["ROOST_LOG", "RUST_LOG"]) {
        file.log.filter = Some(filter.to_owned());
    }
    if let Some(data) = environment.path("ROOST_DATA") {
        file.data = Some(data);
    }
    if file.models.proxy.is_none() {
        let proxy = environment.first(&["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]);
        file.models.proxy = proxy.map(str::to_owned);
    }
}

fn check_listen(listen: &str) -> Result<(), ConfigError> {
    let port = listen
        .rsplit_once(':')
        .filter(|(host, _)| !host.is_empty())
        .and_then(|(_, port)| port.parse::<u16>().ok());
    match port {
        Some(_) => Ok(()),
        None => Err(ConfigError::Setting {
            setting: "listen",
            problem: format!("{listen:?} is not an address; write host:port, for example 127.0.0.1:7700"),
        }),
    }
}

#[cfg(test)]
mod tests;
