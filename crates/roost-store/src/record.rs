//! What is stored as JSON: the third family besides wire and domain. Versioned, and whatever was written once
//! is read for ever (`fixtures/`).

pub(crate) mod event;
pub(crate) mod integration;
pub(crate) mod report;
pub(crate) mod response;
pub(crate) mod run;
pub(crate) mod sandbox;
pub(crate) mod skill;
pub(crate) mod trigger;
pub(crate) mod votes;
