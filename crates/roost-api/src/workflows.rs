//! Workflows of agents: their configuration in versions, and whether anything may start them.

mod arming;
mod config;
mod schema;

pub(crate) use arming::*;
pub(crate) use config::*;
pub(crate) use schema::*;
