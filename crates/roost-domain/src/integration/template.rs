//! URLs with blanks: `https://{subdomain}.example.com/oauth/token`.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use url::Url;

/// A URL whose host or path may have blanks in braces.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UrlTemplate(String);

/// A text that is no URL, with or without blanks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} {problem}")]
pub struct InvalidTemplate {
    /// What was given, cut.
    pub text: String,
    /// What is wrong with it.
    pub problem: &'static str,
}

impl FromStr for UrlTemplate {
    type Err = InvalidTemplate;

    /// Reads a URL: `https`, or `http` of this very machine.
    fn from_str(text: &str) -> Result<Self, InvalidTemplate> {
        let invalid = |problem| InvalidTemplate { text: text.chars().take(200).collect(), problem };
        if text.len() > 2_000 {
            return Err(invalid("is longer than 2,000 characters"));
        }
        let template = Self(text.to_owned());
        let names = template.names();
        let good = |name: &&str| {
            (1..=40).contains(&name.len())
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        if text.matches('{').count() != names.len() || !names.iter().all(good) {
            return Err(invalid("has a brace that is no blank such as {subdomain}"));
        }
        let whole: BTreeMap<String, String> =
            names.iter().map(|name| ((*name).to_owned(), "blank".to_owned())).collect();
        let filled = template.fill(&whole).map_err(|_| invalid("has a blank that cannot be filled"))?;
        let url = Url::parse(&filled).map_err(|_| invalid("is no URL such as https://example.com/path"))?;
        let is_here = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        if !(url.scheme() == "https" || (url.scheme() == "http" && is_here)) {
            return Err(invalid("must begin with https://"));
        }
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(invalid("must hold no user, no password and no #fragment"));
        }
        Ok(template)
    }
}

impl UrlTemplate {
    /// Returns the text with its blanks.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the names of the blanks, in their order.
    pub fn names(&self) -> Vec<&str> {
        let parts = self.0.split('{').skip(1);
        parts.filter_map(|part| part.split_once('}').map(|(name, _)| name)).collect()
    }

    /// Fills the blanks.
    ///
    /// # Errors
    ///
    /// The name of the first blank that has no value, or one that [`check_value`] refuses.
    pub fn fill(&self, values: &BTreeMap<String, String>) -> Result<String, String> {
        let mut filled = String::new();
        let mut rest = self.0.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            let Some((name, after)) = after.split_once('}') else { break };
            let value = values.get(name).filter(|value| check_value(value).is_ok());
            filled.push_str(before);
            filled.push_str(value.ok_or_else(|| name.to_owned())?);
            rest = after;
        }
        filled.push_str(rest);
        Ok(filled)
    }
}

impl fmt::Display for UrlTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Checks what is to stand in a blank: part of a host's name, or one step of a path. Whatever could lead a URL
/// elsewhere is refused.
///
/// # Errors
///
/// What is wrong with it.
pub fn check_value(value: &str) -> Result<(), &'static str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    if !(1..=253).contains(&value.len()) || !value.bytes().all(plain) || value.contains("..") {
        return Err("must have 1 to 253 letters, digits, hyphens, underscores and single dots");
    }
    if value.starts_with('.') || value.ends_with('.') {
        return Err("must not begin or end with a dot");
    }
    Ok(())
}
