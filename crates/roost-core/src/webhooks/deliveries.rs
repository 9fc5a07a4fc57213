use roost_domain::id::DeliveryId;
use roost_domain::key::Scope;
use roost_domain::page::{Limit, Page};
use roost_domain::webhook::Delivery;
use roost_ports::store::{DeliveryCursor, DeliveryFilter, Reader, Writer};

use super::{Webhooks, own};
use crate::{Ctx, Error, Kind};

/// Which deliveries to list.
#[derive(Debug, Clone)]
pub struct ListDeliveries {
    /// Which ones.
    pub filter: DeliveryFilter,
    /// Where to begin.
    pub after: Option<DeliveryCursor>,
    /// At most so many.
    pub limit: Limit,
}

impl Webhooks<'_> {
    /// Returns what was sent to an endpoint and what is to be, newest first.
    ///
    /// # Errors
    ///
    /// `NotFound` if there is no such endpoint.
    pub async fn deliveries(
        &self,
        ctx: &Ctx,
        list: ListDeliveries,
    ) -> Result<Page<Delivery, DeliveryCursor>, Error> {
        ctx.require(Scope::Admin)?;
        let ctx = ctx.clone();
        let read = move |reader: &dyn Reader| {
            let endpoint = own(reader, &ctx, list.filter.endpoint)?;
            Ok(reader.deliveries(endpoint.account, &list.filter, list.after, list.limit)?)
        };
        self.0.ports.store.read(read).await
    }

    /// Sends a message again, at once and with all its tries, under the same id.
    ///
    /// # Errors
    ///
    /// `NotFound`; `InvalidState` with the code `webhook_endpoint_disabled`.
    pub async fn redeliver(&self, ctx: &Ctx, id: DeliveryId) -> Result<Delivery, Error> {
        ctx.require(Scope::Admin)?;
        let ctx = ctx.clone();
        let again = move |writer: &mut dyn Writer| {
            let delivery = writer
                .delivery(ctx.account(), id)?
                .ok_or_else(|| Error::not_found("webhook delivery", id))?;
            let endpoint = own(writer, &ctx, delivery.endpoint)?;
            if endpoint.disabled_at.is_some() {
                let message = format!("the webhook endpoint {} is turned off; turn it on first", endpoint.id);
                return Err(Error::new(Kind::InvalidState, "webhook_endpoint_disabled", message));
            }
            let again = delivery.again(ctx.now);
            writer.update_delivery(&again)?;
            Ok(again)
        };
        let again = self.0.ports.store.write(again).await?;
        self.0.announced.notify_one();
        Ok(again)
    }
}
