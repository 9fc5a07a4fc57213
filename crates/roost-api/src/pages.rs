//! Pages for people, each behind a link of its own: forms to fill in, runs to look at, artifacts. No script is needed,
//! nothing is loaded from elsewhere, and nothing of the server can be reached from an artifact.

mod artifact;
mod form;
mod html;
mod run;

pub(crate) use artifact::*;
pub(crate) use form::*;
pub(crate) use html::styles;
pub(crate) use run::*;
