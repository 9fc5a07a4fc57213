//! Webhooks: telling other people's systems what happened.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use roost_domain::id::DeliveryId;
use roost_domain::secret::Secret;

/// A message as it is sent. No `Debug`: it holds secrets.
pub struct WebhookRequest {
    /// The message's id, the same in every try.
    pub id: DeliveryId,
    /// Where it goes.
    pub url: String,
    /// When it is sent; a receiver refuses what is too old.
    pub at: Timestamp,
    /// The body, which is JSON.
    pub body: String,
    /// The secrets that sign it, `whsec_` and base64 each: the endpoint's, and for a while the one before.
    pub secrets: Vec<Secret>,
}

/// What an endpoint answered. Its body is nobody's business.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// How long it wants to be left alone.
    pub retry_after: Option<Duration>,
}

/// Posts signed messages.
///
/// It takes no `Permit`: what it sends is Roost's own word and no agent's act, to an address that the account's owner
/// named. Where that may be is the server's owner's to say.
#[async_trait]
pub trait WebhookSender: Send + Sync {
    /// Checks whether messages could be sent to a URL at all, without sending one. What its name stands for is looked
    /// up when something is sent, and not now.
    ///
    /// # Errors
    ///
    /// [`SendError`] with a message for whoever wrote the URL.
    fn check(&self, url: &str) -> Result<(), SendError>;

    /// Signs and sends a message, once, and follows no redirect.
    ///
    /// # Errors
    ///
    /// [`SendError`] if there is no answer within the sender's time; the endpoint may have the message even so.
    ///
    /// # Cancel
    ///
    /// Safe; the endpoint may have the message.
    async fn send(&self, request: WebhookRequest) -> Result<Answer, SendError>;
}

/// Why a message was not answered. Says nothing of the URL but host and port, since the rest may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The URL is none that can be sent to.
    #[error("{0}")]
    BadUrl(String),
    /// The address is not public, and the server's owner does not list it.
    #[error(
        "{place} is not a public address; the server's owner can allow it with webhooks.allow_private in roost.toml"
    )]
    NotPublic {
        /// Host and port, and what they stand for.
        place: String,
    },
    /// There was no answer.
    #[error("{0}")]
    NoAnswer(String),
}
