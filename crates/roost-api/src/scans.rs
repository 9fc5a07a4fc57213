//! Scans of code.

mod scan;
mod wire;

pub(crate) use scan::*;
