//! Sandboxes.

mod create;
mod one;
mod run;
mod wire;

pub(crate) use create::*;
pub(crate) use one::*;
pub(crate) use run::*;
