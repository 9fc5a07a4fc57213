//! The native API: Agento's contract, extended. `docs/api.md` is its guide, `/openapi.json` its reference.
//!
//! Imports `roost-domain`, `roost-core` and `roost-http`. One folder per noun: `wire.rs` holds the bodies as the
//! protocol calls them, the other files a handler each: decode, one call into the core, encode. Start at
//! [`router`].

mod account;
mod agents;
mod app;
mod approvals;
mod artifacts;
mod chat;
mod connections;
mod docs;
mod documents;
mod envelope;
mod gate;
mod health;
mod integrations;
mod keys;
mod knowledge;
mod memory;
mod openapi;
mod options;
mod pages;
mod paging;
mod permissions;
mod policies;
mod runs;
mod sandboxes;
mod scans;
mod secrets;
mod skills;
mod snapshots;
mod swarms;
mod triggers;
mod usage;
mod vocabulary;
mod webhooks;
mod workflows;

pub use app::router;
pub use openapi::openapi;
pub use options::Options;
