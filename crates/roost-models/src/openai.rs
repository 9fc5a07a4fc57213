//! OpenAI's Chat Completions, as OpenAI and the many servers compatible with it speak them.
//!
//! **Source:** <https://developers.openai.com/api/reference/resources/chat>; what compatible servers do
//! differently is said where it is read.

pub(crate) mod decode;
pub(crate) mod encode;
pub(crate) mod wire;

/// Which spelling of the protocol a server takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// OpenAI's own: the output is capped by `max_completion_tokens`.
    OpenAi,
    /// That of vLLM, Ollama, OpenRouter and others, which know the older `max_tokens`.
    Compatible,
}

#[cfg(test)]
mod tests;
