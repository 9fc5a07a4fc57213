//! The AgentCop API as its documents promise it, over a whole application in process.

mod approvals;
mod coverage;
mod gate;
mod permissions;
mod policies;
mod quotas;
mod sandboxes;
mod scan;
mod support;
