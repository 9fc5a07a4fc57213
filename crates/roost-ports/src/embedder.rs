//! The embedder: says what texts mean, as vectors.

use async_trait::async_trait;
use roost_domain::knowledge::Vector;

/// What a text is embedded for; some models make a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// It is to be found.
    Document,
    /// Something is to be found by it.
    Query,
}

/// What an embedder says of itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Description {
    /// Who embeds: `local`, `openai`, `gemini` or `lexical`.
    pub provider: &'static str,
    /// The model's name, as its provider calls it.
    pub model: String,
    /// How many numbers its vectors have.
    pub dimensions: usize,
    /// How many texts one call may have.
    pub batch: usize,
    /// From this cosine on, a text has something to do with a question.
    pub related: f32,
    /// What people should know of it.
    pub about: &'static str,
}

impl Description {
    /// Returns the name under which vectors are kept: those of another name, or of other dimensions, cannot be compared.
    pub fn key(&self) -> String {
        format!("{}/{}@{}", self.provider, self.model, self.dimensions)
    }
}

/// Why texts were not embedded.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Asking again may help.
    #[error("the embedder {embedder} is not there: {reason}")]
    Unavailable {
        /// Which.
        embedder: String,
        /// What went wrong.
        reason: String,
    },
    /// Asking again does not help until somebody changes something.
    #[error("the embedder {embedder} cannot be used: {reason}")]
    Unusable {
        /// Which.
        embedder: String,
        /// What went wrong.
        reason: String,
    },
}

/// Says what texts mean.
#[async_trait]
pub trait Embedder: Send + Sync {
    /// Returns what it says of itself; always the same.
    fn description(&self) -> &Description;

    /// Returns one vector for each text, in their order, each with the dimensions of [`Embedder::description`]. What is
    /// too long for the model is cut by it.
    ///
    /// # Errors
    ///
    /// [`Error`], and no vector at all; also for more texts than [`Description::batch`].
    ///
    /// # Cancel
    ///
    /// May be dropped; a provider may have been paid then.
    async fn embed(&self, texts: &[String], purpose: Purpose) -> Result<Vec<Vector>, Error>;
}
