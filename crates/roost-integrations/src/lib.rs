//! Services that agents can be connected to: which there are, OAuth 2 with them, and what their OpenAPI descriptions
//! say.
//!
//! Imports `roost-domain` and `roost-ports`. Start at [`Services`], which is the port. `catalog/*.toml` is the catalog;
//! `openapi.rs` reads descriptions; `oauth.rs` speaks OAuth 2 through a client that connects to public addresses only.

mod catalog;
mod check;
mod client;
mod oauth;
mod openapi;
mod services;

pub use client::{Resolver, Roots, SystemResolver};
pub use services::{Options, Services};
