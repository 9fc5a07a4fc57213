//! Talking with agents.

mod cancel;
mod context;
mod events;
mod follow;
mod history;
mod log;
mod post;
mod sessions;
mod turn;
mod watch;
mod wire;

pub(crate) use cancel::*;
pub(crate) use events::*;
pub(crate) use history::*;
pub(crate) use log::Delta;
pub(crate) use post::*;
pub(crate) use sessions::*;
pub(crate) use turn::*;
