//! The native API over a whole application in process: what a client sees.

#![expect(clippy::unwrap_used, reason = "a test that meets what it does not expect fails there")]

mod account;
mod agents;
mod approvals;
mod chat;
mod coverage;
mod documents;
mod door;
mod errors;
mod events;
mod gate;
mod keys;
mod knowledge;
mod lifecycle;
mod logs;
mod memory;
mod pages;
mod permissions;
mod policies;
mod runs;
mod sandboxes;
mod scans;
mod secrets;
mod server;
mod skills;
mod snapshots;
mod support;
mod swarms;
mod triggers;
mod usage;
mod webhooks;
mod workflows;
