use std::fmt;
use std::str::FromStr;

use semver::Version;

/// The version of a skill, ordered as Semantic Versioning 2.0.0 orders them. What is left out is 0: `1.2` is 1.2.0.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SkillVersion(Version);

impl SkillVersion {
    /// The version of a skill that says none.
    pub const FIRST: Self = Self(Version::new(1, 0, 0));

    /// Returns the next version that changes little.
    #[must_use]
    pub fn next(&self) -> Self {
        Self(Version::new(self.0.major, self.0.minor, self.0.patch.saturating_add(1)))
    }
}

impl FromStr for SkillVersion {
    type Err = InvalidVersion;

    fn from_str(text: &str) -> Result<Self, InvalidVersion> {
        let shown = || InvalidVersion(text.chars().take(80).collect());
        let text = text.trim();
        if text.len() > 100 {
            return Err(shown());
        }
        let text = text.strip_prefix('v').unwrap_or(text);
        let missing = 2_usize.saturating_sub(text.matches('.').count());
        let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let whole = if plain { format!("{text}{}", ".0".repeat(missing)) } else { text.to_owned() };
        Version::parse(&whole).map(Self).map_err(|_| shown())
    }
}

impl fmt::Display for SkillVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A text that is no version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no version; write one like 1.2.0")]
pub struct InvalidVersion(pub String);
