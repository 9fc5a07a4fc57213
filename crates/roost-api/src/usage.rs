//! Usage.

mod list;
mod wire;

pub(crate) use list::*;
