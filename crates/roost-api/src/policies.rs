//! Policies: what agents may do.

mod manage;
mod test;
mod wire;

pub(crate) use manage::*;
pub(crate) use test::*;
pub(crate) use wire::EditionSummary;
