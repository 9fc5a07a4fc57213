//! Triggers: what starts an agent's workflow by itself, and the URLs at which messages for it come in.

mod hooks;
mod manage;
mod wire;

pub(crate) use hooks::*;
pub(crate) use manage::*;
