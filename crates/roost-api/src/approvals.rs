//! Approvals.

mod decide;
mod list;
mod wire;

pub(crate) use decide::*;
pub(crate) use list::*;
