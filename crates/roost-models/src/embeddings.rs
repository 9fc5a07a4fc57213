//! Embedders: a model in this process, the services of two vendors, and words alone where there is neither.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use roost_ports::embedder::Embedder;
use roost_ports::random::Random;

use crate::options::{InvalidOptions, Provider, Retries, Timeouts};

mod gemini;
mod lexical;
mod local;
mod openai;
mod remote;

/// Who embeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// The local model if its directory is there, else words alone. Nothing is sent anywhere.
    Auto,
    /// The local model.
    Local,
    /// OpenAI, or another server that speaks its `/embeddings`.
    OpenAi,
    /// Gemini.
    Gemini,
    /// Words alone.
    Lexical,
}

/// What the composition root decides about embeddings.
pub struct EmbeddingOptions {
    /// Who embeds.
    pub choice: Choice,
    /// Where the local model is: a directory with `config.json`, `vocab.txt` and `model.safetensors`.
    pub path: PathBuf,
    /// The model of OpenAI or Gemini; the vendor's usual one without.
    pub model: Option<String>,
    /// How many numbers a vector has, where the model lets one choose; a small number of its usual ones without.
    pub dimensions: Option<usize>,
    /// OpenAI, or a server like it.
    pub openai: Provider,
    /// Gemini.
    pub google: Provider,
    /// How long to wait.
    pub timeouts: Timeouts,
    /// How often to try.
    pub retries: Retries,
    /// A proxy for everything but loopback, as a URL.
    pub proxy: Option<String>,
}

/// Makes the embedder that was chosen. A local model is read when it is first used.
///
/// # Errors
///
/// [`InvalidOptions`] says what is wrong with the options, or with the local model's directory.
pub fn embedder(
    options: &EmbeddingOptions,
    random: Arc<dyn Random>,
) -> Result<Arc<dyn Embedder>, InvalidOptions> {
    Ok(match options.choice {
        Choice::Auto if local_model_is_there(&options.path) => Arc::new(local::Local::new(&options.path)?),
        Choice::Local => Arc::new(local::Local::new(&options.path)?),
        Choice::OpenAi => Arc::new(remote::Remote::new(openai::api(options)?, options, random)?),
        Choice::Gemini => Arc::new(remote::Remote::new(gemini::api(options)?, options, random)?),
        Choice::Auto | Choice::Lexical => Arc::new(lexical::Lexical::default()),
    })
}

/// Tells whether a directory holds a model.
fn local_model_is_there(path: &Path) -> bool {
    local::FILES.iter().all(|file| path.join(file).is_file())
}

#[cfg(test)]
mod tests;
