//! What the composition root decides about models.

use std::path::PathBuf;
use std::time::Duration;

use roost_domain::model::Price;
use roost_domain::secret::Secret;
use roost_domain::unit::Tokens;

/// Where models are and how patient to be with them.
pub struct Options {
    /// `anthropic/…`; the base URL is a bare host: `https://api.anthropic.com`.
    pub anthropic: Provider,
    /// `openai/…`; the base URL ends in `/v1`: `https://api.openai.com/v1`.
    pub openai: Provider,
    /// `google/…`; the base URL is a bare host: `https://generativelanguage.googleapis.com`.
    pub google: Provider,
    /// `openrouter/…`; the base URL ends in `/v1`: `https://openrouter.ai/api/v1`.
    pub openrouter: Provider,
    /// `ollama/…`, which needs no key; the base URL ends in `/v1`: `http://127.0.0.1:11434/v1`.
    pub ollama: Provider,
    /// Further servers that speak OpenAI's Chat Completions.
    pub compatible: Vec<Compatible>,
    /// Where `scripted/NAME` finds `NAME.yaml`; without it only the built-in scripts are there.
    pub scripts_dir: Option<PathBuf>,
    /// How long to wait.
    pub timeouts: Timeouts,
    /// How often to try.
    pub retries: Retries,
    /// Prices that are not on the built-in list, or other than there; they win over it.
    pub prices: Vec<PriceEntry>,
    /// A proxy for everything but loopback, as a URL.
    pub proxy: Option<String>,
}

impl Options {
    /// Returns the vendors' own addresses without any key, and the default patience.
    pub fn vendors() -> Self {
        Self {
            anthropic: Provider::at("https://api.anthropic.com"),
            openai: Provider::at("https://api.openai.com/v1"),
            google: Provider::at("https://generativelanguage.googleapis.com"),
            openrouter: Provider::at("https://openrouter.ai/api/v1"),
            ollama: Provider::at("http://127.0.0.1:11434/v1"),
            compatible: Vec::new(),
            scripts_dir: None,
            timeouts: Timeouts::default(),
            retries: Retries::default(),
            prices: Vec::new(),
            proxy: None,
        }
    }
}

/// One provider.
pub struct Provider {
    /// Where it is; a slash at the end does not matter.
    pub base_url: String,
    /// The server's own key for it.
    pub key: Option<Secret>,
}

impl Provider {
    /// Returns the provider at an address, without a key.
    pub fn at(base_url: impl Into<String>) -> Self {
        Self { base_url: base_url.into(), key: None }
    }
}

/// A server that speaks OpenAI's Chat Completions, such as vLLM or LM Studio.
pub struct Compatible {
    /// The first part of its models' names: `[a-z0-9-]+`, not one of the built-in providers.
    pub name: String,
    /// Where it is; what comes before `/chat/completions`.
    pub base_url: String,
    /// The server's own key for it; without one, calls carry no key unless the agent has one.
    pub key: Option<Secret>,
}

/// How long to wait for a provider.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// For a connection, TLS included. Default 10 s.
    pub connect: Duration,
    /// From the request to the first byte of the answer. Default 180 s: local models load first.
    pub first_byte: Duration,
    /// Between two pieces of an answer. Default 120 s.
    pub silence: Duration,
    /// For one whole answer, however it trickles. Default 30 min.
    pub whole: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            first_byte: Duration::from_secs(180),
            silence: Duration::from_secs(120),
            whole: Duration::from_secs(1_800),
        }
    }
}

/// How often to try a call that a provider refused in passing.
#[derive(Debug, Clone, Copy)]
pub struct Retries {
    /// Tries in all, the first included; 0 counts as 1. Default 4.
    pub max_attempts: u32,
    /// The wait before the second try, without a `Retry-After`; doubles each time, up to 8 s. Default 500 ms.
    pub first_wait: Duration,
    /// The longest `Retry-After` that is waited for; a longer one ends the call at once and is handed on in the
    /// error. Default 60 s.
    pub longest_wait: Duration,
}

impl Default for Retries {
    fn default() -> Self {
        Self {
            max_attempts: 4,
            first_wait: Duration::from_millis(500),
            longest_wait: Duration::from_secs(60),
        }
    }
}

/// What one model, or a family of them, costs and can hold.
#[derive(Debug, Clone)]
pub struct PriceEntry {
    /// The beginning of the names it is for, provider included: `openai/gpt-5`. It ends where a name's part
    /// ends, so `openai/gpt-5` is also for `openai/gpt-5-2025-08-07` but not for `openai/gpt-5.5`; the longest
    /// match wins.
    pub model: String,
    /// The price per million tokens.
    pub price: Price,
    /// The most the model can read and write in one call at this price.
    pub context: Tokens,
    /// The most it can write in one call.
    pub max_output: Tokens,
}

/// Options that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InvalidOptions {
    /// A base URL that is none.
    #[error("the base URL of {provider} is not an http or https address without user, query and fragment")]
    BaseUrl {
        /// The provider.
        provider: String,
        /// What is wrong with it, where the reader of URLs says.
        #[source]
        source: Option<url::ParseError>,
    },
    /// A name that cannot be given to a compatible provider.
    #[error("{0:?} cannot name a provider: use lower-case letters, digits and dashes, and no built-in name")]
    ProviderName(String),
    /// Embeddings cannot be made as the options say.
    #[error("{0}")]
    Embeddings(String),
    /// The HTTP client cannot be built.
    #[error("the HTTP client cannot be built")]
    Client(#[source] reqwest::Error),
}
