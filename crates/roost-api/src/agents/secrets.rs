//! Secrets as bodies name them, and as they are stored.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use roost_domain::secret::Secret;
use roost_http::Failure;
use serde::Deserialize;

/// A secret in a body; has no `Debug`, so that it cannot end up in a log.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct SecretText(String);

impl SecretText {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

/// The secrets of one request, by the names under which they are stored.
#[derive(Default)]
pub(crate) struct SecretsByName(BTreeMap<String, Secret>);

impl SecretsByName {
    /// Adds a secret that stands at `field` of the body.
    pub(crate) fn add(&mut self, field: &str, name: String, secret: SecretText) -> Result<(), Failure> {
        match self.0.entry(name) {
            Entry::Vacant(place) => {
                place.insert(Secret::new(secret.0));
                Ok(())
            }
            Entry::Occupied(place) => {
                Err(Failure::invalid(field, format!("gives the secret {} a second time", place.key())))
            }
        }
    }

    pub(crate) fn into_map(self) -> BTreeMap<String, Secret> {
        self.0
    }
}

/// Turns `anthropicApiKey` into `anthropic_api_key`; names that are in that form already stay.
pub(crate) fn stored_name(field: &str, name: &str) -> Result<String, Failure> {
    let mut stored = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !stored.is_empty() {
            stored.push('_');
        }
        stored.push(letter.to_ascii_lowercase());
    }
    let fits = stored.len() <= 100
        && stored.starts_with(|first: char| first.is_ascii_lowercase())
        && stored.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if fits {
        Ok(stored)
    } else {
        let problem = "is no name for a secret; write one like anthropicApiKey, of at most 100 letters, digits and underscores";
        Err(Failure::invalid(field, problem))
    }
}

/// Returns the name under which the key for a provider is stored.
pub(super) fn provider_key_name(field: &str, provider: &str) -> Result<String, Failure> {
    let provider = provider.trim().to_ascii_lowercase();
    let provider = if provider == "gemini" { "google" } else { &provider };
    let fits = (1..=40).contains(&provider.len())
        && provider.starts_with(|first: char| first.is_ascii_lowercase())
        && provider.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if fits {
        Ok(format!("{}_api_key", provider.replace('-', "_")))
    } else {
        Err(Failure::invalid(
            field,
            "must be the name of a provider, for example anthropic, openai or google",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_stored_in_lower_case_with_underscores() {
        for (given, stored) in [
            ("anthropicApiKey", "anthropic_api_key"),
            ("slackBotToken", "slack_bot_token"),
            ("anthropic_api_key", "anthropic_api_key"),
            ("token2", "token2"),
        ] {
            assert_eq!(stored_name("secrets", given).unwrap(), stored);
        }
        for bad in ["", "2fast", "with space", "../up", "ümlaut", "_x", &"x".repeat(101)] {
            assert!(stored_name("secrets", bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn providers_have_one_name_each() {
        for (given, stored) in [
            ("anthropic", "anthropic_api_key"),
            ("Gemini", "google_api_key"),
            ("google", "google_api_key"),
            ("open-router", "open_router_api_key"),
        ] {
            assert_eq!(provider_key_name("llm_keys[0].provider", given).unwrap(), stored);
        }
        assert!(provider_key_name("llm_keys[0].provider", "a/b").is_err());
    }

    #[test]
    fn the_same_secret_twice_is_refused_without_showing_it() {
        let mut secrets = SecretsByName::default();
        secrets.add("secrets", "openai_api_key".to_owned(), SecretText::new("sk-1")).unwrap();
        let refused =
            secrets.add("llm_keys[0]", "openai_api_key".to_owned(), SecretText::new("sk-2")).unwrap_err();
        assert_eq!(refused.message(), "llm_keys[0] gives the secret openai_api_key a second time");
    }
}
