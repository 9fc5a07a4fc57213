//! The use cases and the runtime over a real store, with doubles for the model and the machines.

mod agents;
mod approvals;
mod budget;
mod cancel;
mod guard;
mod keys;
mod knowledge;
mod memory;
mod recovery;
mod sandboxes;
mod sessions;
mod streams;
mod turns;
mod webhooks;
