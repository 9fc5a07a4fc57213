//! API keys.

mod manage;
mod wire;

pub(crate) use manage::*;
