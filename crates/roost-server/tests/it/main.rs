//! The real binary, from outside: started as people start it, spoken to as programs speak to it.

mod agents;
mod approvals;
mod chat;
mod configuration;
mod connections;
mod crash;
mod crash_runs;
mod data;
mod documents;
mod escape;
mod example;
mod fake_model;
mod guard;
mod keys;
mod knowledge;
mod openai;
mod openclaw;
mod peers;
mod policies;
mod quickstart;
mod roost;
mod sandboxes;
mod scan;
mod secrets;
mod shutdown;
mod skills;
mod snapshots;
mod stream;
mod swarms;
mod terminal;
mod up;
mod usage;
mod webhooks;
mod wires;

/// Nothing that a test waits for takes longer, also on a busy machine.
const DEADLINE: std::time::Duration = std::time::Duration::from_secs(60);
