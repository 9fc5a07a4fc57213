//! Skills: the marketplace, an account's own, and those on agents.

mod custom;
mod installed;
mod market;
mod upload;
mod wire;

pub(crate) use custom::*;
pub(crate) use installed::*;
pub(crate) use market::*;
