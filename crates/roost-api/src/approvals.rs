//! Approvals.

mod decide;
mod escalate;
mod list;
mod wire;

pub(crate) use decide::*;
pub(crate) use escalate::*;
pub(crate) use list::*;
