//! Messages: what is said between a peer and an agent.

use crate::Core;

mod history;
mod post;

pub use history::History;
pub use post::{PostMessage, Posted};
pub(crate) use post::{not_running, open_session, peer_of};

/// The use cases of messages.
pub struct Messages<'a>(pub(crate) &'a Core);
