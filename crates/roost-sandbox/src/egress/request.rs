//! What a process in the machine asks the proxy for.

use std::fmt;

use roost_domain::network::Host;
use tokio::io::{AsyncRead, AsyncReadExt};

/// The longest head of a request.
const HEAD_MAX: usize = 32 * 1024;
/// The most header fields.
const FIELDS_MAX: usize = 100;
/// What is said to who asks a proxy for nobody.
pub(super) const NOT_FOR_A_PROXY: &str =
    "This is an HTTP proxy: it takes CONNECT host:port, or a whole http:// address.";
/// How the service behind the proxy itself is named.
const OWN: &str = "localhost";
/// Fields that are meant for the proxy, or that the proxy says itself. **Source:** RFC 9110, 7.6.1.
const NOT_FORWARDED: [&str; 8] = [
    "connection",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "upgrade",
];

/// Where a process wants to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) host: Host,
    pub(super) port: u16,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// A request that was understood.
#[derive(Debug)]
pub(super) struct Request {
    /// Where it goes; `None` if it names no host but the proxy itself.
    pub(super) target: Option<Target>,
    /// What the process is told once the connection is there.
    pub(super) reply: Vec<u8>,
    /// What the other side is told first.
    pub(super) forward: Vec<u8>,
}

/// A request that was not.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// The process went away.
    Closed,
    /// It is no request to a proxy.
    Malformed(&'static str),
    /// It names a target that is none.
    Target { target: String, problem: String },
}

/// Reads a request's head and what came along with it.
pub(super) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Result<Request, Unreadable> {
    let mut bytes = Vec::with_capacity(1024);
    loop {
        let n = stream.read_buf(&mut bytes).await.map_err(|_| Unreadable::Closed)?;
        if n == 0 {
            return Err(Unreadable::Closed);
        }
        if let Some(request) = parse(&bytes)? {
            return Ok(request);
        }
        if bytes.len() > HEAD_MAX {
            return Err(Unreadable::Malformed("The request's head is too long."));
        }
    }
}

/// Understands a request; `None` as long as its head is not there whole.
fn parse(bytes: &[u8]) -> Result<Option<Request>, Unreadable> {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS_MAX];
    let mut head = httparse::Request::new(&mut fields);
    let length = match head.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(_) => return Err(Unreadable::Malformed("This is an HTTP proxy, and this is no HTTP request.")),
    };
    let (method, uri) = (head.method.unwrap_or_default(), head.path.unwrap_or_default());
    let body = &bytes[length..];
    if method == "CONNECT" {
        let target = target(uri, None)?;
        let reply = b"HTTP/1.1 200 Connection established\r\n\r\n".to_vec();
        return Ok(Some(Request { target: Some(target), reply, forward: body.to_vec() }));
    }
    let Some(rest) = strip_scheme(uri) else {
        if !uri.starts_with('/') {
            return Err(Unreadable::Malformed(NOT_FOR_A_PROXY));
        }
        let forward = forward(&format!("{method} {uri}"), OWN, &head, body);
        return Ok(Some(Request { target: None, reply: Vec::new(), forward }));
    };
    let split = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(split);
    let target = target(authority, Some(80))?;
    let target = Some(target);
    let slash = if path.starts_with('/') { "" } else { "/" };
    let forward = forward(&format!("{method} {slash}{path}"), authority, &head, body);
    Ok(Some(Request { target, reply: Vec::new(), forward }))
}

/// Writes a request anew for the other side.
fn forward(start: &str, authority: &str, head: &httparse::Request<'_, '_>, body: &[u8]) -> Vec<u8> {
    // One request, one connection: the next may be for someone else.
    let start = format!("{start} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n");
    let mut forward = start.into_bytes();
    for field in
        head.headers.iter().filter(|field| !NOT_FORWARDED.contains(&field.name.to_ascii_lowercase().as_str()))
    {
        forward.extend_from_slice(field.name.as_bytes());
        forward.extend_from_slice(b": ");
        forward.extend_from_slice(field.value);
        forward.extend_from_slice(b"\r\n");
    }
    forward.extend_from_slice(b"\r\n");
    forward.extend_from_slice(body);
    forward
}

fn strip_scheme(uri: &str) -> Option<&str> {
    let (scheme, rest) = uri.split_once("://")?;
    scheme.eq_ignore_ascii_case("http").then_some(rest)
}

/// Reads `host:port`; without a default the port must be there.
fn target(authority: &str, default_port: Option<u16>) -> Result<Target, Unreadable> {
    let unreadable = |problem: String| Unreadable::Target { target: authority.to_owned(), problem };
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => {
            let port = port.parse::<u16>().ok().filter(|port| *port > 0);
            (
                host,
                Some(
                    port.ok_or_else(|| unreadable(format!("{authority:?} has no port between 1 and 65535")))?,
                ),
            )
        }
        _ => (authority, default_port),
    };
    let port = port.ok_or_else(|| unreadable(format!("{authority:?} names no port")))?;
    let host =
        host.parse().map_err(|error: roost_domain::network::InvalidHost| unreadable(error.to_string()))?;
    Ok(Target { host, port })
}

#[cfg(test)]
mod tests;
