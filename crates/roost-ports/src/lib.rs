//! Ports: what Roost asks of the outside, as traits. Adapters implement them, `roost-core` calls them.
//!
//! Imports `roost-domain` and no driver library. Ports that act on the world take a `&Permit`, which only the
//! gate's decision makes. Start at [`store`] (what is kept), [`machine`] (where tools run) and [`model`] (who
//! thinks).

pub mod clock;
pub mod embedder;
pub mod integrations;
pub mod machine;
pub mod model;
pub mod random;
pub mod reader;
pub mod runtime;
pub mod scanner;
pub mod skills;
pub mod store;
pub mod tool;
pub mod vault;
pub mod wasm;
pub mod webhooks;
