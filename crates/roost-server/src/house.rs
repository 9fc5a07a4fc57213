//! The composition root: which adapter stands behind which port.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use roost_channels::{WebhookOptions, Webhooks};
use roost_core::{Core, Ctx, Ports, Principal, Regions, Settings};
use roost_domain::unit::Tokens;
use roost_integrations::Services;
use roost_models::Providers;
use roost_ports::clock::Clock;
use roost_ports::machine::Machines;
use roost_ports::model::Models;
use roost_ports::random::Random;
use roost_reader::Documents;
use roost_runtime::{ConnectionInbox, ConnectionNotes};
use roost_scan::CodeScanner;
use roost_skills::{RegistryOptions, Skills};
use roost_store::{DataDir, Database, MasterKey, SealedVault};
use roost_tools::{BuiltinTools, HttpOptions};

use crate::config::file::{self, File};
use crate::config::{Config, ConfigError};
use crate::system::{SystemClock, SystemRandom};
use crate::{machines, openclaw, server, wasm};

/// Everything behind a [`Core`], and what has to be ended in order when the server ends.
pub(crate) struct House {
    pub(crate) core: Core,
    pub(crate) database: Arc<Database>,
    pub(crate) machines: Arc<dyn Machines>,
    pub(crate) models: Arc<dyn Models>,
    /// What machines try to reach, for the runtime to write down.
    pub(crate) connections: Option<ConnectionInbox>,
}

/// What agents of this process can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Machinery {
    /// Everything: the process is the server.
    Server,
    /// Nothing: the process only looks into the data directory, beside a server or without one.
    None,
}

impl House {
    /// Puts everything together in a data directory that is there.
    ///
    /// # Errors
    ///
    /// If the configuration, the master key, the database or this machine does not allow it.
    ///
    /// # Parameters
    ///
    /// `door` is where this server answers the model calls of hosted runtimes, if it hosts any; `address` is where it
    /// listens, if it does.
    pub(crate) async fn open(
        config: &Config,
        machinery: Machinery,
        door: Option<SocketAddr>,
        address: Option<SocketAddr>,
    ) -> anyhow::Result<Self> {
        let random: Arc<dyn Random> = Arc::new(SystemRandom);
        let master = master_key(config, &*random)?;
        let database = Arc::new(Database::open(store_options(config))?);
        let models: Arc<dyn Models> = Arc::new(
            Providers::new(config.model_options()?, random.clone()).context("the models cannot be used")?,
        );
        let wasm = wasm::runner(config, machinery)?;
        let (machines, connections) = match machinery {
            Machinery::None => (machines::none(), None),
            Machinery::Server => {
                let (notes, inbox) = ConnectionNotes::channel();
                (machines::open(config, Arc::new(notes)).await?, Some(inbox))
            }
        };
        let ports = Ports {
            store: database.clone(),
            vault: Arc::new(SealedVault::new(master, random.clone())),
            machines: machines.clone(),
            runtimes: Arc::new(openclaw::gateways(config, machines.clone(), random.clone(), door)),
            models: models.clone(),
            tools: Arc::new(BuiltinTools::new(machines.clone(), HttpOptions::system())),
            wasm,
            scanner: Arc::new(CodeScanner),
            embedder: roost_models::embedder(&config.embedding_options()?, random.clone())
                .context("knowledge cannot be embedded")?,
            reader: Arc::new(Documents::reading_pdfs_with("/proc/self/exe".into())),
            skills: Arc::new(Skills::new(skill_options(config)?)),
            integrations: Arc::new(Services::new(integration_options(config)?)),
            webhooks: Arc::new(Webhooks::new(webhook_options(config)?)),
            clock: Arc::new(SystemClock::default()) as Arc<dyn Clock>,
            random,
        };
        let core = Core::new(ports, settings(config, &*models, public_url(config, address)?)?);
        Ok(Self { core, database, machines, models, connections })
    }

    /// Returns the context in which the server's owner acts, with the first account made if there is none.
    ///
    /// # Errors
    ///
    /// If the store fails.
    pub(crate) async fn owner(&self) -> anyhow::Result<Ctx> {
        let account = self.core.keys().owner_account("main").await?;
        let now = self.core.now();
        Ok(Ctx {
            principal: Principal::Owner(account),
            request_id: "command-line".to_owned(),
            now,
            deadline: now + std::time::Duration::from_secs(60),
        })
    }

    /// Writes what is queued and closes the database.
    ///
    /// # Errors
    ///
    /// If the closing thread dies.
    pub(crate) async fn close(self) -> anyhow::Result<()> {
        let database = self.database;
        tokio::task::spawn_blocking(move || database.close()).await.context("the database did not close well")
    }
}

/// Returns where others reach this server.
fn public_url(config: &Config, address: Option<SocketAddr>) -> Result<String, ConfigError> {
    let Some(text) = &config.file.server.public_url else {
        return Ok(address.map_or_else(|| format!("http://{}", config.file.listen), server::url));
    };
    let invalid = |problem| ConfigError::Setting { setting: "server.public_url", problem };
    let url: url::Url = text.parse().map_err(|error| invalid(format!("{text:?}: {error}")))?;
    let plain = url.query().is_none() && url.fragment().is_none() && url.password().is_none();
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() || !plain {
        return Err(invalid(format!("{text:?} is no http or https URL without query and password")));
    }
    Ok(text.trim_end_matches('/').to_owned())
}

fn settings(config: &Config, models: &dyn Models, public_url: String) -> Result<Settings, ConfigError> {
    let limits = &config.file.limits;
    Ok(Settings {
        public_url,
        default_model: config.default_model(models),
        max_output: Tokens(limits.max_output_tokens),
        max_input: Tokens(limits.max_input_tokens),
        max_open_turns: limits.max_open_turns,
        max_open_runs: limits.max_open_runs,
        max_queued_runs: limits.max_queued_runs,
        max_agents: limits.max_agents,
        max_snapshots: limits.max_snapshots,
        regions: regions(&config.file),
        strict_layers: config.file.machines.strict_layers.clone(),
        max_sandboxes: config.file.sandboxes.max_per_account,
        sandbox_images: config.file.sandboxes.images.clone(),
        max_knowledge_entries: config.file.knowledge.max_entries,
        knowledge_memory_bytes: usize::try_from(config.file.knowledge.memory.0.0).unwrap_or(usize::MAX),
        skill_approval_below: u8::try_from(config.file.skills.approval_below).unwrap_or(100),
        hook_requests_per_minute: hook_requests(config.file.triggers.requests_per_minute)?,
        caller_wait: Settings::default().caller_wait,
        plans: config.plans()?,
    })
}

fn hook_requests(per_minute: u32) -> Result<u32, ConfigError> {
    let problem = || "must be at least 1".to_owned();
    let setting = "triggers.requests_per_minute";
    (per_minute > 0).then_some(per_minute).ok_or_else(|| ConfigError::Setting { setting, problem: problem() })
}

fn regions(file: &File) -> Regions {
    let file::Regions { eu, us } = &file.regions;
    Regions { host: file.server.host.clone(), eu: eu.hosts.clone(), us: us.hosts.clone() }
}
fn skill_options(config: &Config) -> Result<roost_skills::Options, ConfigError> {
    let skills = &config.file.skills;
    let invalid = |problem: String| ConfigError::Setting { setting: "skills.clawhub_url", problem };
    let registry = match skills.clawhub_url.trim() {
        "" => None,
        text => {
            let url: url::Url = text.parse().map_err(|error| invalid(format!("{text:?}: {error}")))?;
            if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
                return Err(invalid(format!("{text:?} is no http or https URL")));
            }
            Some(RegistryOptions { url, timeout: skills.clawhub_timeout.0 })
        }
    };
    Ok(roost_skills::Options { catalog: skills.catalog.clone(), starter: skills.starter, registry })
}

fn webhook_options(config: &Config) -> Result<WebhookOptions, ConfigError> {
    let rule = |text: &String| {
        text.parse().map_err(|error| ConfigError::Setting {
            setting: "webhooks.allow_private",
            problem: format!("{error}"),
        })
    };
    let rules = config.file.webhooks.allow_private.iter().map(rule).collect::<Result<_, _>>()?;
    Ok(WebhookOptions::system(rules))
}

fn integration_options(config: &Config) -> Result<roost_integrations::Options, ConfigError> {
    let rule = |text: &String| {
        text.parse().map_err(|error| ConfigError::Setting {
            setting: "integrations.allow_private",
            problem: format!("{error}"),
        })
    };
    let rules = config.file.integrations.allow_private.iter().map(rule).collect::<Result<_, _>>()?;
    Ok(roost_integrations::Options::system(rules))
}

fn store_options(config: &Config) -> roost_store::Options {
    let store = &config.file.store;
    roost_store::Options {
        readers: store.readers.max(1),
        cache_bytes: u32::try_from(store.cache.0.0).unwrap_or(u32::MAX),
        wal_bytes: store.log_size.0.0,
        ..roost_store::Options::new(DataDir::database_in(&config.data))
    }
}

/// Returns the master key: from the environment, else from the data directory.
///
/// # Errors
///
/// If the key is none, or its file cannot be used.
pub(crate) fn master_key(config: &Config, random: &dyn Random) -> anyhow::Result<MasterKey> {
    match &config.master_key {
        Some(text) => MasterKey::parse(text).context("ROOST_MASTER_KEY cannot be used"),
        None => Ok(MasterKey::load_or_create(Path::new(&config.data), random)?),
    }
}
