//! A model of the BERT family in this process, such as all-MiniLM-L6-v2: read from a directory when it is first used,
//! and run on the processor.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use roost_domain::knowledge::Vector;
use roost_ports::embedder::{Description, Embedder, Error, Purpose};
use serde::Deserialize;
use tokio::sync::OnceCell;

use self::bert::Bert;
use self::tokens::Tokenizer;
use crate::options::InvalidOptions;

mod bert;
mod tokens;

/// What a model's directory holds.
pub(super) const FILES: [&str; 3] = ["config.json", "vocab.txt", "model.safetensors"];

/// An embedder in this process.
pub(super) struct Local {
    description: Description,
    directory: PathBuf,
    shape: Shape,
    model: OnceCell<Arc<Model>>,
}

struct Model {
    tokenizer: Tokenizer,
    bert: Bert,
}

/// `config.json`, as far as it matters here.
#[derive(Debug, Clone, Copy, Deserialize)]
struct Shape {
    hidden_size: usize,
    num_attention_heads: usize,
    num_hidden_layers: usize,
    max_position_embeddings: usize,
    layer_norm_eps: f32,
}

/// `sentence_bert_config.json`, as far as it matters here.
#[derive(Deserialize)]
struct Sentences {
    max_seq_length: usize,
}

/// How many tokens of a text are read where the model does not say.
const TOKENS: usize = 256;

impl Local {
    /// Finds the model in a directory.
    ///
    /// # Errors
    ///
    /// [`InvalidOptions::Embeddings`] if it is not there or no model of this family.
    pub(super) fn new(directory: &Path) -> Result<Self, InvalidOptions> {
        let wrong = |problem: String| {
            InvalidOptions::Embeddings(format!(
                "the model in {} cannot be used: {problem}",
                directory.display()
            ))
        };
        for file in FILES {
            if !directory.join(file).is_file() {
                return Err(wrong(format!("{file} is not there")));
            }
        }
        let config = std::fs::read(directory.join(FILES[0])).map_err(|error| wrong(error.to_string()))?;
        let shape: Shape = serde_json::from_slice(&config)
            .map_err(|error| wrong(format!("config.json is not one of a BERT model: {error}")))?;
        if shape.num_attention_heads == 0 || !shape.hidden_size.is_multiple_of(shape.num_attention_heads) {
            return Err(wrong("config.json names a number of heads that cannot be".to_owned()));
        }
        let named = directory.file_name().map(|name| name.to_string_lossy().into_owned());
        let description = Description {
            provider: "local",
            model: named.unwrap_or_else(|| "model".to_owned()),
            dimensions: shape.hidden_size,
            batch: 16,
            related: 0.25,
            about: "A model in this process. Nothing is sent anywhere.",
        };
        Ok(Self { description, directory: directory.to_owned(), shape, model: OnceCell::new() })
    }

    async fn model(&self) -> Result<Arc<Model>, Error> {
        let load = || async {
            let (directory, shape) = (self.directory.clone(), self.shape);
            let loaded = tokio::task::spawn_blocking(move || load(&directory, shape)).await;
            let loaded = loaded.unwrap_or_else(|error| Err(error.to_string()));
            loaded.map(Arc::new).map_err(|reason| self.unusable(reason))
        };
        self.model.get_or_try_init(load).await.cloned()
    }

    fn unusable(&self, reason: String) -> Error {
        Error::Unusable { embedder: self.description.key(), reason }
    }
}

#[async_trait]
impl Embedder for Local {
    fn description(&self) -> &Description {
        &self.description
    }

    async fn embed(&self, texts: &[String], _: Purpose) -> Result<Vec<Vector>, Error> {
        let (model, texts) = (self.model().await?, texts.to_vec());
        let work = move || -> Vec<Vector> { texts.iter().map(|text| model.embed(text)).collect() };
        tokio::task::spawn_blocking(work).await.map_err(|error| self.unusable(error.to_string()))
    }
}

impl Model {
    fn embed(&self, text: &str) -> Vector {
        Vector::normalized(self.bert.mean(&self.tokenizer.encode(text)))
    }
}

fn load(directory: &Path, shape: Shape) -> Result<Model, String> {
    let read = |file: &str| {
        std::fs::read(directory.join(file)).map_err(|error| format!("{file} cannot be read: {error}"))
    };
    let sentences = read("sentence_bert_config.json").ok(); // silent-ok: not every model has one
    let sentences: Option<Sentences> = sentences.and_then(|text| serde_json::from_slice(&text).ok()); // silent-ok: as above
    let longest = sentences.map_or(TOKENS, |config| config.max_seq_length).min(shape.max_position_embeddings);
    let vocabulary = String::from_utf8(read("vocab.txt")?).map_err(|_| "vocab.txt is no UTF-8".to_owned())?;
    let tokenizer = Tokenizer::new(&vocabulary, longest)?;
    let bert = Bert::read(&read("model.safetensors")?, shape, tokenizer.len())?;
    Ok(Model { tokenizer, bert })
}

#[cfg(test)]
mod tests;
