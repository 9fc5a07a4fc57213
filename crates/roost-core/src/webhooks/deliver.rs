//! What the runtime delivers with. A try is counted before it is made, and its outcome written after it; what a dead
//! process had under way is tried again under the same id.

use std::time::Duration;

use roost_domain::page::Limit;
use roost_domain::webhook::{Delivery, Endpoint, Outcome, Status};
use roost_ports::store::{DeliveryLimits, Reader, Writer};
use roost_ports::webhooks::WebhookRequest;

use super::{Webhooks, secret};
use crate::Error;

/// How long a lease holds: longer than any sender tries.
const LEASE: Duration = Duration::from_secs(60);

/// How many messages to one endpoint may be under way.
const PER_ENDPOINT: u32 = 8;

/// How long deliveries that are over are kept.
const KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

impl Webhooks<'_> {
    /// Gives back what a dead process had under way, for the start of a server that owns its data alone. Returns how
    /// many messages there were.
    ///
    /// # Errors
    ///
    /// `Internal` if the store fails.
    pub async fn recover(&self) -> Result<u64, Error> {
        self.0.ports.store.write(|writer| Ok(writer.release_deliveries()?)).await
    }

    /// Leases up to `max` messages that are due.
    ///
    /// # Errors
    ///
    /// `Internal` if the store fails.
    pub async fn lease(&self, max: u32) -> Result<Vec<Delivery>, Error> {
        let now = self.0.now();
        // Looking costs less than a transaction that changes nothing.
        let due = move |reader: &dyn Reader| Ok::<_, Error>(reader.has_due_deliveries(now)?);
        if !self.0.ports.store.read(due).await? {
            return Ok(Vec::new());
        }
        let limits = DeliveryLimits { lease: max, endpoint: PER_ENDPOINT };
        let lease = move |writer: &mut dyn Writer| Ok(writer.lease_deliveries(now, now + LEASE, limits)?);
        self.0.ports.store.write(lease).await
    }

    /// Waits until something is to be delivered that was not when this was last called. Safe to drop.
    pub async fn announced(&self) {
        self.0.announced.notified().await;
    }

    /// Tries to deliver a leased message, once, and writes down how that ended.
    ///
    /// # Errors
    ///
    /// `Internal` if the store fails; the message is tried again when its lease is over.
    ///
    /// # Cancel
    ///
    /// The message is tried again when its lease is over, or at the next start.
    pub async fn deliver(&self, delivery: &Delivery) -> Result<(), Error> {
        let Some(request) = self.request(delivery).await? else { return Ok(()) };
        let outcome = match request {
            Ok(request) => match self.0.ports.webhooks.send(request).await {
                Ok(answer) => Outcome::Answered { status: answer.status, retry_after: answer.retry_after },
                Err(error) => Outcome::NoAnswer(error.to_string()),
            },
            Err(unreadable) => Outcome::NoAnswer(unreadable),
        };
        let (now, account, id) = (self.0.now(), delivery.account, delivery.id);
        let write = move |writer: &mut dyn Writer| {
            let Some(delivery) = writer.delivery(account, id)? else { return Ok(None) };
            // It may have been given up meanwhile, or sent twice and taken.
            if delivery.status != Status::Pending {
                return Ok(None);
            }
            let tried = delivery.tried(&outcome, now);
            writer.update_delivery(&tried)?;
            if outcome.is_gone()
                && let Some(endpoint) = writer.webhook_endpoint(account, tried.endpoint)?
            {
                writer.update_webhook_endpoint(&Endpoint { disabled_at: Some(now), ..endpoint })?;
                writer.fail_deliveries(tried.endpoint, "the endpoint answered 410 to another message")?;
            }
            Ok::<_, Error>(Some(tried))
        };
        if let Some(tried) = self.0.ports.store.write(write).await? {
            note(&tried);
        }
        Ok(())
    }

    /// Removes deliveries that have been over for long. Returns how many; if it is as many as `max`, there may be
    /// more.
    ///
    /// # Errors
    ///
    /// `Internal` if the store fails.
    pub async fn expire(&self, max: Limit) -> Result<u64, Error> {
        let before = self.0.now() - KEPT;
        self.0.ports.store.write(move |writer| Ok(writer.remove_deliveries(before, max)?)).await
    }

    /// Returns what to send, or why it cannot be signed; `None` if the endpoint is there no more.
    async fn request(&self, delivery: &Delivery) -> Result<Option<Result<WebhookRequest, String>>, Error> {
        let (account, id) = (delivery.account, delivery.endpoint);
        let read = move |reader: &dyn Reader| {
            Ok::<_, Error>(reader.webhook_endpoint(account, id)?.zip(reader.webhook_secrets(account, id)?))
        };
        let Some((endpoint, sealed)) = self.0.ports.store.read(read).await? else { return Ok(None) };
        let now = self.0.now();
        let before = sealed.before.filter(|(_, until)| *until > now).map(|(secret, _)| secret);
        let mut secrets = Vec::new();
        for sealed in [Some(sealed.current), before].into_iter().flatten() {
            match self.0.ports.vault.open(account, &secret::place(id), &sealed) {
                Ok(secret) => secrets.push(secret),
                Err(error) => {
                    tracing::error!(endpoint = %id, %error, "a webhook cannot be signed");
                    return Ok(Some(Err("the endpoint's secret cannot be read; rotate it".to_owned())));
                }
            }
        }
        let (id, body) = (delivery.id, delivery.payload.clone());
        Ok(Some(Ok(WebhookRequest { id, url: endpoint.url, at: now, body, secrets })))
    }
}

/// Tells the log of a try that failed. What went wrong names host and port at most.
fn note(tried: &Delivery) {
    let (delivery, endpoint, attempts) = (tried.id, tried.endpoint, tried.attempts);
    let why = tried.last_error.as_deref().unwrap_or_default();
    match tried.status {
        Status::Delivered => tracing::debug!(%delivery, %endpoint, attempts, "a webhook was delivered"),
        Status::Pending => {
            tracing::info!(%delivery, %endpoint, attempts, why, "a webhook was not taken and will be tried again");
        }
        Status::Failed => tracing::warn!(%delivery, %endpoint, attempts, why, "a webhook was given up"),
    }
}
