//! The Fullpilot API: agents with workflows and their runs, under `/api/v1/agents`.
//!
//! Imports `roost-domain`, `roost-core` and `roost-http`. Handlers decode, make one call into the core and encode.
//! `docs/fullpilot.md` is its guide, and says how the points are answered that Fullpilot's documents leave open. Start at
//! [`router`].

mod agents;
mod app;
mod body;
mod envelope;
mod options;
mod runs;
mod wire;

pub use app::{ROUTES, router};
pub use options::Options;
