//! The nouns of Roost and the rules between them: ids, units, state machines, the turn, the gate.
//!
//! This floor imports nothing of ours and is pure: no async, no I/O, no clock, no randomness; time and ids
//! arrive as parameters. Nouns carry no serde derives: wire formats and stored records are other families,
//! converted at their borders. Start at [`turn`] (the agent loop as a step function), [`gate`] (the one
//! decision before every effect) and [`agent`] (the life of an agent).

pub mod account;
pub mod agent;
pub mod approval;
pub mod artifact;
pub mod connection;
pub mod context;
pub mod conversation;
pub mod document;
pub mod effect;
pub mod event;
pub mod files;
pub mod gate;
pub mod guard;
pub mod id;
pub mod integration;
pub mod key;
pub mod knowledge;
pub mod machine;
pub mod model;
pub mod network;
pub mod page;
pub mod permissions;
pub mod plan;
pub mod policy;
pub mod response;
pub mod run;
pub mod sandbox;
pub mod scan;
pub mod schedule;
pub mod secret;
pub mod session;
pub mod skill;
pub mod snapshot;
pub mod subject;
pub mod swarm;
pub mod taint;
pub mod tool;
pub mod trigger;
pub mod turn;
pub mod unit;
pub mod webhook;
pub mod workflow;

/// A point in time, always UTC, always a parameter.
pub use jiff::Timestamp;
