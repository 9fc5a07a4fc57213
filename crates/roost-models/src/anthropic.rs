//! Anthropic's Messages API.
//!
//! **Source:** <https://platform.claude.com/docs/en/api/messages> and
//! <https://platform.claude.com/docs/en/build-with-claude/streaming>, version `2023-06-01`.

pub(crate) mod decode;
pub(crate) mod encode;
pub(crate) mod wire;

/// The version of the API that is spoken, as its header.
pub(crate) const VERSION: &str = "2023-06-01";

#[cfg(test)]
mod tests;
