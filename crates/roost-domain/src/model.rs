//! Models: their names, what a call uses and what it costs.

use std::fmt;
use std::str::FromStr;

use crate::unit::{MicroUsd, Tokens};

/// A model, as `provider/model`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModelName {
    text: String,
    slash: usize,
}

impl ModelName {
    /// Returns who serves it: `anthropic`, `openai`, `google`, `scripted`, …
    pub fn provider(&self) -> &str {
        &self.text[..self.slash]
    }

    /// Returns what the provider calls it; may hold slashes itself.
    pub fn model(&self) -> &str {
        &self.text[self.slash + 1..]
    }

    /// Returns the whole name.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for ModelName {
    type Err = InvalidModelName;

    fn from_str(text: &str) -> Result<Self, InvalidModelName> {
        let invalid = || InvalidModelName(text.chars().take(80).collect());
        let slash = text.find('/').ok_or_else(invalid)?;
        let provider_ok = slash > 0
            && text[..slash].bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        let model_ok = text.len() > slash + 1
            && text.len() <= 200
            && text[slash + 1..].bytes().all(|b| b.is_ascii_graphic());
        if provider_ok && model_ok { Ok(Self { text: text.to_owned(), slash }) } else { Err(invalid()) }
    }
}

/// A text that does not name a model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a model name; write provider/model, for example anthropic/claude-sonnet-4-6")]
pub struct InvalidModelName(pub String);

/// What one model call used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Tokens read, those from the provider's cache included.
    pub input: Tokens,
    /// The part of `input` that came from the provider's cache.
    pub cached: Tokens,
    /// The part of `input` that was written to the provider's cache, where the provider charges for it.
    pub cache_written: Tokens,
    /// Tokens written.
    pub output: Tokens,
}

/// What a model costs, per million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price {
    /// For tokens read.
    pub input: MicroUsd,
    /// For tokens read from the provider's cache.
    pub cached: MicroUsd,
    /// For tokens written to the provider's cache.
    pub cache_written: MicroUsd,
    /// For tokens written.
    pub output: MicroUsd,
}

impl Price {
    /// Costs nothing.
    pub const FREE: Self = Self {
        input: MicroUsd::ZERO,
        cached: MicroUsd::ZERO,
        cache_written: MicroUsd::ZERO,
        output: MicroUsd::ZERO,
    };

    /// Returns what a call costs, rounded up to a millionth of a dollar.
    pub fn cost(&self, usage: Usage) -> MicroUsd {
        let fresh = usage.input.saturating_sub(usage.cached).saturating_sub(usage.cache_written);
        let micros = [
            (fresh, self.input),
            (usage.cached, self.cached),
            (usage.cache_written, self.cache_written),
            (usage.output, self.output),
        ]
        .into_iter()
        .map(|(tokens, price)| i128::from(tokens.0) * i128::from(price.0))
        .sum::<i128>();
        MicroUsd(i64::try_from((micros + 999_999) / 1_000_000).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests;
