//! The AgentCop API: scan, gate, permissions, sandboxes, approvals, under `/api/` and `/api/v1/`.
//!
//! Imports `roost-domain`, `roost-core` and `roost-http`. One file per module of AgentCop's documents: wire types and
//! handlers, each of which decodes, calls the core once and encodes. `docs/guard.md` is its guide, and says how the
//! points are answered that the documents leave open. Start at [`router`].

mod app;
mod approvals;
mod badge;
mod errors;
mod gate;
mod options;
mod paging;
mod permissions;
mod policies;
mod sandboxes;
mod scan;

pub use app::{ROUTES, router};
pub use options::Options;
