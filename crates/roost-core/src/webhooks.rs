//! Outgoing webhooks: who is told what happens, and how it gets there. What happens is announced in `notices.rs`.

use roost_domain::id::EndpointId;
use roost_domain::webhook::Endpoint;
use roost_ports::store::Reader;

use crate::{Core, Ctx, Error};

mod deliver;
mod deliveries;
mod manage;
mod secret;

pub use deliveries::ListDeliveries;
pub use manage::{CreateWebhookEndpoint, NewWebhookEndpoint, UpdateWebhookEndpoint};

/// The use cases of webhooks.
pub struct Webhooks<'a>(pub(crate) &'a Core);

/// Returns the caller's endpoint, or says that there is none, whosever it may be.
fn own(reader: &dyn Reader, ctx: &Ctx, id: EndpointId) -> Result<Endpoint, Error> {
    reader.webhook_endpoint(ctx.account(), id)?.ok_or_else(|| Error::not_found("webhook endpoint", id))
}
