//! Skills: packages made of folders and archives, the server's own catalog, the client of the public registry
//! (ClawHub).
//!
//! Imports `roost-domain` and `roost-ports`. Start at [`Skills`], the adapter behind the port; `package.rs` is where
//! files become a skill, `starter.rs` names the skills that are built in.

mod catalog;
mod frontmatter;
mod package;
mod registry;
mod sources;
mod starter;
mod unzip;

pub use registry::RegistryOptions;
pub use sources::{Options, Skills};
pub use starter::{Starter, starter_set};
