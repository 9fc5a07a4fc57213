//! The OpenAI-compatible API over a whole application in process.

#![expect(clippy::unwrap_used, reason = "a test that meets what it does not expect fails there")]

mod chat;
mod coverage;
mod direct;
mod embeddings;
mod hostile;
mod models;
mod responses;
mod support;
mod tools;
