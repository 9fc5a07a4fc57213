//! Google's Gemini API: `generateContent`.
//!
//! **Source:** <https://ai.google.dev/api/generate-content>, version `v1beta`, and
//! <https://ai.google.dev/gemini-api/docs/thought-signatures>.

pub(crate) mod decode;
pub(crate) mod encode;
pub(crate) mod signatures;
pub(crate) mod wire;

#[cfg(test)]
mod tests;
