//! Connections: which agents may use which services. `page.rs` and `browser.rs` are what people see without a key.

mod browser;
mod manage;
mod page;
mod wire;

pub(crate) use browser::*;
pub(crate) use manage::*;
