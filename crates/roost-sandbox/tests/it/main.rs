//! The drivers against the suite, and the kernel driver against those who try to get out.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod death;
mod escape;
mod fake;
mod fences;
mod kernel;
mod limits;
mod sharing;
