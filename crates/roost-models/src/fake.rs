//! A provider that follows a script: the three wire formats over HTTP, for tests and other people's CI.
//!
//! Serves `POST /v1/messages` (Anthropic), `POST /v1/chat/completions` (OpenAI) and
//! `POST /v1beta/models/{model}:generateContent` and `:streamGenerateContent` (Gemini; also under `/v1`, where
//! Google's newer clients look), each streaming or not, with the vendors' own shapes for answers and errors. Any
//! model name is answered; a key must be there. `POST /v1/embeddings` (OpenAI) and `:batchEmbedContents` (Gemini) give
//! vectors made from the words of the texts, whatever the script says.

mod anthropic;
mod check;
mod embeddings;
mod gemini;
mod openai;
mod reply;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::post;
use roost_domain::secret::Secret;

use crate::script::Script;

/// The largest request, in bytes; what the vendors allow for a conversation of text.
const MAX_REQUEST_BYTES: usize = 32 * 1024 * 1024;

/// How the server behaves beside its script.
#[derive(Clone, Default)]
pub struct Options {
    /// The only key that is accepted; without it, any is.
    pub key: Option<Secret>,
}

/// What every handler knows.
#[derive(Clone)]
struct Fake {
    script: Script,
    options: Options,
}

/// Makes the routes of a server that follows `script`.
pub fn router(script: Script, options: Options) -> Router {
    Router::new()
        .route("/v1/messages", post(anthropic::messages))
        .route("/v1/chat/completions", post(openai::chat_completions))
        .route("/v1/embeddings", post(embeddings::openai))
        .route("/v1/models/{call}", post(gemini::generate_content))
        .route("/v1beta/models/{call}", post(gemini::generate_content))
        .layer(DefaultBodyLimit::max(MAX_REQUEST_BYTES))
        .with_state(Fake { script, options })
}

impl Fake {
    /// Says what is wrong with a key, if anything.
    fn refuses(&self, key: Option<&str>) -> Option<&'static str> {
        match (key.map(str::trim).filter(|key| !key.is_empty()), &self.options.key) {
            (None, _) => Some("no API key was given"),
            (Some(given), Some(only)) if given != only.expose() => Some("the API key is not valid"),
            (Some(_), _) => None,
        }
    }
}

#[cfg(test)]
mod tests;
