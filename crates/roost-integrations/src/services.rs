//! The port: everything that is known of services, and how they are spoken with.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use reqwest::Method;
use reqwest::header::{ACCEPT, HeaderMap, HeaderValue, LOCATION};
use roost_domain::integration::{Description, Fault, Integration, IntegrationName};
use roost_domain::network::{HostRule, NetworkRules};
use roost_domain::secret::Secret;
use roost_ports::integrations::{
    Ask, BadDescription, DESCRIPTION_MAX_BYTES, Error, Integrations, OAuthClient, Tokens,
};
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use url::Url;

use crate::client::{Answered, Client, Resolver, Roots, Sent, SystemResolver};
use crate::{catalog, check, oauth, openapi};

/// How far a document may have moved.
const REDIRECTS_MAX: usize = 5;

/// How many documents are read at once.
const READ_AT_ONCE: usize = 2;

/// How services are reached.
#[derive(Clone)]
pub struct Options {
    /// Hosts that may be spoken with even where they stand for private, loopback, link-local or metadata addresses.
    pub allow_private: Vec<HostRule>,
    /// How long a service may take to answer.
    pub timeout: Duration,
    /// How long a description may take to come.
    pub fetch_timeout: Duration,
    /// Finds the addresses of names.
    pub resolver: Arc<dyn Resolver>,
    /// Whose certificates are trusted.
    pub roots: Roots,
}

impl Options {
    /// Uses the host's name service and the certificates it trusts, and gives services 20 seconds.
    pub fn system(allow_private: Vec<HostRule>) -> Self {
        Self {
            allow_private,
            timeout: Duration::from_secs(20),
            fetch_timeout: Duration::from_secs(60),
            resolver: Arc::new(SystemResolver),
            roots: Roots::System,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("allow_private", &self.allow_private)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// Knows services and speaks with them.
pub struct Services {
    catalog: OnceLock<Vec<Integration>>,
    client: Client,
    timeout: Duration,
    fetch_timeout: Duration,
    /// Documents that are read at once: each takes a processor and much memory.
    reading: Arc<Semaphore>,
}

impl Services {
    /// Makes them. Nothing is read or connected to before something is asked.
    pub fn new(options: Options) -> Self {
        let rules = NetworkRules { allow_private: options.allow_private, ..NetworkRules::default() };
        Self {
            catalog: OnceLock::new(),
            client: Client::new(options.resolver, options.roots, rules),
            timeout: options.timeout,
            fetch_timeout: options.fetch_timeout,
            reading: Arc::new(Semaphore::new(READ_AT_ONCE)),
        }
    }

    async fn get(&self, url: Url, deadline: Instant) -> Result<Answered, Error> {
        let mut headers = HeaderMap::new();
        headers
            .insert(ACCEPT, HeaderValue::from_static("application/json, application/yaml, text/yaml, */*"));
        let sent = Sent { method: Method::GET, url, headers, body: Vec::new() };
        self.client.send(sent, DESCRIPTION_MAX_BYTES, deadline).await
    }
}

#[async_trait]
impl Integrations for Services {
    fn catalog(&self) -> &[Integration] {
        self.catalog.get_or_init(catalog::read)
    }

    fn authorization(&self, client: &OAuthClient, ask: &Ask<'_>) -> Result<String, Error> {
        oauth::authorization(client, ask)
    }

    async fn exchange(
        &self,
        client: &OAuthClient,
        code: &Secret,
        verifier: Option<&Secret>,
    ) -> Result<Tokens, Error> {
        oauth::exchange(&self.client, client, code, verifier, Instant::now() + self.timeout).await
    }

    async fn refresh(&self, client: &OAuthClient, refresh: &Secret) -> Result<Tokens, Error> {
        oauth::refresh(&self.client, client, refresh, Instant::now() + self.timeout).await
    }

    async fn revoke(&self, client: &OAuthClient, token: &Secret) -> Result<bool, Error> {
        oauth::revoke(&self.client, client, token, Instant::now() + self.timeout).await
    }

    async fn fetch(&self, url: &str) -> Result<String, Error> {
        let no = |problem: String| Error::NoAnswer(problem);
        let deadline = Instant::now() + self.fetch_timeout;
        let mut url = Url::parse(url).map_err(|error| no(format!("the address is no URL: {error}")))?;
        for _ in 0..=REDIRECTS_MAX {
            if url.scheme() != "https" && !self.client.may_be_plain(&url) {
                return Err(no("the document's address must begin with https://".to_owned()));
            }
            let answered = self.get(url.clone(), deadline).await?;
            if !(300..400).contains(&answered.status) {
                if answered.status != 200 {
                    return Err(no(format!("the document's server answered {}", answered.status)));
                }
                return String::from_utf8(answered.body)
                    .map_err(|_| no("the document is no text".to_owned()));
            }
            let to = answered.headers.get(LOCATION).and_then(|to| to.to_str().ok());
            let next = to.and_then(|to| url.join(to).ok());
            let next = next.ok_or_else(|| no("the document's server points to nowhere".to_owned()))?;
            if url.scheme() == "https" && next.scheme() != "https" {
                return Err(no("the document's server points from https to http".to_owned()));
            }
            url = next;
        }
        Err(no(format!("the document has moved more than {REDIRECTS_MAX} times")))
    }

    async fn describe(&self, name: &IntegrationName, text: String) -> Result<Description, BadDescription> {
        let name = name.clone();
        let place = Arc::clone(&self.reading).acquire_owned().await;
        // The place is held until the reading is over, though whoever asked may have gone.
        let read = tokio::task::spawn_blocking(move || {
            let read = openapi::read(&name, &text);
            drop(place);
            read
        });
        read.await
            .unwrap_or_else(|error| Err(BadDescription(format!("the document cannot be read: {error}"))))
    }

    fn check(&self, schema: &Value, arguments: &Value) -> Result<(), Vec<Fault>> {
        check::check(schema, arguments)
    }
}
