//! The Fullpilot API as its documents promise it, over a whole application in process.

#![expect(clippy::unwrap_used, reason = "a test that meets what it does not expect fails there")]

mod agents;
mod coverage;
mod flow;
mod runs;
mod support;
