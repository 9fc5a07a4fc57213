//! Integrations: the catalog, the account's own services, OAuth clients, what can be asked of services.

mod catalog;
mod client;
mod interface;
mod own;
mod wire;

pub(crate) use catalog::*;
pub(crate) use client::*;
pub(crate) use interface::*;
pub(crate) use own::*;
