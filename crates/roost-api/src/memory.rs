//! Memory: what agents remember of their peers, shown and forgotten.

mod forget;
mod list;

pub(crate) use forget::*;
pub(crate) use list::*;
