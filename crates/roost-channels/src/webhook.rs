//! Outgoing webhooks: posts messages that are signed as Standard Webhooks wants it.
//!
//! **Source:** Standard Webhooks 1.0.0, <https://www.standardwebhooks.com>.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use roost_domain::network::{HostRule, NetworkRules};
use roost_ports::webhooks::{Answer, SendError, WebhookRequest, WebhookSender};

mod client;
mod sign;
mod target;

use client::Client;
pub use client::Roots;
use target::Target;
pub use target::{Resolver, SystemResolver};

/// How messages reach the outside.
#[derive(Clone)]
pub struct WebhookOptions {
    /// Hosts that may be sent to even where they stand for private, loopback, link-local or metadata addresses.
    pub allow_private: Vec<HostRule>,
    /// How long a try may take, from the name's address to the end of the answer.
    pub timeout: Duration,
    /// Finds the addresses of names.
    pub resolver: Arc<dyn Resolver>,
    /// Whose certificates are trusted.
    pub roots: Roots,
}

impl WebhookOptions {
    /// Uses the host's name service and the certificates it trusts, and gives each try 10 seconds.
    pub fn system(allow_private: Vec<HostRule>) -> Self {
        Self {
            allow_private,
            timeout: Duration::from_secs(10),
            resolver: Arc::new(SystemResolver),
            roots: Roots::System,
        }
    }
}

impl fmt::Debug for WebhookOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookOptions")
            .field("allow_private", &self.allow_private)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// Sends webhooks.
pub struct Webhooks {
    rules: NetworkRules,
    timeout: Duration,
    client: Client,
}

impl Webhooks {
    /// Makes a sender. Nothing is read or connected to before the first message.
    pub fn new(options: WebhookOptions) -> Self {
        Self {
            rules: NetworkRules { allow_private: options.allow_private, ..NetworkRules::default() },
            timeout: options.timeout,
            client: Client::new(options.resolver, options.roots),
        }
    }
}

#[async_trait]
impl WebhookSender for Webhooks {
    fn check(&self, url: &str) -> Result<(), SendError> {
        Target::read(url)?.check(&self.rules)
    }

    async fn send(&self, request: WebhookRequest) -> Result<Answer, SendError> {
        let target = Target::read(&request.url)?;
        let place = target.place();
        let deadline = tokio::time::Instant::now() + self.timeout;
        let sent = self.client.send(target, request, &self.rules, deadline);
        tokio::time::timeout_at(deadline, sent).await.unwrap_or_else(|_| {
            Err(SendError::NoAnswer(format!(
                "{place} did not answer within {} s",
                self.timeout.as_secs_f32()
            )))
        })
    }
}

#[cfg(test)]
mod tests;
