//! Values that must not be seen, and what they may be used for.

use secrecy::{ExposeSecret, SecretString};

use crate::network::{Host, HostRule};

/// The methods that a request can have.
pub const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// A text that never shows itself: no `Debug`, no `Display`, no serde, wiped from memory when dropped.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes a text out of sight.
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// Returns the text, for the one place that must send or check it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// What an agent's requests may carry a secret to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// The hosts, at least one; none of them stands for every host.
    pub hosts: Vec<HostRule>,
    /// The methods, out of [`METHODS`], at least one.
    pub methods: Vec<String>,
}

impl Binding {
    /// Tells whether a request may carry the secret: over TLS, or to this very machine.
    pub fn permits(&self, url: &str, host: &Host, port: u16, method: &str) -> bool {
        let is_here = match host {
            Host::Address(address) => address.is_loopback(),
            Host::Name(name) => name == "localhost",
        };
        (url.starts_with("https://") || is_here)
            && self.methods.iter().any(|known| known == method)
            && self.hosts.iter().any(|rule| rule.matches(host, port))
    }
}

impl std::fmt::Display for Binding {
    /// Prints `GET and HEAD on api.example.com`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let hosts: Vec<_> = self.hosts.iter().map(ToString::to_string).collect();
        write!(f, "{} on {}", self.methods.join(", "), hosts.join(", "))
    }
}

const OPEN: &str = "{{secret:";
const CLOSE: &str = "}}";

/// Returns what stands for a secret in a request.
pub fn placeholder(name: &str) -> String {
    format!("{OPEN}{name}{CLOSE}")
}

/// Returns the names of the secrets that a text has placeholders of, in their order.
pub fn placeholders(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once(OPEN) {
        let Some((name, after)) = after.split_once(CLOSE) else { break };
        names.push(name.trim());
        rest = after;
    }
    names
}

/// Puts values where a text has placeholders.
///
/// # Errors
///
/// The name of the first secret that `value` knows none of.
pub fn fill<'a>(text: &str, value: impl Fn(&str) -> Option<&'a Secret>) -> Result<Secret, String> {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(OPEN) {
        let Some((name, after)) = after.split_once(CLOSE) else { break };
        filled.push_str(before);
        filled.push_str(value(name.trim()).ok_or_else(|| name.trim().to_owned())?.expose());
        rest = after;
    }
    // What is copied here is not wiped where it grew; it lives no longer than the request.
    filled.push_str(rest);
    Ok(Secret::new(filled))
}

#[cfg(test)]
mod tests;
