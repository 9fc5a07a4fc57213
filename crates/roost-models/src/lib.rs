//! Model providers: one neutral form, one folder per wire format.
//!
//! Imports `roost-domain` and `roost-ports`. Every provider is three files: `wire` (the vendor's types),
//! `encode` (neutral form to wire) and `decode` (the vendor's stream to the neutral form); nothing is ever
//! translated from one provider's form to another's. [`Providers`] implements `roost_ports::model::Models`;
//! [`script`] is the story format of the `scripted/…` models, and [`fake`] serves a script over the three wire
//! formats. Start at [`Providers::new`].

mod anthropic;
mod draft;
mod embeddings;
mod gemini;
mod http;
mod names;
mod openai;
mod options;
mod price;
mod providers;
mod scripted;
#[cfg(test)]
mod testing;

pub mod fake;
pub mod script;

pub use embeddings::{Choice, EmbeddingOptions, embedder};
pub use options::{Compatible, InvalidOptions, Options, PriceEntry, Provider, Retries, Timeouts};
pub use providers::Providers;
