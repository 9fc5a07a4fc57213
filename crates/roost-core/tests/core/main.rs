//! The use cases and the runtime over a real store, with doubles for the model and the machines.

mod accounts;
mod agents;
mod approvals;
mod budget;
mod cancel;
mod connections;
mod documents;
mod guard;
mod hosted;
mod keys;
mod knowledge;
mod memory;
mod models;
mod recovery;
mod regions;
mod runs;
mod sandboxes;
mod sessions;
mod skills;
mod snapshots;
mod streams;
mod swarms;
mod triggers;
mod turns;
mod usage;
mod webhooks;
