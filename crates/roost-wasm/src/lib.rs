//! Runs WebAssembly modules, and Python by an interpreter that is such a module, with bounds on time, fuel and memory.
//!
//! Imports `roost-domain` and `roost-ports`. A module sees what WASI (preview 1) has: its arguments, the clocks,
//! randomness, two outputs, and of the file system the directories of its sandbox that are opened to it. There is no
//! network and no input. Start at [`WasmtimeRunner`].

mod bounds;
mod files;
mod module;
mod output;
mod run;
mod runner;

pub use runner::{OpenError, WasmOptions, WasmtimeRunner};
