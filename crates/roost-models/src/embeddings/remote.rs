//! Embedders that are reached over HTTP: the two vendors differ in what is sent and what comes back, nothing else.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::FutureExt;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use roost_domain::knowledge::Vector;
use roost_domain::secret::Secret;
use roost_ports::embedder::{Description, Embedder, Error, Purpose};
use roost_ports::model;
use roost_ports::random::Random;
use serde_json::Value;
use url::Url;

use super::EmbeddingOptions;
use crate::draft::Reported;
use crate::http::{Faults, Http, Outgoing, fetch, with_retries};
use crate::options::{InvalidOptions, Retries};

/// How one vendor is asked.
pub(super) struct Api {
    pub(super) description: Description,
    pub(super) url: Url,
    /// The header that carries the key, and what stands before the key there.
    pub(super) header: (HeaderName, &'static str),
    pub(super) key: Option<Secret>,
    pub(super) encode: fn(&Description, &[String], Purpose) -> Value,
    /// Returns the vectors of an answer in the order of the texts.
    pub(super) decode: fn(&Value, usize) -> Option<Vec<Vec<f32>>>,
    /// Reads the vendor's error bodies.
    pub(super) error_body: fn(u16, &Value) -> Option<Reported>,
}

/// An embedder over HTTP.
pub(super) struct Remote {
    api: Api,
    http: Http,
    retries: Retries,
    random: Arc<dyn Random>,
}

impl Remote {
    pub(super) fn new(
        api: Api,
        options: &EmbeddingOptions,
        random: Arc<dyn Random>,
    ) -> Result<Self, InvalidOptions> {
        let http = Http::new(options.timeouts, options.proxy.as_deref())?;
        Ok(Self { api, http, retries: options.retries, random })
    }

    fn headers(&self) -> Result<HeaderMap, Error> {
        let mut headers = HeaderMap::new();
        if let Some(key) = &self.api.key {
            let (name, before) = &self.api.header;
            let value = HeaderValue::try_from(format!("{before}{}", key.expose().trim()));
            let mut value =
                value.map_err(|_| self.unusable("its key holds characters that cannot be sent"))?;
            value.set_sensitive(true);
            headers.insert(name.clone(), value);
        }
        Ok(headers)
    }

    fn unusable(&self, reason: &str) -> Error {
        Error::Unusable { embedder: self.api.description.key(), reason: reason.to_owned() }
    }

    fn read(&self, answer: &Value, count: usize) -> Result<Vec<Vector>, Error> {
        let vectors = (self.api.decode)(answer, count)
            .filter(|vectors| vectors.len() == count)
            .ok_or_else(|| self.unusable("its answer holds no vectors, or not one for each text"))?;
        let dimensions = self.api.description.dimensions;
        match vectors.iter().find(|vector| vector.len() != dimensions) {
            Some(vector) => Err(self.unusable(&format!(
                "its vectors have {} dimensions and not {dimensions}; set embeddings.dimensions",
                vector.len()
            ))),
            None => Ok(vectors.into_iter().map(Vector::normalized).collect()),
        }
    }
}

#[async_trait]
impl Embedder for Remote {
    fn description(&self) -> &Description {
        &self.api.description
    }

    async fn embed(&self, texts: &[String], purpose: Purpose) -> Result<Vec<Vector>, Error> {
        if texts.is_empty() {
            return Ok(Vec::new());
        }
        if texts.len() > self.api.description.batch {
            return Err(self.unusable("too many texts at once"));
        }
        let body = (self.api.encode)(&self.api.description, texts, purpose).to_string();
        let faults = Faults::new(self.api.description.provider, &self.api.url, self.api.key.clone());
        let outgoing = Outgoing {
            url: self.api.url.clone(),
            headers: self.headers()?,
            body: Bytes::from(body),
            error_body: self.api.error_body,
        };
        let answer = with_retries(self.retries, self.random.as_ref(), || {
            fetch(&self.http, &outgoing, &faults).boxed()
        })
        .await
        .map_err(|error| {
            let (embedder, reason) = (self.api.description.key(), with_causes(&error));
            if lasts(&error) {
                Error::Unusable { embedder, reason }
            } else {
                Error::Unavailable { embedder, reason }
            }
        })?;
        self.read(&answer, texts.len())
    }
}

/// Tells whether asking again does not help.
fn lasts(error: &model::Error) -> bool {
    !error.retryable()
}

fn with_causes(error: &model::Error) -> String {
    let mut text = error.to_string();
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

/// Reads a list of numbers.
pub(super) fn numbers(value: &Value) -> Option<Vec<f32>> {
    #[expect(clippy::cast_possible_truncation, reason = "vectors are as exact as single precision")]
    let number = |value: &Value| value.as_f64().map(|number| number as f32);
    value.as_array()?.iter().map(number).collect()
}
