//! Sends one request over a connection of its own.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use reqwest::{Response, header};
use roost_domain::network::NetworkRules;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;

use super::resolve::{Resolver, SystemResolver, permitted};
use super::{Hop, Target};
use crate::workspace::{Failed, chain};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const USER_AGENT: &str = concat!("roost/", env!("CARGO_PKG_VERSION"));

/// How requests reach the outside.
#[derive(Clone)]
pub struct HttpOptions {
    /// Finds the addresses of names.
    pub resolver: Arc<dyn Resolver>,
    /// Whose certificates are trusted.
    pub roots: Roots,
}

impl HttpOptions {
    /// Uses the host's name service and the certificates it trusts.
    pub fn system() -> Self {
        Self { resolver: Arc::new(SystemResolver), roots: Roots::System }
    }
}

impl fmt::Debug for HttpOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpOptions").field("roots", &self.roots).finish_non_exhaustive()
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

/// Sends requests. Keeps nothing between them but the TLS configuration: a connection that one agent's rules
/// permitted is never there for another.
pub(crate) struct Client {
    options: HttpOptions,
    /// Read at the first request, since reading the host's certificates takes longer than starting the server.
    tls: OnceLock<ClientConfig>,
}

impl Client {
    pub(crate) fn new(options: HttpOptions) -> Self {
        Self { options, tls: OnceLock::new() }
    }

    /// Sends one request and returns the answer's head. Does not follow redirects.
    pub(super) async fn send(&self, hop: &Hop, rules: &NetworkRules) -> Result<Response, Failed> {
        let addresses = permitted(self.options.resolver.as_ref(), &hop.target, rules).await?;
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(self.tls(&hop.target).await?)
            .dns_resolver(Pinned(addresses))
            .no_proxy()
            .redirect(Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            // Other crates may turn decompression on for all; here a small answer must not become a large one.
            .no_gzip()
            .no_brotli()
            .no_deflate()
            .no_zstd()
            .http1_only()
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_max_idle_per_host(0)
            .build()
            .map_err(|error| {
                Failed(format!("the request cannot be made: {}", chain(&error.without_url())))
            })?;
        let mut request = client.request(hop.method.clone(), hop.target.url.clone());
        if !hop.headers.contains_key(header::USER_AGENT) {
            request = request.header(header::USER_AGENT, USER_AGENT);
        }
        request = request.headers(hop.headers.clone());
        if let Some(body) = &hop.body {
            request = request.body(body.clone());
        }
        request.send().await.map_err(|error| {
            let (host, port) = (&hop.target.host, hop.target.port);
            let act = if error.is_connect() { "cannot connect to" } else { "no answer from" };
            Failed(format!("{act} {host}:{port}: {}", causes(error)))
        })
    }

    async fn tls(&self, target: &Target) -> Result<ClientConfig, Failed> {
        if target.url.scheme() != "https" {
            // The client wants a configuration for plain connections too; this one trusts nobody.
            return trusting_nobody().map_err(|error| Failed(format!("TLS cannot be set up: {error}")));
        }
        if let Some(ready) = self.tls.get() {
            return Ok(ready.clone());
        }
        let roots = self.options.roots.clone();
        let made = tokio::task::spawn_blocking(move || trusting(roots))
            .await
            .map_err(|error| Failed(format!("TLS cannot be set up: {}", chain(&error))))?
            .map_err(|error| Failed(format!("TLS cannot be set up: {}", chain(&error))))?;
        Ok(self.tls.get_or_init(|| made).clone())
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
pub(super) fn causes(error: reqwest::Error) -> String {
    let error = error.without_url();
    match std::error::Error::source(&error) {
        Some(cause) => chain(cause),
        None => error.to_string(),
    }
}
