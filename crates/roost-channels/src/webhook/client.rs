//! Sends one message over a connection of its own, which can end at the checked addresses and nowhere else.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, USER_AGENT};
use reqwest::redirect::Policy;
use reqwest::{RequestBuilder, Response};
use roost_domain::network::NetworkRules;
use roost_ports::webhooks::{Answer, SendError, WebhookRequest};
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;
use tokio::time::{Instant, timeout_at};

use super::sign::signatures;
use super::target::{Resolver, Target};

const AGENT: &str = concat!("roost/", env!("CARGO_PKG_VERSION"));

/// How much of an answer's body is read, so that the endpoint can write it in peace, and thrown away.
const BODY_CAP: usize = 16 * 1024;

/// Whose certificates are trusted.
#[derive(Debug, Clone)]
pub enum Roots {
    /// Those the host trusts.
    System,
    /// Those the host trusts, and these.
    SystemAnd(Vec<CertificateDer<'static>>),
}

pub(super) struct Client {
    resolver: Arc<dyn Resolver>,
    roots: Roots,
    /// Read at the first message over TLS, since reading the host's certificates takes longer than starting the
    /// server.
    tls: OnceLock<ClientConfig>,
}

impl Client {
    pub(super) fn new(resolver: Arc<dyn Resolver>, roots: Roots) -> Self {
        Self { resolver, roots, tls: OnceLock::new() }
    }

    pub(super) async fn send(
        &self,
        target: Target,
        request: WebhookRequest,
        rules: &NetworkRules,
        deadline: Instant,
    ) -> Result<Answer, SendError> {
        let addresses = target.addresses(&*self.resolver, rules).await?;
        let place = target.place();
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(self.tls(target.url.scheme()).await?)
            .dns_resolver(Pinned(addresses))
            .no_proxy()
            .redirect(Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            .http1_only()
            .pool_max_idle_per_host(0)
            .build()
            .map_err(|error| SendError::NoAnswer(format!("the request cannot be made: {}", causes(error))))?;
        let post = signed(client.post(target.url), request)?;
        let response = post.send().await.map_err(|error| {
            let act = if error.is_connect() { "cannot connect to" } else { "no answer from" };
            SendError::NoAnswer(format!("{act} {place}: {}", causes(error)))
        })?;
        let answer = Answer { status: response.status().as_u16(), retry_after: retry_after(&response) };
        drain(response, deadline).await;
        Ok(answer)
    }

    async fn tls(&self, scheme: &str) -> Result<ClientConfig, SendError> {
        let failed = |why: String| SendError::NoAnswer(format!("TLS cannot be set up: {why}"));
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

fn signed(post: RequestBuilder, request: WebhookRequest) -> Result<RequestBuilder, SendError> {
    let (id, timestamp) = (request.id.to_string(), request.at.as_second().to_string());
    let signature = signatures(&request.secrets, &id, &timestamp, &request.body);
    let signature = signature.and_then(|signature| HeaderValue::try_from(signature).ok());
    let mut signature = signature
        .ok_or_else(|| SendError::NoAnswer("the endpoint's secret cannot sign; rotate it".to_owned()))?;
    signature.set_sensitive(true);
    Ok(post
        .header(CONTENT_TYPE, "application/json")
        .header(USER_AGENT, AGENT)
        .header("webhook-id", id)
        .header("webhook-timestamp", timestamp)
        .header("webhook-signature", signature)
        .body(request.body))
}

/// Reads how long the endpoint wants to be left alone, where it says so in seconds.
fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// Reads the body to its end, the cap or the deadline. The status counts, whatever becomes of the body.
async fn drain(mut response: Response, deadline: Instant) {
    let mut read = 0;
    while read < BODY_CAP
        && let Ok(Ok(Some(chunk))) = timeout_at(deadline, response.chunk()).await
    {
        read += chunk.len();
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
