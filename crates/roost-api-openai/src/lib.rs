//! The OpenAI-compatible API: models, chat completions, responses, embeddings, under `/v1/`.
//!
//! Imports `roost-domain`, `roost-core` and `roost-http`. An agent is a model, `agent:<id or name>`; any other model
//! is asked directly. Each handler decodes, calls the core once and encodes. `docs/openai.md` is its guide. Start at
//! [`router`]; `answering.rs` makes one stream of whoever answers.

mod answering;
mod app;
mod chat;
mod content;
mod door;
mod embeddings;
mod errors;
mod models;
mod options;
mod responses;
mod tools;
mod unsupported;

pub use app::{ROUTES, router};
pub use door::door;
pub use options::Options;
