//! The client of ClawHub, the public registry of skills.
//!
//! **Source:** ClawHub's "HTTP API" (docs/http-api.md of openclaw/clawhub): `/api/v1/search`, `/api/v1/skills`,
//! `/api/v1/skills/{slug}`, `/api/v1/download`.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{RETRY_AFTER, USER_AGENT};
use reqwest::redirect::Policy;
use reqwest::{Response, StatusCode};
use roost_domain::skill::{SkillId, SkillVersion};
use roost_ports::skills::{RegistrySkill, SourceError};
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;
use serde::de::DeserializeOwned;
use tokio::sync::OnceCell;
use url::Url;

use self::wire::{Detail, Found, Items, Results};

mod wire;

const AGENT: &str = concat!("roost/", env!("CARGO_PKG_VERSION"));

/// The longest answer in JSON that is read.
const LONGEST_JSON: usize = 2 * 1024 * 1024;

/// The largest archive that is read.
const LARGEST_ZIP: usize = 8 * 1024 * 1024;

/// How often an answer may send on to another place.
const REDIRECTS: usize = 5;

/// Which registry is asked, and how patiently.
#[derive(Debug, Clone)]
pub struct RegistryOptions {
    /// Where it is, without `/api/v1`.
    pub url: Url,
    /// How long a request may take, its body included.
    pub timeout: Duration,
}

/// A client of the registry.
pub(crate) struct Registry {
    options: RegistryOptions,
    /// Made at the first request, since reading the host's certificates takes longer than starting the server.
    client: OnceCell<reqwest::Client>,
}

impl Registry {
    pub(crate) const fn new(options: RegistryOptions) -> Self {
        Self { options, client: OnceCell::const_new() }
    }

    /// Searches, or lists what is newest where there are no words.
    pub(crate) async fn search(&self, words: &str, limit: u32) -> Result<Vec<RegistrySkill>, SourceError> {
        let limit = limit.clamp(1, 200).to_string();
        let found: Vec<Found> = if words.trim().is_empty() {
            let answer: Option<Items> =
                self.json(&["skills"], &[("limit", &limit), ("sort", "updated")]).await?;
            answer.map(|answer| answer.items).unwrap_or_default()
        } else {
            let answer: Option<Results> = self.json(&["search"], &[("q", words), ("limit", &limit)]).await?;
            answer.map(|answer| answer.results).unwrap_or_default()
        };
        // What cannot be named here cannot be installed here.
        Ok(found.into_iter().filter_map(Found::skill).collect())
    }

    /// Asks about one skill.
    pub(crate) async fn look_up(&self, id: &SkillId) -> Result<Option<RegistrySkill>, SourceError> {
        let detail: Option<Detail> = self.json(&["skills", id.as_str()], &[]).await?;
        let Some(detail) = detail else { return Ok(None) };
        detail.skill(id).map(Some).ok_or_else(|| {
            SourceError::Nonsense(format!("it was asked about {id} and told of another skill"))
        })
    }

    /// Downloads the archive of one version.
    pub(crate) async fn download(
        &self,
        id: &SkillId,
        version: &SkillVersion,
    ) -> Result<Option<Vec<u8>>, SourceError> {
        let version = version.to_string();
        let query = [("slug", id.as_str()), ("version", version.as_str())];
        let Some(answer) = self.get(&["download"], &query).await? else { return Ok(None) };
        body(answer, LARGEST_ZIP).await.map(Some)
    }

    async fn json<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Option<T>, SourceError> {
        let Some(answer) = self.get(path, query).await? else { return Ok(None) };
        let body = body(answer, LONGEST_JSON).await?;
        serde_json::from_slice(&body).map(Some).map_err(|error| SourceError::Nonsense(error.to_string()))
    }

    /// Asks for something; `None` if it is not there.
    async fn get(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Option<Response>, SourceError> {
        let mut url = self.options.url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["api", "v1"]).extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let request = self.client().await?.get(url).header(USER_AGENT, AGENT);
        let answer = request.send().await.map_err(|error| SourceError::Unreachable(causes(error)))?;
        match answer.status() {
            status if status.is_success() => Ok(Some(answer)),
            StatusCode::NOT_FOUND => Ok(None),
            StatusCode::TOO_MANY_REQUESTS => Err(SourceError::Busy { retry_after: retry_after(&answer) }),
            StatusCode::FORBIDDEN | StatusCode::GONE | StatusCode::UNAVAILABLE_FOR_LEGAL_REASONS => {
                let status = answer.status();
                let text = body(answer, 4_096).await.unwrap_or_default();
                let text: String = String::from_utf8_lossy(&text).chars().take(200).collect();
                Err(SourceError::Refused(format!("{status}: {text}")))
            }
            status if status.is_server_error() => {
                Err(SourceError::Unreachable(format!("it answers {status}")))
            }
            status => Err(SourceError::Nonsense(format!("it answers {status}"))),
        }
    }

    async fn client(&self) -> Result<&reqwest::Client, SourceError> {
        self.client.get_or_try_init(|| self.connect()).await
    }

    async fn connect(&self) -> Result<reqwest::Client, SourceError> {
        let failed = |why: String| SourceError::Unreachable(format!("TLS cannot be set up: {why}"));
        let tls = if self.options.url.scheme() == "https" {
            let made = tokio::task::spawn_blocking(trusting_the_host).await;
            made.map_err(|error| failed(error.to_string()))?
        } else {
            trusting_nobody()
        };
        reqwest::Client::builder()
            .tls_backend_preconfigured(tls.map_err(|error| failed(error.to_string()))?)
            .no_proxy()
            .redirect(Policy::limited(REDIRECTS))
            .referer(false)
            .connect_timeout(self.options.timeout.min(Duration::from_secs(10)))
            .timeout(self.options.timeout)
            .pool_max_idle_per_host(1)
            .build()
            .map_err(|error| SourceError::Unreachable(causes(error)))
    }
}

/// Reads a body to its end, or says that it is too long.
async fn body(mut answer: Response, limit: usize) -> Result<Vec<u8>, SourceError> {
    let too_long = || SourceError::Nonsense(format!("it is longer than {limit} bytes"));
    if answer.content_length().is_some_and(|length| length > limit as u64) {
        return Err(too_long());
    }
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| SourceError::Unreachable(causes(error)))? {
        if body.len() + chunk.len() > limit {
            return Err(too_long());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn retry_after(answer: &Response) -> Option<Duration> {
    let seconds = answer.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// Reads the host's certificates; blocks.
fn trusting_the_host() -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(ring::default_provider());
    let verifier = Verifier::new(Arc::clone(&provider))?;
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth())
}

/// The client wants a configuration for plain connections too.
fn trusting_nobody() -> Result<ClientConfig, rustls::Error> {
    Ok(ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth())
}

/// Tells why a request failed, with its causes.
fn causes(error: reqwest::Error) -> String {
    if error.is_timeout() {
        return "it took too long".to_owned();
    }
    let error = error.without_url();
    let mut text = error.to_string();
    let mut next = std::error::Error::source(&error);
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests;
