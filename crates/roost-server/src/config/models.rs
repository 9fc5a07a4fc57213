//! What the configuration says about models, as `roost-models` and `roost-core` take it.

use roost_domain::model::{ModelName, Price};
use roost_domain::secret::Secret;
use roost_domain::unit::{MicroUsd, Tokens};
use roost_models::{Compatible, Options, PriceEntry, Provider, Retries, Timeouts};
use roost_ports::model::Models;

use super::{Config, ConfigError, file};

impl Config {
    /// Returns the options of the model providers.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Setting`] if a price is no amount of money.
    pub(crate) fn model_options(&self) -> Result<Options, ConfigError> {
        let models = &self.file.models;
        let provider = |base_url: &str, key: Option<&Secret>| Provider {
            base_url: base_url.to_owned(),
            key: key.cloned(),
        };
        Ok(Options {
            anthropic: provider(&models.anthropic.base_url, self.keys.anthropic.as_ref()),
            openai: provider(&models.openai.base_url, self.keys.openai.as_ref()),
            google: provider(&models.google.base_url, self.keys.google.as_ref()),
            openrouter: provider(&models.openrouter.base_url, self.keys.openrouter.as_ref()),
            ollama: provider(&models.ollama.base_url, None),
            compatible: models.compatible.iter().map(|entry| self.compatible(entry)).collect(),
            scripts_dir: models.scripts.clone(),
            timeouts: Timeouts {
                connect: models.timeouts.connect.0,
                first_byte: models.timeouts.first_byte.0,
                silence: models.timeouts.silence.0,
                whole: models.timeouts.whole.0,
            },
            retries: Retries {
                max_attempts: models.retries.max_attempts,
                first_wait: models.retries.first_wait.0,
                longest_wait: models.retries.longest_wait.0,
            },
            prices: models.prices.iter().map(price).collect::<Result<_, _>>()?,
            proxy: models.proxy.clone(),
        })
    }

    fn compatible(&self, entry: &file::Compatible) -> Compatible {
        Compatible {
            name: entry.name.clone(),
            base_url: entry.base_url.clone(),
            key: entry.api_key_env.as_deref().and_then(|name| self.environment.secret(&[name])),
        }
    }

    /// Returns the model of agents that name none: the one that was named, or the usual one of the first
    /// provider whose key is in the environment, or the one that the command falls back on.
    pub(crate) fn default_model(&self, models: &dyn Models) -> Option<ModelName> {
        let with_keys = [
            ("anthropic", &self.keys.anthropic),
            ("openai", &self.keys.openai),
            ("google", &self.keys.google),
            ("openrouter", &self.keys.openrouter),
        ];
        let usual = || {
            with_keys
                .into_iter()
                .filter(|(_, key)| key.is_some())
                .find_map(|(provider, _)| models.default_model(provider))
        };
        self.named_model().or_else(usual).or_else(|| self.fallback_model.clone())
    }
}

fn price(entry: &file::PriceEntry) -> Result<PriceEntry, ConfigError> {
    if entry.model.is_empty() {
        return Err(ConfigError::Setting {
            setting: "models.prices",
            problem: "each entry needs `model`, the beginning of the names it is for".to_owned(),
        });
    }
    let amount = |key: &str, usd: f64| {
        micro_usd(usd).ok_or_else(|| ConfigError::Setting {
            setting: "models.prices",
            problem: format!(
                "{key} of {} must be dollars per million tokens, from 0 to 1,000,000",
                entry.model
            ),
        })
    };
    Ok(PriceEntry {
        model: entry.model.clone(),
        price: Price {
            input: amount("input_usd", entry.input_usd)?,
            cached: amount("cached_usd", entry.cached_usd)?,
            cache_written: amount("cache_written_usd", entry.cache_written_usd)?,
            output: amount("output_usd", entry.output_usd)?,
        },
        context: Tokens(entry.context),
        max_output: Tokens(entry.max_output),
    })
}

pub(super) fn micro_usd(usd: f64) -> Option<MicroUsd> {
    #[expect(clippy::cast_possible_truncation, reason = "bounded just before, far inside i64")]
    (0.0..=1_000_000.0).contains(&usd).then(|| MicroUsd((usd * 1_000_000.0).round() as i64))
}
