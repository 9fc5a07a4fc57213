//! The other side of the API: how commands speak with a server.

use std::time::Duration;

use eventsource_stream::Eventsource as _;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, TryStreamExt as _};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use roost_domain::secret::Secret;
use serde_json::Value;
use url::Url;

mod agent;
mod credential;

pub(crate) use agent::Agent;
pub(crate) use credential::Credential;

use crate::cli::ClientArgs;
use crate::config::{Config, Environment, Flags};

/// The most rows of a list that a command asks for.
const MAX_ROWS: usize = 10_000;

/// A server, as one of its clients sees it.
pub(crate) struct Client {
    http: reqwest::Client,
    base: Url,
    key: Secret,
    /// The agent that `roost up` made, where the credential is from there.
    usual_agent: Option<String>,
}

/// Why a server did not do what was asked. Each says what to do next.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    #[error("{0:?} is not the URL of a server; write for example http://127.0.0.1:7700")]
    NotAUrl(String),
    #[error(
        "no server is known here: start one with `roost up`, or name one with --url and --key (ROOST_URL, ROOST_KEY)"
    )]
    NoServer,
    #[error("there is no key for {url}: give one with ROOST_KEY or --key; `roost keys create` makes one")]
    NoKey { url: Url },
    #[error("no server answers at {url} ({why}): start it with `roost up`, or name another with --url")]
    Unreachable { url: Url, why: String },
    #[error(
        "the server at {url} does not accept the key: make another with `roost keys create` and give it with \
             ROOST_KEY or --key"
    )]
    KeyRefused { url: Url },
    #[error("{message}")]
    Refused { status: StatusCode, code: String, message: String },
    #[error("what answers at {url} is not a Roost server: {why}; check --url")]
    Nonsense { url: Url, why: String },
    #[error("the connection to {url} broke off ({why}); the server keeps what was done: ask again")]
    Broken { url: Url, why: String },
}

/// Server-sent events: their data, as JSON where it is.
pub(crate) type Events = BoxStream<'static, Result<Event, ClientError>>;

/// One server-sent event.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) data: String,
}

impl Client {
    /// Finds the server and the key: from flags, from the environment, from what `roost up` noted.
    ///
    /// # Errors
    ///
    /// If there is none, or the URL is none.
    pub(crate) fn find(
        args: &ClientArgs,
        config: Option<std::path::PathBuf>,
        environment: &Environment,
    ) -> anyhow::Result<Self> {
        let flags = Flags { config, data: args.data.clone(), ..Flags::default() };
        let url = args.url.as_deref().or_else(|| environment.text("ROOST_URL"));
        let key = args.key.as_deref().map(Secret::new).or_else(|| environment.secret(&["ROOST_KEY"]));
        let noted = match (&url, &key) {
            (Some(_), Some(_)) => None,
            _ => Credential::load(&Config::load(&flags, environment)?.data)?,
        };
        let named = url.map(parse_url).transpose()?;
        // A key that was noted goes only to the server that it was noted for.
        let (noted, usual_agent) = match noted {
            Some(noted) if named.as_ref().is_none_or(|named| noted.is_for(named)) => {
                let agent = noted.agent.clone();
                (Some(noted), agent)
            }
            _ => (None, None),
        };
        let base = match (named, &noted) {
            (Some(named), _) => named,
            (None, Some(noted)) => parse_url(&noted.url)?,
            (None, None) => return Err(ClientError::NoServer.into()),
        };
        let key = key.or_else(|| noted.map(|noted| noted.key));
        let key = key.ok_or_else(|| ClientError::NoKey { url: base.clone() })?;
        Ok(Self { http: http_client(base.scheme() == "https")?, base, key, usual_agent })
    }

    /// Asks for something; returns the answer's whole body.
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub(crate) async fn get(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Value, ClientError> {
        let mut url = self.url(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        self.answer(self.http.request(Method::GET, url)).await
    }

    /// Asks for a text that is no JSON; returns it with one of the answer's headers.
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub(crate) async fn text(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        header: &str,
    ) -> Result<(String, Option<String>), ClientError> {
        let mut url = self.url(path);
        url.query_pairs_mut().extend_pairs(query);
        let request = self.http.request(Method::GET, url).timeout(Duration::from_secs(60));
        let response = self.checked(request).await?;
        let header = response.headers().get(header).and_then(|value| value.to_str().ok().map(str::to_owned)); // silent-ok: what is no text is none of ours
        let broken = |error| ClientError::Broken { url: self.base.clone(), why: deepest(&error) };
        Ok((response.text().await.map_err(broken)?, header))
    }

    /// Asks for a whole list, part by part; at most [`MAX_ROWS`] of it.
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub(crate) async fn list(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Vec<Value>, ClientError> {
        let (mut rows, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let mut query = [query, &[("limit", "200")]].concat();
            query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
            let mut answer = self.get(path, &query).await?;
            let Value::Array(part) = answer["data"].take() else {
                return Err(self.nonsense("a list that it answered is none"));
            };
            rows.extend(part);
            cursor = answer["pagination"]["nextCursor"].as_str().map(str::to_owned);
            if cursor.is_none() || rows.len() >= MAX_ROWS {
                return Ok(rows);
            }
        }
    }

    /// Does something; returns the answer's whole body.
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &[&str],
        body: Option<&Value>,
    ) -> Result<Value, ClientError> {
        self.send_asking(method, path, &[], body).await
    }

    /// Does something, with a query; returns the answer's whole body.
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub(crate) async fn send_asking(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Value, ClientError> {
        let mut url = self.url(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let request = self.http.request(method, url);
        self.answer(match body {
            Some(body) => request.json(body),
            None => request,
        })
        .await
    }

    /// Sends a form with a file; returns the answer's whole body.
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub(crate) async fn upload(
        &self,
        path: &[&str],
        fields: &[(&str, &str)],
        name: &str,
        file: &[u8],
    ) -> Result<Value, ClientError> {
        // Must stand in none of the parts: the chance that a file holds it is that of guessing a key.
        const EDGE: &str = "roost-7f3b0c1e9a5d4426b8e1f0a2c4d6e8b0";
        let mut body = Vec::with_capacity(file.len() + 512);
        for (field, value) in fields {
            let head =
                format!("--{EDGE}\r\nContent-Disposition: form-data; name=\"{field}\"\r\n\r\n{value}\r\n");
            body.extend_from_slice(head.as_bytes());
        }
        let name: String = name.chars().map(|c| if c == '"' || c.is_control() { '_' } else { c }).collect();
        let head = "Content-Disposition: form-data; name=\"file\"; filename=";
        body.extend_from_slice(format!("--{EDGE}\r\n{head}\"{name}\"\r\n\r\n").as_bytes());
        body.extend_from_slice(file);
        body.extend_from_slice(format!("\r\n--{EDGE}--\r\n").as_bytes());
        let kind = format!("multipart/form-data; boundary={EDGE}");
        let request = self.http.post(self.url(path)).header("content-type", kind).body(body);
        self.answer(request).await
    }

    /// Sends a zip archive; returns the answer's whole body.
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub(crate) async fn send_zip(&self, path: &[&str], zip: Vec<u8>) -> Result<Value, ClientError> {
        let request = self.http.post(self.url(path)).header("content-type", "application/zip");
        self.answer(request.body(zip)).await
    }

    /// Opens a stream of events.
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub(crate) async fn stream(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Events, ClientError> {
        let mut url = self.url(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let request = self.http.request(method, url).header("accept", "text/event-stream");
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        let response = self.checked(request).await?;
        let url = self.base.clone();
        let events = response.bytes_stream().eventsource().map_ok(|event| Event { data: event.data });
        Ok(events
            .map_err(move |error| ClientError::Broken { url: url.clone(), why: deepest(&error) })
            .boxed())
    }

    /// Returns a path of the server as people reach it.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.base.as_str().trim_end_matches('/'))
    }

    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push("v1").extend(path);
        }
        url
    }

    async fn answer(&self, request: RequestBuilder) -> Result<Value, ClientError> {
        let response = self.checked(request.timeout(Duration::from_secs(60))).await?;
        let read = response.bytes().await;
        let body =
            read.map_err(|error| ClientError::Broken { url: self.base.clone(), why: deepest(&error) })?;
        if body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&body).map_err(|_| self.nonsense("its answer is not JSON")) // silent-ok: the reader's words help nobody here
    }

    /// Sends a request; a refusal becomes an error.
    async fn checked(&self, request: RequestBuilder) -> Result<Response, ClientError> {
        let request = request.bearer_auth(self.key.expose());
        let response = request.send().await.map_err(|error| {
            let (url, why) = (self.base.clone(), deepest(&error));
            if error.is_connect() || error.is_builder() {
                ClientError::Unreachable { url, why }
            } else {
                ClientError::Broken { url, why }
            }
        })?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        if status == StatusCode::UNAUTHORIZED {
            return Err(ClientError::KeyRefused { url: self.base.clone() });
        }
        // silent-ok: without a body the status alone says what happened
        let body: Value = response.json().await.unwrap_or_default();
        match body["error"]["message"].as_str() {
            Some(message) => Err(ClientError::Refused {
                status,
                code: body["error"]["code"].as_str().unwrap_or_default().to_owned(),
                message: crate::output::plain(message),
            }),
            None => Err(self.nonsense(&format!("it answered {status} without saying why"))),
        }
    }

    fn nonsense(&self, why: &str) -> ClientError {
        ClientError::Nonsense { url: self.base.clone(), why: why.to_owned() }
    }
}

/// Connections to other machines are checked against this machine's root certificates, which take time to read:
/// only where they are needed.
fn http_client(tls: bool) -> anyhow::Result<reqwest::Client> {
    let builder = reqwest::Client::builder()
        .connect_timeout(Duration::from_secs(10))
        .user_agent(concat!("roost/", env!("CARGO_PKG_VERSION")))
        // A server that has nothing to say on a stream still shows every 10 s that it is there.
        .read_timeout(Duration::from_secs(60))
        .redirect(reqwest::redirect::Policy::none());
    let builder = if tls { builder } else { builder.tls_certs_only([]) };
    Ok(builder.build()?)
}

fn parse_url(text: &str) -> Result<Url, ClientError> {
    let url = Url::parse(text.trim()).ok(); // silent-ok: the error names the text and shows a right one
    url.filter(|url| ["http", "https"].contains(&url.scheme()) && url.has_host())
        .ok_or_else(|| ClientError::NotAUrl(text.to_owned()))
}

/// Returns the innermost reason, which says most to a person.
fn deepest(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
