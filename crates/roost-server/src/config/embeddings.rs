//! What the configuration says about embeddings, as `roost-models` takes it.

use roost_models::{Choice, EmbeddingOptions, Provider};

use super::file::EmbeddingProvider;
use super::{Config, ConfigError};

impl Config {
    /// Returns the options of the embedder.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Setting`] if a setting of the models is wrong.
    pub(crate) fn embedding_options(&self) -> Result<EmbeddingOptions, ConfigError> {
        let models = self.model_options()?;
        let embeddings = &self.file.embeddings;
        let openai = match &embeddings.base_url {
            Some(base_url) => Provider {
                base_url: base_url.clone(),
                key: embeddings.api_key_env.as_deref().and_then(|name| self.environment.secret(&[name])),
            },
            None => models.openai,
        };
        Ok(EmbeddingOptions {
            choice: match embeddings.provider {
                EmbeddingProvider::Auto => Choice::Auto,
                EmbeddingProvider::Local => Choice::Local,
                EmbeddingProvider::Openai => Choice::OpenAi,
                EmbeddingProvider::Gemini => Choice::Gemini,
                EmbeddingProvider::Lexical => Choice::Lexical,
            },
            path: embeddings.path.clone().unwrap_or_else(|| self.data.join("models/all-MiniLM-L6-v2")),
            model: embeddings.model.clone(),
            dimensions: embeddings.dimensions,
            openai,
            google: models.google,
            timeouts: models.timeouts,
            retries: models.retries,
            proxy: models.proxy,
        })
    }
}
