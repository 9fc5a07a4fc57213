//! Snapshots of agents, and forks.

mod fork;
mod manage;
mod wire;

pub(crate) use fork::*;
pub(crate) use manage::*;
