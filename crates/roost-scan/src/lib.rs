//! The static scanner: reads the code of agents, their skills and manifests, and says what is wrong, without running
//! anything.
//!
//! Imports `roost-domain` and `roost-ports`. A file is parsed and lowered to one small form that is the same for every
//! language (`unit`, `lower`); values are followed through it from sources to sinks (`flow`); what to look for is data
//! in `rules/`, each rule with examples that are its tests. Start at [`CodeScanner`] and [`rules`].

mod archive;
mod dependencies;
mod flow;
mod knowledge;
mod label;
mod language;
mod lines;
mod lower;
mod manifest;
mod markdown;
mod page;
mod pattern;
mod rule;
pub mod sarif;
mod scanner;
mod snippet;
mod text;
mod unit;

pub use language::Language;
pub use page::rules_page;
pub use rule::{Example, Rule, rules};
pub use scanner::CodeScanner;
