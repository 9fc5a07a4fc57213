use async_trait::async_trait;
use roost_domain::knowledge::{Vector, lexical_vector};
use roost_ports::embedder::{Description, Embedder, Error, Purpose};

/// How many numbers a vector has.
const DIMENSIONS: usize = 384;

/// Embeds by words alone.
pub(super) struct Lexical(Description);

impl Default for Lexical {
    fn default() -> Self {
        Self(Description {
            provider: "lexical",
            model: "words-1".to_owned(),
            dimensions: DIMENSIONS,
            batch: 256,
            related: 0.15,
            about: "No model: texts are near each other when they share words. It knows no synonyms and no other \
                    languages. Put a model where embeddings.path says, or choose a provider.",
        })
    }
}

#[async_trait]
impl Embedder for Lexical {
    fn description(&self) -> &Description {
        &self.0
    }

    async fn embed(&self, texts: &[String], _: Purpose) -> Result<Vec<Vector>, Error> {
        Ok(texts.iter().map(|text| lexical_vector(text, DIMENSIONS)).collect())
    }
}
