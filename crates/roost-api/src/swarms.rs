//! Swarms.

mod manage;
mod secrets;
mod wire;

pub(crate) use manage::*;
pub(crate) use secrets::*;
