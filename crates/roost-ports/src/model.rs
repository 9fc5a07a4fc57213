//! Models: who thinks.

use std::time::Duration;

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use roost_domain::agent::FailureCategory;
use roost_domain::conversation::{Answer, Conversation, Wishes};
use roost_domain::gate::Permit;
use roost_domain::model::{ModelName, Price};
use roost_domain::secret::Secret;
use roost_domain::unit::Tokens;

/// Asks models of any provider.
#[async_trait]
pub trait Models: Send + Sync {
    /// Returns what is known of a model without asking its provider.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownModel`] if no configured provider serves the name.
    fn describe(&self, model: &ModelName) -> Result<Description, Error>;

    /// Returns the model to use where somebody names a provider but no model; `None` if the provider has no
    /// usual one.
    fn default_model(&self, provider: &str) -> Option<ModelName>;

    /// Tells whether the server has credentials of its own for the model's provider, or needs none.
    fn has_own_access(&self, model: &ModelName) -> bool;

    /// Returns models that can be asked with what the server has, by name, at most 200. There may be more that a
    /// provider knows and no list here.
    fn listed(&self) -> Vec<ModelName>;

    /// Asks a model. The stream gives the text as it is written and ends with one [`Chunk::End`] that holds the
    /// whole answer; a stream that ends without it gives [`Error::Broken`] as its last item, never a half
    /// answer as a whole one.
    ///
    /// Refusals that a provider marks as passing (429, 500, 502, 503, 504, 529, connection failures) are tried
    /// again here, with backoff and as `Retry-After` says, as long as nothing of the answer was received.
    ///
    /// # Errors
    ///
    /// [`Error`] if the provider did not begin an answer.
    ///
    /// # Cancel
    ///
    /// Dropping the future or the stream closes the connection; the provider may still charge.
    async fn stream(&self, permit: &Permit, request: Request) -> Result<Chunks, Error>;
}

/// What is known of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Description {
    /// What it costs; [`Price::FREE`] where no price is listed.
    pub price: Price,
    /// Whether the price is known rather than assumed to be nothing.
    pub priced: bool,
    /// The most it can read and write in one call.
    pub context: Tokens,
    /// The most it can write in one call.
    pub max_output: Tokens,
}

/// One call.
#[derive(Clone)]
pub struct Request {
    /// The model.
    pub model: ModelName,
    /// What it reads.
    pub conversation: Conversation,
    /// How its caller wants it to answer. What the provider has no word for is refused as [`Error::Refused`], never
    /// left out.
    pub wishes: Wishes,
    /// The agent's own key for the provider; `None` uses the server's.
    pub key: Option<Secret>,
}

/// A model's answer as it is written.
pub type Chunks = BoxStream<'static, Result<Chunk, Error>>;

/// One piece of an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Chunk {
    /// More text.
    Text(String),
    /// The whole answer; nothing follows.
    End(Answer),
}

/// Why a model did not answer. Messages never hold credentials.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No configured provider serves the name.
    #[error("no provider serves {model}; {hint}")]
    UnknownModel {
        /// The name.
        model: String,
        /// What would be right, for example the known providers.
        hint: String,
    },
    /// Neither the agent nor the server has a key for the provider.
    #[error("there is no key for {provider}; {hint}")]
    NoKey {
        /// The provider.
        provider: String,
        /// Where to put one.
        hint: String,
    },
    /// The provider refused the key.
    #[error("{provider} refused the key (HTTP {status}): {message}")]
    Auth {
        /// The provider.
        provider: String,
        /// The HTTP status.
        status: u16,
        /// What it said, shortened.
        message: String,
    },
    /// The provider's limits are used up, also after the retries.
    #[error("{provider} is limiting requests: {message}")]
    RateLimited {
        /// The provider.
        provider: String,
        /// When it may help to ask again.
        retry_after: Option<Duration>,
        /// What it said, shortened.
        message: String,
    },
    /// The provider did not accept the request.
    #[error("{provider} refused the request (HTTP {status}): {message}")]
    Refused {
        /// The provider.
        provider: String,
        /// The HTTP status.
        status: u16,
        /// What it said, shortened.
        message: String,
    },
    /// The provider failed, also after the retries.
    #[error("{provider} failed (HTTP {status}): {message}")]
    Failed {
        /// The provider.
        provider: String,
        /// The HTTP status.
        status: u16,
        /// What it said, shortened.
        message: String,
    },
    /// The provider cannot be reached.
    #[error("{provider} cannot be reached at {url}")]
    Unreachable {
        /// The provider.
        provider: String,
        /// Where it was looked for, without query and credentials.
        url: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Nothing came for too long.
    #[error("{provider} was silent for {} s", silence.as_secs())]
    Timeout {
        /// The provider.
        provider: String,
        /// For how long.
        silence: Duration,
    },
    /// The answer ended in the middle.
    #[error("the answer of {provider} broke off")]
    Broken {
        /// The provider.
        provider: String,
    },
    /// The runtime that the agent is hosted in was not told, as it is not there.
    #[error("the agent's {runtime} did not answer: {problem}")]
    Runtime {
        /// Which.
        runtime: &'static str,
        /// What is known of it.
        problem: String,
    },
    /// The runtime that the agent is hosted in was told, and nobody knows what it did then. To say it again by itself
    /// could do it twice.
    #[error(
        "the agent's {runtime} did not answer to the end: {problem}. It may have done what it was asked, or a part; \
         send the message again if it is wanted"
    )]
    OutcomeUnknown {
        /// Which.
        runtime: &'static str,
        /// What is known of it.
        problem: String,
    },
    /// The answer is not of the provider's documented form.
    #[error("{provider} answered something that is not of its documented form: {problem}")]
    Nonsense {
        /// The provider.
        provider: String,
        /// Where and what.
        problem: String,
    },
}

impl Error {
    /// Returns the stable code for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::UnknownModel { .. } => "unknown_model",
            Self::NoKey { .. } => "model_key_missing",
            Self::Auth { .. } => "model_auth",
            Self::RateLimited { .. } => "model_rate_limited",
            Self::Refused { .. } => "model_refused_request",
            Self::Failed { .. } => "model_failed",
            Self::Unreachable { .. } => "model_unreachable",
            Self::Timeout { .. } => "model_timeout",
            Self::Broken { .. } => "model_stream_broken",
            Self::Runtime { .. } => "runtime_unavailable",
            Self::OutcomeUnknown { .. } => "outcome_unknown",
            Self::Nonsense { .. } => "model_nonsense",
        }
    }

    /// Tells whether the same call may succeed a little later.
    pub const fn retryable(&self) -> bool {
        match self {
            Self::RateLimited { .. }
            | Self::Failed { .. }
            | Self::Unreachable { .. }
            | Self::Timeout { .. }
            | Self::Runtime { .. }
            | Self::Broken { .. } => true,
            Self::UnknownModel { .. }
            | Self::NoKey { .. }
            | Self::Auth { .. }
            | Self::Refused { .. }
            | Self::OutcomeUnknown { .. }
            | Self::Nonsense { .. } => false,
        }
    }

    /// Returns whose problem it is.
    pub const fn category(&self) -> FailureCategory {
        match self {
            Self::UnknownModel { .. } | Self::Refused { .. } => FailureCategory::Config,
            Self::NoKey { .. } | Self::Auth { .. } => FailureCategory::Auth,
            Self::RateLimited { .. } => FailureCategory::Quota,
            Self::Runtime { .. } | Self::OutcomeUnknown { .. } => FailureCategory::Machine,
            Self::Failed { .. }
            | Self::Unreachable { .. }
            | Self::Timeout { .. }
            | Self::Broken { .. }
            | Self::Nonsense { .. } => FailureCategory::Provider,
        }
    }
}
