//! Knowledge: texts that agents find again.

mod entries;
mod ingest;
mod manage;
mod search;
mod upload;
mod wire;

pub(crate) use entries::*;
pub(crate) use ingest::*;
pub(crate) use manage::*;
pub(crate) use search::*;
pub(crate) use upload::*;
