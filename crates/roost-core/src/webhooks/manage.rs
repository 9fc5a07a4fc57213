use std::time::Duration;

use roost_domain::id::EndpointId;
use roost_domain::key::Scope;
use roost_domain::secret::Secret;
use roost_domain::webhook::{Endpoint, KINDS, KindPattern};
use roost_ports::store::{Reader, Writer};

use super::{Webhooks, own, secret};
use crate::{Ctx, Error, Kind};

/// How many endpoints an account may have: each event is written down once for each.
const MOST: usize = 50;

/// How long the secret before signs too, so that receivers can change theirs in the meantime.
const OVERLAP: Duration = Duration::from_secs(24 * 60 * 60);

/// An endpoint to be made.
pub struct CreateWebhookEndpoint {
    /// Where messages are posted to.
    pub url: String,
    /// Which kinds are told; empty is all.
    pub kinds: Vec<KindPattern>,
    /// At most 500 characters.
    pub description: String,
    /// The secret that signs; without one, one is made.
    pub secret: Option<Secret>,
}

/// An endpoint with its secret, which nobody will see again.
pub struct NewWebhookEndpoint {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// The secret.
    pub secret: Secret,
}

/// What to change of an endpoint; `None` leaves it.
#[derive(Debug, Clone, Default)]
pub struct UpdateWebhookEndpoint {
    /// Where messages are posted to.
    pub url: Option<String>,
    /// Replaces all kinds.
    pub kinds: Option<Vec<KindPattern>>,
    /// At most 500 characters.
    pub description: Option<String>,
    /// Whether it is told anything. What is pending when it is turned off is given up.
    pub enabled: Option<bool>,
}

impl Webhooks<'_> {
    /// Makes an endpoint. It is told what happens from then on.
    ///
    /// # Errors
    ///
    /// `InvalidInput` names the field; `QuotaExceeded` with the code `too_many_webhook_endpoints`.
    pub async fn create(&self, ctx: &Ctx, new: CreateWebhookEndpoint) -> Result<NewWebhookEndpoint, Error> {
        ctx.require(Scope::Admin)?;
        self.check_url(&new.url)?;
        check_kinds(&new.kinds)?;
        check_description(&new.description)?;
        let secret = secret::given_or_new(new.secret, &*self.0.ports.random)?;
        let endpoint = Endpoint {
            id: self.0.ports.random.id::<EndpointId>(ctx.now),
            account: ctx.account(),
            url: new.url,
            kinds: new.kinds,
            description: new.description,
            created_at: ctx.now,
            disabled_at: None,
        };
        let sealed = self.0.ports.vault.seal(endpoint.account, &secret::place(endpoint.id), &secret);
        let insert = move |writer: &mut dyn Writer| {
            if writer.webhook_endpoints(endpoint.account)?.len() >= MOST {
                let message =
                    format!("the account has {MOST} webhook endpoints, as many as it may; delete one");
                return Err(Error::new(Kind::QuotaExceeded, "too_many_webhook_endpoints", message));
            }
            writer.insert_webhook_endpoint(&endpoint, &sealed)?;
            Ok(endpoint)
        };
        let endpoint = self.0.ports.store.write(insert).await?;
        Ok(NewWebhookEndpoint { endpoint, secret })
    }

    /// Returns the account's endpoints, newest first, all of them.
    ///
    /// # Errors
    ///
    /// `Internal` if the store fails.
    pub async fn list(&self, ctx: &Ctx) -> Result<Vec<Endpoint>, Error> {
        ctx.require(Scope::Admin)?;
        let account = ctx.account();
        self.0.ports.store.read(move |reader: &dyn Reader| Ok(reader.webhook_endpoints(account)?)).await
    }

    /// Returns one endpoint.
    ///
    /// # Errors
    ///
    /// `NotFound`.
    pub async fn get(&self, ctx: &Ctx, id: EndpointId) -> Result<Endpoint, Error> {
        ctx.require(Scope::Admin)?;
        let ctx = ctx.clone();
        self.0.ports.store.read(move |reader: &dyn Reader| own(reader, &ctx, id)).await
    }

    /// Changes an endpoint. Messages that are under way still go where they went.
    ///
    /// # Errors
    ///
    /// `NotFound`; `InvalidInput` names the field. Nothing is changed then.
    pub async fn update(
        &self,
        ctx: &Ctx,
        id: EndpointId,
        change: UpdateWebhookEndpoint,
    ) -> Result<Endpoint, Error> {
        ctx.require(Scope::Admin)?;
        change.url.as_deref().map_or(Ok(()), |url| self.check_url(url))?;
        change.kinds.as_deref().map_or(Ok(()), check_kinds)?;
        change.description.as_deref().map_or(Ok(()), check_description)?;
        let ctx = ctx.clone();
        let update = move |writer: &mut dyn Writer| {
            let before = own(writer, &ctx, id)?;
            let after = Endpoint {
                url: change.url.unwrap_or(before.url),
                kinds: change.kinds.unwrap_or(before.kinds),
                description: change.description.unwrap_or(before.description),
                disabled_at: match change.enabled {
                    Some(true) => None,
                    Some(false) => before.disabled_at.or(Some(ctx.now)),
                    None => before.disabled_at,
                },
                ..before
            };
            writer.update_webhook_endpoint(&after)?;
            if after.disabled_at.is_some() {
                writer.fail_deliveries(id, "the endpoint was turned off")?;
            }
            Ok(after)
        };
        self.0.ports.store.write(update).await
    }

    /// Removes an endpoint with its deliveries.
    ///
    /// # Errors
    ///
    /// `NotFound`.
    pub async fn delete(&self, ctx: &Ctx, id: EndpointId) -> Result<(), Error> {
        ctx.require(Scope::Admin)?;
        let account = ctx.account();
        let delete = move |writer: &mut dyn Writer| {
            let there = writer.delete_webhook_endpoint(account, id)?;
            if there { Ok(()) } else { Err(Error::not_found("webhook endpoint", id)) }
        };
        self.0.ports.store.write(delete).await
    }

    /// Gives an endpoint a new secret. For 24 hours messages are signed with the one before too.
    ///
    /// # Errors
    ///
    /// `NotFound`; `InvalidInput` for a secret that is none.
    pub async fn rotate_secret(
        &self,
        ctx: &Ctx,
        id: EndpointId,
        given: Option<Secret>,
    ) -> Result<NewWebhookEndpoint, Error> {
        ctx.require(Scope::Admin)?;
        let secret = secret::given_or_new(given, &*self.0.ports.random)?;
        let sealed = self.0.ports.vault.seal(ctx.account(), &secret::place(id), &secret);
        let ctx = ctx.clone();
        let rotate = move |writer: &mut dyn Writer| {
            let endpoint = own(writer, &ctx, id)?;
            writer.rotate_webhook_secret(endpoint.account, id, &sealed, ctx.now + OVERLAP)?;
            Ok::<_, Error>(endpoint)
        };
        let endpoint = self.0.ports.store.write(rotate).await?;
        Ok(NewWebhookEndpoint { endpoint, secret })
    }

    fn check_url(&self, url: &str) -> Result<(), Error> {
        self.0.ports.webhooks.check(url).map_err(|error| Error::invalid("url", error))
    }
}

fn check_kinds(kinds: &[KindPattern]) -> Result<(), Error> {
    if kinds.len() > KINDS.len() {
        return Err(Error::invalid("events", format!("must be {} at most", KINDS.len())));
    }
    match kinds.iter().find(|kind| !kind.is_known()) {
        Some(kind) => Err(Error::invalid(
            "events",
            format!("has {kind}, which means no event; there are {}", KINDS.join(", ")),
        )),
        None => Ok(()),
    }
}

fn check_description(text: &str) -> Result<(), Error> {
    if text.chars().count() > 500 {
        return Err(Error::invalid("description", "must have at most 500 characters"));
    }
    Ok(())
}
