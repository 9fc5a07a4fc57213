//! The runtime: where time and queues come in. Loops that drive turns, freeze idle machines, expire approvals and
//! sandboxes, perform their runs, deliver webhooks and take note of connections, all under one roof, so that
//! shutdown waits for all of them.
//!
//! Holds a `Core` and no adapter. Start at [`Runtime`].

mod connections;
mod drive;
mod embedding;
mod hosted;
mod memory;
mod runs;
mod runtime;
mod sandboxes;
mod triggers;
mod turns;
mod upkeep;
mod webhooks;

pub use connections::{ConnectionInbox, ConnectionNotes};
pub use runtime::{Error, Options, Runtime};
