//! OpenClaw gateways, hosted in agents' machines.
//!
//! Imports `roost-domain` and `roost-ports`. A gateway is a process of the agent's machine: its program is a directory
//! of the host that the machine shows, its files are in the workspace, and its only model is a door of this server,
//! where it shows a token of its own. It is spoken to on the machine's loopback address. Start at [`Gateways`].
//!
//! **Source:** npm `openclaw` 2026.6.35, `docs/gateway`.

mod chat;
mod gateway;
mod gateways;
mod http;
mod setup;

pub use gateways::{Gateways, Options};

/// The version that is hosted.
pub const VERSION: &str = "2026.6.35";
