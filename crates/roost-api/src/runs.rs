//! Runs of workflows.

mod answer;
mod events;
mod manage;
mod steer;
mod wire;

pub(crate) use answer::*;
pub(crate) use events::*;
pub(crate) use manage::*;
pub(crate) use steer::*;
