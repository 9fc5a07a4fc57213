//! Secrets of agents: set, bound, never shown.

mod bind;
mod put;
mod uses;

pub(crate) use bind::*;
pub(crate) use put::*;
pub(crate) use uses::*;
