//! The AgentCop API as its documents promise it, over a whole application in process.

#![expect(clippy::unwrap_used, reason = "a test that meets what it does not expect fails there")]

mod approvals;
mod coverage;
mod gate;
mod permissions;
mod policies;
mod quotas;
mod sandboxes;
mod scan;
mod support;
