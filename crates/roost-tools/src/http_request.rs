//! `http_request`: sends an HTTP request from the server, so that secrets in its headers never enter a machine.
//!
//! The address that is connected to is one that was checked: names are resolved once, every address is held
//! against the agent's network rules, and the connection can end nowhere else. Redirects are followed only where
//! the decision about the first request covers them; see [`redirect`].

use std::time::Duration;

use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use roost_domain::effect::Action;
use roost_domain::network::Host;
use roost_domain::secret::placeholders;
use roost_domain::tool::ToolSpec;
use roost_ports::machine::Spec;
use roost_ports::tool::{BadCall, Injections};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::time::Instant;
use url::Url;

pub(crate) use self::client::Client;
pub use self::client::{HttpOptions, Roots};
use self::redirect::Next;
pub use self::resolve::{Resolver, SystemResolver};
use crate::arguments::{self, bad};
use crate::workspace::Failed;

mod answer;
mod client;
mod redirect;
mod resolve;
mod secrets;

pub(crate) const NAME: &str = "http_request";

const METHODS: [Method; 7] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];

const TIMEOUT_DEFAULT_S: u64 = 30;
const REDIRECTS_MAX: usize = 5;
const HEADERS_MAX: usize = 64;

/// Headers that belong to the connection, not to the request.
const RESERVED: [&str; 10] = [
    "host",
    "connection",
    "content-length",
    "transfer-encoding",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "keep-alive",
    "accept-encoding",
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wire {
    method: String,
    url: String,
    headers: Option<Map<String, Value>>,
    body: Option<String>,
    timeout_s: Option<u64>,
}

/// A request as it will be sent. No `Debug`: headers and body may hold secrets.
pub(crate) struct HttpRequest {
    first: Hop,
    timeout: Duration,
}

/// One request to one place.
#[derive(Clone)]
pub(crate) struct Hop {
    pub(crate) method: Method,
    pub(crate) target: Target,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<String>,
}

/// Where a request goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) url: Url,
    pub(crate) host: Host,
    pub(crate) port: u16,
}

pub(crate) fn spec() -> ToolSpec {
    ToolSpec {
        name: NAME.to_owned(),
        description: "Sends an HTTP request and returns the answer's status, its main headers and up to 256 KiB of \
            its body as text. Made by the server, not by your machine: use it, not shell, when a header holds a \
            secret. A placeholder such as {{secret:name}} in a header stands for a secret that your people bound to \
            the host; you never see its value. Redirects to hosts that are not allowed are returned instead of followed."
            .to_owned(),
        parameters: json!({
            "type": "object",
            "properties": {
                "method": {
                    "type": "string",
                    "enum": METHODS.iter().map(Method::as_str).collect::<Vec<_>>(),
                    "description": "The method."
                },
                "url": {
                    "type": "string",
                    "minLength": 1,
                    "description": "The whole URL, with http:// or https://."
                },
                "headers": {
                    "type": "object",
                    "additionalProperties": { "type": "string" },
                    "description": "Headers to send, such as Authorization or Content-Type."
                },
                "body": { "type": "string", "description": "The body to send." },
                "timeout_s": {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": 120,
                    "description": "Seconds until the whole answer must be there; 30 if left out."
                }
            },
            "required": ["method", "url"],
            "additionalProperties": false
        }),
        idempotent: false,
    }
}

impl HttpRequest {
    pub(crate) fn read(given: &Value) -> Result<Self, BadCall> {
        let wire: Wire = arguments::read(&spec(), given)?;
        let method = METHODS
            .into_iter()
            .find(|method| method.as_str() == wire.method)
            .ok_or_else(|| bad(NAME, "method", "is not a method that can be sent"))?;
        let url = Url::parse(&wire.url).map_err(|error| {
            bad(NAME, "url", format!("is no URL ({error}); write https://example.com/path"))
        })?;
        let target = Target::new(url).map_err(|problem| bad(NAME, "url", problem))?;
        let elsewhere = [("url", Some(&wire.url)), ("body", wire.body.as_ref())];
        if let Some((part, _)) =
            elsewhere.into_iter().find(|(_, text)| text.is_some_and(|text| !placeholders(text).is_empty()))
        {
            return Err(bad(NAME, part, "cannot hold a secret; put the placeholder into a header"));
        }
        if method == Method::HEAD && wire.body.is_some() {
            return Err(bad(NAME, "body", "cannot be sent with HEAD"));
        }
        let timeout = Duration::from_secs(wire.timeout_s.unwrap_or(TIMEOUT_DEFAULT_S));
        let headers = headers(&wire.headers.unwrap_or_default())?;
        Ok(Self { first: Hop { method, target, headers, body: wire.body }, timeout })
    }

    pub(crate) fn action(&self) -> Action {
        let Target { url, host, port } = self.first.target.clone();
        let carries = self.first.body.is_some() || !self.first.headers.is_empty();
        Action::SendHttp { method: self.first.method.to_string(), url: url.into(), host, port, carries }
    }

    pub(crate) fn is_idempotent(&self) -> bool {
        self.first.is_safe()
    }

    /// Returns the names of the secrets that it has placeholders of.
    pub(crate) fn secrets(&self) -> Vec<String> {
        secrets::named(&self.first.headers)
    }

    pub(crate) async fn run(
        &self,
        client: &Client,
        spec: &Spec,
        given: &Injections,
    ) -> Result<String, Failed> {
        match self.follow(client, spec, given).await {
            Ok(text) => Ok(secrets::scrubbed(text, given)),
            Err(Failed(text)) => Err(Failed(secrets::scrubbed(text, given))),
        }
    }

    async fn follow(&self, client: &Client, spec: &Spec, given: &Injections) -> Result<String, Failed> {
        let deadline = Instant::now() + self.timeout;
        let mut hop = self.first.clone();
        let mut followed = 0;
        loop {
            let filled = secrets::filled(&hop, given)?;
            let sent = tokio::time::timeout_at(deadline, client.send(&filled, &spec.network)).await;
            let response = sent.map_err(|_| {
                let (host, seconds) = (&hop.target.host, self.timeout.as_secs());
                Failed(format!(
                    "{host} did not answer within {seconds} s; a larger timeout_s (up to 120) may help"
                ))
            })??;
            if secrets::carries(&hop, given) {
                given.answered(response.status().as_u16());
            }
            let note = match redirect::next(&hop, response.status(), response.headers(), spec) {
                Next::Follow(onward) if !secrets::may_carry(&onward, given) => {
                    let Target { host, port, .. } = &onward.target;
                    let method = &onward.method;
                    Some(format!(
                        "the redirect was not followed: {method} {host}:{port} may not have the secret"
                    ))
                }
                Next::Follow(onward) if followed < REDIRECTS_MAX => {
                    followed += 1;
                    hop = *onward;
                    continue;
                }
                Next::Follow(_) => {
                    Some(format!("redirected more than {REDIRECTS_MAX} times; not followed on"))
                }
                Next::HandBack(why) => Some(format!("the redirect was not followed: {why}")),
                Next::Answer => None,
            };
            let way = (followed > 0).then(|| format!("redirected to {}", hop.target.url));
            let notes: Vec<String> = way.into_iter().chain(note).collect();
            return answer::read(response, deadline, &notes, given).await;
        }
    }
}

impl Hop {
    /// Tells whether the request only asks and changes nothing.
    pub(crate) fn is_safe(&self) -> bool {
        matches!(self.method, Method::GET | Method::HEAD)
    }
}

impl Target {
    /// Takes a URL apart. The fragment, which is never sent, is dropped.
    ///
    /// # Errors
    ///
    /// What is wrong with it, for the model.
    pub(crate) fn new(mut url: Url) -> Result<Self, String> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err("must begin with http:// or https://".to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("must not hold a user or password; send an Authorization header".to_owned());
        }
        url.set_fragment(None);
        let host = url.host_str().ok_or("names no host; write https://example.com/path")?;
        let host = host.parse().map_err(|error| format!("names no host: {error}"))?;
        let port = url.port_or_known_default().ok_or("names no port")?;
        Ok(Self { url, host, port })
    }
}

fn headers(given: &Map<String, Value>) -> Result<HeaderMap, BadCall> {
    if given.len() > HEADERS_MAX {
        return Err(bad(NAME, "headers", format!("must be {HEADERS_MAX} at most")));
    }
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        let shown: String = name.chars().take(80).collect();
        let argument = format!("headers.{shown}");
        let name = HeaderName::try_from(name.as_str())
            .map_err(|_| bad(NAME, &argument, "is no header name; write it like Content-Type"))?;
        if RESERVED.contains(&name.as_str()) || name.as_str().starts_with("proxy-") {
            return Err(bad(NAME, &argument, "cannot be set; it follows from the request itself"));
        }
        let mut value =
            value.as_str().and_then(|value| HeaderValue::from_str(value).ok()).ok_or_else(|| {
                bad(NAME, &argument, "must be a string without line ends or control characters")
            })?;
        value.set_sensitive(true);
        if headers.insert(name, value).is_some() {
            return Err(bad(NAME, &argument, "is given twice"));
        }
    }
    Ok(headers)
}

#[cfg(test)]
mod tests;
