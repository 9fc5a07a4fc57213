use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use roost_domain::knowledge::{Vector, lexical_vector};
use roost_ports::embedder::{Description, Embedder, Error, Purpose};

/// An embedder that compares words, counts what it is asked, and fails or dawdles when a test wants it to.
#[derive(Debug)]
pub struct TestEmbedder {
    description: Description,
    make: fn(&str, usize) -> Vector,
    fails: AtomicBool,
    delay: Mutex<Duration>,
    embedded: AtomicUsize,
}

impl Default for TestEmbedder {
    fn default() -> Self {
        Self::named("words", 128)
    }
}

impl TestEmbedder {
    /// Makes one under another name and with other dimensions: another model.
    pub fn named(model: &str, dimensions: usize) -> Self {
        Self::with(model, dimensions, lexical_vector)
    }

    /// Makes one that makes its vectors so.
    pub fn with(model: &str, dimensions: usize, make: fn(&str, usize) -> Vector) -> Self {
        Self {
            make,
            description: Description {
                provider: "lexical",
                model: model.to_owned(),
                dimensions,
                batch: 100,
                related: 0.15,
                about: "The test's own.",
            },
            fails: AtomicBool::new(false),
            delay: Mutex::default(),
            embedded: AtomicUsize::new(0),
        }
    }

    /// From now on it is not there, or is there again.
    pub fn fail(&self, fails: bool) {
        self.fails.store(fails, Ordering::SeqCst);
    }

    /// From now on each call takes so long.
    pub fn dawdle(&self, delay: Duration) {
        *self.delay.lock().expect("no panic in here") = delay;
    }

    /// Returns how many texts were embedded.
    pub fn embedded(&self) -> usize {
        self.embedded.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Embedder for TestEmbedder {
    fn description(&self) -> &Description {
        &self.description
    }

    async fn embed(&self, texts: &[String], _: Purpose) -> Result<Vec<Vector>, Error> {
        let delay = *self.delay.lock().expect("no panic in here");
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        if self.fails.load(Ordering::SeqCst) {
            let embedder = self.description.key();
            return Err(Error::Unavailable { embedder, reason: "the test says so".to_owned() });
        }
        assert!(texts.len() <= self.description.batch, "too many texts at once");
        self.embedded.fetch_add(texts.len(), Ordering::SeqCst);
        Ok(texts.iter().map(|text| (self.make)(text, self.description.dimensions)).collect())
    }
}
