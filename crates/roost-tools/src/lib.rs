//! The built-in tools: what a model can ask for without any server of tools beside Roost.
//!
//! Implements `roost_ports::tool::Tools` over `roost_ports::machine`; imports `roost-domain` and `roost-ports`
//! of ours. One file per tool, each with its schema, its typed arguments, the action that the gate decides about
//! and the act itself. Start at [`BuiltinTools`].

mod arguments;
mod ask_human;
mod builtin;
mod edit_file;
mod http_request;
mod list_files;
mod output;
mod read_file;
mod search_files;
mod shell;
mod text;
mod workspace;
mod write_file;

pub use builtin::BuiltinTools;
pub use http_request::{HttpOptions, Resolver, Roots, SystemResolver};

#[cfg(test)]
mod tests;
