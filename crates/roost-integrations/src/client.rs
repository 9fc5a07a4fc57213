//! Sends requests to services, over connections of their own that can end at checked addresses and nowhere else.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use reqwest::{Method, Response, header};
use roost_domain::network::{Host, NetworkRules};
use roost_ports::integrations::Error;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;
use tokio::time::{Instant, timeout_at};
use url::Url;

const AGENT: &str = concat!("roost/", env!("CARGO_PKG_VERSION"));
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Finds the addresses of DNS names.
#[async_trait]
pub trait Resolver: Send + Sync {
    /// Returns the addresses of a name, best first; empty if it has none.
    ///
    /// # Errors
    ///
    /// What the name service answered instead.
    ///
    /// # Cancel
    ///
    /// Safe.
    async fn resolve(&self, name: &str) -> std::io::Result<Vec<IpAddr>>;
}

/// The host's own name service, which also reads `/etc/hosts`.
#[derive(Debug, Clone, Copy)]
pub struct SystemResolver;

#[async_trait]
impl Resolver for SystemResolver {
    async fn resolve(&self, name: &str) -> std::io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect())
    }
}

/// Whose certificates are trusted.
#[derive(Debug, Clone)]
pub enum Roots {
    /// Those the host trusts.
    System,
    /// Those the host trusts, and these.
    SystemAnd(Vec<CertificateDer<'static>>),
}

/// A request.
pub(crate) struct Sent {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// An answer, read to its end.
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Vec<u8>,
}

pub(crate) struct Client {
    resolver: Arc<dyn Resolver>,
    roots: Roots,
    rules: NetworkRules,
    /// Read at the first request over TLS, since reading the host's certificates takes longer than starting the
    /// server.
    tls: OnceLock<ClientConfig>,
}

impl Client {
    pub(crate) fn new(resolver: Arc<dyn Resolver>, roots: Roots, rules: NetworkRules) -> Self {
        Self { resolver, roots, rules, tls: OnceLock::new() }
    }

    /// Tells whether what comes from there may come without TLS: from this very machine, or from where the server's
    /// owner lists.
    pub(crate) fn may_be_plain(&self, url: &Url) -> bool {
        if matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]")) {
            return true;
        }
        let host: Option<Host> = url.host_str().and_then(|host| host.parse().ok());
        let port = url.port_or_known_default().unwrap_or(443);
        host.is_some_and(|host| self.rules.allow_private.iter().any(|rule| rule.matches(&host, port)))
    }

    /// Sends a request and reads the answer until the deadline, at most `cap` bytes of it. Follows no redirect.
    pub(crate) async fn send(&self, sent: Sent, cap: usize, deadline: Instant) -> Result<Answered, Error> {
        let place = place(&sent.url)?;
        match timeout_at(deadline, self.exchange(sent, &place, cap)).await {
            Ok(answered) => answered,
            Err(_) => Err(Error::NoAnswer(format!("{place} did not answer in time"))),
        }
    }

    async fn exchange(&self, sent: Sent, place: &str, cap: usize) -> Result<Answered, Error> {
        let addresses = self.addresses(&sent.url).await?;
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(self.tls(sent.url.scheme()).await?)
            .dns_resolver(Pinned(addresses))
            .no_proxy()
            .redirect(Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            .no_gzip()
            .no_brotli()
            .no_deflate()
            .no_zstd()
            .http1_only()
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_max_idle_per_host(0)
            .build()
            .map_err(|error| Error::NoAnswer(format!("the request cannot be made: {}", causes(error))))?;
        let mut request = client.request(sent.method, sent.url).header(header::USER_AGENT, AGENT);
        request = request.headers(sent.headers);
        if !sent.body.is_empty() {
            request = request.body(sent.body);
        }
        let response = request.send().await.map_err(|error| {
            let act = if error.is_connect() { "cannot connect to" } else { "no answer from" };
            Error::NoAnswer(format!("{act} {place}: {}", causes(error)))
        })?;
        read(response, place, cap).await
    }

    async fn addresses(&self, url: &Url) -> Result<Vec<SocketAddr>, Error> {
        let host: Host = url
            .host_str()
            .and_then(|host| host.parse().ok())
            .ok_or_else(|| Error::NoAnswer("the address names no host".to_owned()))?;
        let port = url.port_or_known_default().unwrap_or(443);
        let found =
            match &host {
                Host::Address(address) => vec![*address],
                Host::Name(name) => self.resolver.resolve(name).await.map_err(|error| {
                    Error::NoAnswer(format!("the name {host} cannot be resolved: {error}"))
                })?,
            };
        let Some(first) = found.first() else {
            return Err(Error::NoAnswer(format!("the name {host} has no address")));
        };
        let permitted: Vec<_> = found
            .iter()
            .filter(|address| self.rules.permits_address(&host, port, **address))
            .map(|address| SocketAddr::new(*address, port))
            .collect();
        if permitted.is_empty() {
            let place = match &host {
                Host::Name(_) => format!("{host}:{port} resolves to {first}, which"),
                Host::Address(_) => format!("{host}:{port}"),
            };
            return Err(Error::NotPublic { place });
        }
        Ok(permitted)
    }

    async fn tls(&self, scheme: &str) -> Result<ClientConfig, Error> {
        let failed = |why: String| Error::NoAnswer(format!("TLS cannot be set up: {why}"));
        if scheme != "https" {
            // The client wants a configuration for plain connections too; this one trusts nobody.
            return trusting_nobody().map_err(|error| failed(error.to_string()));
        }
        if let Some(ready) = self.tls.get() {
            return Ok(ready.clone());
        }
        let roots = self.roots.clone();
        let made = tokio::task::spawn_blocking(move || trusting(roots))
            .await
            .map_err(|error| failed(error.to_string()))?
            .map_err(|error| failed(error.to_string()))?;
        Ok(self.tls.get_or_init(|| made).clone())
    }
}

/// Returns host and port: all of a URL that may be told.
pub(crate) fn place(url: &Url) -> Result<String, Error> {
    let host = url.host_str().ok_or_else(|| Error::NoAnswer("the address names no host".to_owned()))?;
    if !matches!(url.scheme(), "https" | "http") || !url.username().is_empty() || url.password().is_some() {
        return Err(Error::NoAnswer(format!(
            "the address of {host} must be https, without user or password"
        )));
    }
    Ok(format!("{host}:{}", url.port_or_known_default().unwrap_or(443)))
}

async fn read(mut response: Response, place: &str, cap: usize) -> Result<Answered, Error> {
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(None) => return Ok(Answered { status, headers, body }),
            Ok(Some(chunk)) if body.len() + chunk.len() > cap => {
                return Err(Error::NoAnswer(format!("the answer of {place} is larger than {cap} bytes")));
            }
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Err(error) => {
                return Err(Error::NoAnswer(format!("the answer of {place} broke off: {}", causes(error))));
            }
        }
    }
}

/// Reads the host's certificates; blocks.
fn trusting(roots: Roots) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(ring::default_provider());
    let verifier = match roots {
        Roots::System => Verifier::new(Arc::clone(&provider)),
        Roots::SystemAnd(more) => Verifier::new_with_extra_roots(more, Arc::clone(&provider)),
    };
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier?))
        .with_no_client_auth())
}

fn trusting_nobody() -> Result<ClientConfig, rustls::Error> {
    Ok(ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth())
}

/// Resolves every name to the addresses that were checked, whatever else would resolve it.
struct Pinned(Vec<SocketAddr>);

impl Resolve for Pinned {
    fn resolve(&self, _: Name) -> Resolving {
        let addresses: Addrs = Box::new(self.0.clone().into_iter());
        Box::pin(std::future::ready(Ok(addresses)))
    }
}

/// Tells why a request failed, without its URL, which may hold a secret.
fn causes(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut next = std::error::Error::source(&error);
    let mut texts = Vec::new();
    while let Some(cause) = next {
        texts.push(cause.to_string());
        next = cause.source();
    }
    if texts.is_empty() { error.to_string() } else { texts.join(": ") }
}
