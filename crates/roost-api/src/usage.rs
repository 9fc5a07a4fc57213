//! Usage: what was used, and what it cost.

mod list;
mod table;
mod wire;

pub(crate) use list::*;
