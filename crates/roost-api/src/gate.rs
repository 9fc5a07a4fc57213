//! The gate: what agents that run elsewhere ask before they act, and what was decided.

mod decisions;
mod evaluate;
mod wire;

pub(crate) use decisions::*;
pub(crate) use evaluate::*;
