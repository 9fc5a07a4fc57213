//! Ways to people and to other people's systems. So far there is one: outgoing webhooks.
//!
//! Implements `roost_ports::webhooks`; imports the domain and the ports. Start at [`Webhooks`].

mod webhook;

pub use webhook::{Resolver, Roots, SystemResolver, WebhookOptions, Webhooks};
