//! Values that must not be seen.

use secrecy::{ExposeSecret, SecretString};

/// A text that never shows itself: no `Debug`, no `Display`, no serde, wiped from memory when dropped.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes a text out of sight.
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// Returns the text, for the one place that must send or check it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}
