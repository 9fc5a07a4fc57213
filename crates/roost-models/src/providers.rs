//! Every provider behind one port.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::FutureExt;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use roost_domain::effect::Action;
use roost_domain::gate::Permit;
use roost_domain::model::ModelName;
use roost_domain::secret::Secret;
use roost_ports::model::{Chunks, Description, Error, Models, Request};
use roost_ports::random::Random;
use serde::Serialize;
use url::Url;

use crate::draft::{Decode, estimate_input};
use crate::gemini::signatures::{self, Signatures};
use crate::http::{self, Faults, Http, Outgoing};
use crate::openai::Dialect;
use crate::options::{Compatible, InvalidOptions, Options, PriceEntry, Retries};
use crate::scripted::Scripted;
use crate::{anthropic, gemini, openai, price};

/// The names of the providers that are always there.
const BUILT_IN: [&str; 6] = ["anthropic", "openai", "google", "openrouter", "ollama", "scripted"];

/// The model of an agent whose maker named a provider but no model: the vendor's all-round one.
const USUAL: [(&str, &str); 3] = [
    ("anthropic", "anthropic/claude-sonnet-4-6"),
    ("openai", "openai/gpt-5.5"),
    ("google", "google/gemini-3.5-flash"),
];

/// All models: `anthropic/…`, `openai/…`, `google/…`, `openrouter/…`, `ollama/…`, `scripted/…` and the compatible
/// servers of the options.
pub struct Providers {
    endpoints: Vec<Endpoint>,
    scripted: Scripted,
    http: Http,
    retries: Retries,
    prices: Vec<PriceEntry>,
    signatures: Arc<Signatures>,
    random: Arc<dyn Random>,
}

/// One provider that is reached over HTTP.
struct Endpoint {
    name: String,
    wire: Wire,
    base: Url,
    key: Option<Secret>,
    access: Access,
}

#[derive(Clone, Copy)]
enum Wire {
    Anthropic,
    OpenAi(Dialect),
    Gemini,
}

/// Whether a provider can be called without a key.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    /// It cannot; the text says where the server looks for one.
    Key(&'static str),
    Open,
}

impl Providers {
    /// Makes the providers. Nothing is connected to yet.
    ///
    /// # Errors
    ///
    /// [`InvalidOptions`] naming the first option that cannot be used.
    pub fn new(options: Options, random: Arc<dyn Random>) -> Result<Self, InvalidOptions> {
        use Wire::{Anthropic, Gemini, OpenAi};
        let http = Http::new(options.timeouts, options.proxy.as_deref())?;
        let (own, compatible) = (OpenAi(Dialect::OpenAi), OpenAi(Dialect::Compatible));
        let mut endpoints = Vec::new();
        for (name, wire, provider, access) in [
            ("anthropic", Anthropic, options.anthropic, Access::Key("ANTHROPIC_API_KEY")),
            ("openai", own, options.openai, Access::Key("OPENAI_API_KEY")),
            ("google", Gemini, options.google, Access::Key("GEMINI_API_KEY")),
            ("openrouter", compatible, options.openrouter, Access::Key("OPENROUTER_API_KEY")),
            ("ollama", compatible, options.ollama, Access::Open),
        ] {
            let base = base_url(name, &provider.base_url)?;
            endpoints.push(Endpoint { name: name.to_owned(), wire, base, key: provider.key, access });
        }
        for Compatible { name, base_url: base, key } in options.compatible {
            if !can_be_provider(&name) || endpoints.iter().any(|endpoint| endpoint.name == name) {
                return Err(InvalidOptions::ProviderName(name));
            }
            let base = base_url(&name, &base)?;
            endpoints.push(Endpoint { name, wire: compatible, base, key, access: Access::Open });
        }
        Ok(Self {
            endpoints,
            scripted: Scripted::new(options.scripts_dir, options.retries),
            http,
            retries: options.retries,
            prices: options.prices,
            signatures: Arc::new(Signatures::default()),
            random,
        })
    }

    fn endpoint(&self, model: &ModelName) -> Result<&Endpoint, Error> {
        self.endpoints.iter().find(|endpoint| endpoint.name == model.provider()).ok_or_else(|| {
            let known: Vec<&str> =
                self.endpoints.iter().map(|endpoint| endpoint.name.as_str()).chain(["scripted"]).collect();
            Error::UnknownModel {
                model: model.to_string(),
                hint: format!("known providers are {}", known.join(", ")),
            }
        })
    }

    async fn call(&self, endpoint: &Endpoint, request: Request) -> Result<Chunks, Error> {
        let key = request.key.or_else(|| endpoint.key.clone());
        if key.is_none()
            && let Access::Key(variable) = endpoint.access
        {
            return Err(Error::NoKey {
                provider: endpoint.name.clone(),
                hint: format!("set {variable} for the server or give the agent a key of its own"),
            });
        }
        let model = request.model.model();
        let url = endpoint.url(model);
        let faults = Faults::new(&endpoint.name, &url, key.clone());
        let (conversation, wishes) = (&request.conversation, &request.wishes);
        let input = estimate_input(conversation);
        let headers = endpoint.headers(key.as_ref())?;
        let body = match endpoint.wire {
            Wire::Anthropic => {
                let mut request_body = anthropic::encode::request(model, conversation);
                anthropic::encode::wish(&mut request_body, wishes).map_err(|wish| Error::Refused {
                    provider: endpoint.name.clone(),
                    status: 400,
                    message: format!("it takes no wish for {wish}"),
                })?;
                to_body(&request_body)
            }
            Wire::OpenAi(dialect) => {
                let mut request_body = openai::encode::request(model, conversation, dialect);
                openai::encode::wish(&mut request_body, wishes);
                to_body(&request_body)
            }
            Wire::Gemini => {
                let mut request_body = gemini::encode::request(model, conversation, &self.signatures);
                gemini::encode::wish(&mut request_body, wishes);
                to_body(&request_body)
            }
        };
        let body =
            body.map_err(|error| faults.nonsense(&format!("the request cannot be written: {error}")))?;
        let error_body = match endpoint.wire {
            Wire::Anthropic => anthropic::decode::error_body,
            Wire::OpenAi(_) => openai::decode::error_body,
            Wire::Gemini => gemini::decode::error_body,
        };
        let outgoing = Outgoing { url, headers, body, error_body };
        http::with_retries(self.retries, self.random.as_ref(), || {
            let seed = self.seed();
            let decoder: Box<dyn Decode> = match endpoint.wire {
                Wire::Anthropic => Box::new(anthropic::decode::Decoder::new(&seed, input)),
                Wire::OpenAi(_) => Box::new(openai::decode::Decoder::new(&seed, input)),
                Wire::Gemini => {
                    let memory = (self.signatures.clone(), signatures::place(model, conversation));
                    Box::new(gemini::decode::Decoder::new(&seed, input, Some(memory)))
                }
            };
            http::send(&self.http, &outgoing, &faults, decoder).boxed()
        })
        .await
    }

    /// Makes ids unique where a provider gives none.
    fn seed(&self) -> String {
        let mut bytes = [0; 6];
        self.random.fill(&mut bytes);
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

#[async_trait]
impl Models for Providers {
    fn describe(&self, model: &ModelName) -> Result<Description, Error> {
        if model.provider() == "scripted" {
            return self.scripted.describe(model);
        }
        let endpoint = self.endpoint(model)?;
        let known = price::describe(model, &self.prices);
        // Ollama runs on hardware of one's own.
        Ok(if !known.priced && endpoint.name == "ollama" { price::free() } else { known })
    }

    fn default_model(&self, provider: &str) -> Option<ModelName> {
        let (_, usual) = USUAL.iter().find(|(name, _)| *name == provider)?;
        usual.parse().ok()
    }

    fn has_own_access(&self, model: &ModelName) -> bool {
        if model.provider() == "scripted" {
            return true;
        }
        self.endpoint(model).is_ok_and(|endpoint| endpoint.key.is_some() || endpoint.access == Access::Open)
    }

    fn listed(&self) -> Vec<ModelName> {
        const MOST: usize = 200;
        let mut names = price::names(&self.prices);
        names.extend(self.scripted.available().into_iter().filter_map(|name| name.parse().ok()));
        names.retain(|name| self.has_own_access(name));
        names.sort_by(|one, other| one.as_str().cmp(other.as_str()));
        names.dedup();
        names.truncate(MOST);
        names
    }

    async fn stream(&self, permit: &Permit, request: Request) -> Result<Chunks, Error> {
        check(permit, &request.model)?;
        if request.model.provider() == "scripted" {
            return self.scripted.stream(&request, self.random.as_ref()).await;
        }
        let endpoint = self.endpoint(&request.model)?;
        self.call(endpoint, request).await
    }
}

/// Refuses a permit that is for something else.
fn check(permit: &Permit, model: &ModelName) -> Result<(), Error> {
    if let Action::CallModel { model: permitted, .. } = permit.action()
        && permitted == model
    {
        return Ok(());
    }
    Err(Error::Refused {
        provider: "the gate".to_owned(),
        status: 403,
        message: format!("the permit is to {}, not to ask {model}", permit.action()),
    })
}

impl Endpoint {
    fn url(&self, model: &str) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty();
            match self.wire {
                Wire::Anthropic => path.extend(["v1", "messages"]),
                Wire::OpenAi(_) => path.extend(["chat", "completions"]),
                Wire::Gemini => {
                    path.extend(["v1beta", "models"]).push(&format!("{model}:streamGenerateContent"))
                }
            };
        }
        if matches!(self.wire, Wire::Gemini) {
            url.set_query(Some("alt=sse"));
        }
        url
    }

    fn headers(&self, key: Option<&Secret>) -> Result<HeaderMap, Error> {
        let mut headers = HeaderMap::new();
        if matches!(self.wire, Wire::Anthropic) {
            headers.insert("anthropic-version", HeaderValue::from_static(anthropic::VERSION));
        }
        let Some(key) = key else { return Ok(headers) };
        let (name, value) = match self.wire {
            Wire::Anthropic => (HeaderName::from_static("x-api-key"), key.expose().trim().to_owned()),
            Wire::OpenAi(_) => (AUTHORIZATION, format!("Bearer {}", key.expose().trim())),
            Wire::Gemini => (HeaderName::from_static("x-goog-api-key"), key.expose().trim().to_owned()),
        };
        let mut value = HeaderValue::try_from(value).map_err(|_| Error::NoKey {
            provider: self.name.clone(),
            hint: "the one that was given holds characters that cannot be sent".to_owned(),
        })?;
        value.set_sensitive(true);
        headers.insert(name, value);
        Ok(headers)
    }
}

pub(crate) fn base_url(provider: &str, text: &str) -> Result<Url, InvalidOptions> {
    let invalid = |source| InvalidOptions::BaseUrl { provider: provider.to_owned(), source };
    let url = Url::parse(text.trim()).map_err(|error| invalid(Some(error)))?;
    let plain = ["http", "https"].contains(&url.scheme())
        && url.has_host()
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    if plain { Ok(url) } else { Err(invalid(None)) }
}

fn can_be_provider(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !BUILT_IN.contains(&name)
}

fn to_body(request: &impl Serialize) -> Result<Bytes, serde_json::Error> {
    serde_json::to_vec(request).map(Bytes::from)
}

#[cfg(test)]
mod tests;
