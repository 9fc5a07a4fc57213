//! Permissions: what agents may reach, whatever their policies say.

mod manage;
mod wire;

pub(crate) use manage::*;
