//! Outgoing webhooks: endpoints, and what was delivered to them.

mod deliveries;
mod endpoints;
mod wire;

pub(crate) use deliveries::*;
pub(crate) use endpoints::*;
