//! The drivers against the suite, and those that put walls up against who tries to get out.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod death;
mod docker;
mod driver;
mod escape;
mod fake;
mod fences;
mod hosted;
mod kernel;
mod limits;
mod sharing;
