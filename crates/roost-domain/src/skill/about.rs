use std::collections::BTreeMap;

use super::{InvalidSkillId, SkillId};

/// What a skill says of itself in the frontmatter of its `SKILL.md`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// Its name, which is also its folder's; `None` where it came from a registry that does not hold names to the
    /// rule.
    pub name: Option<SkillId>,
    /// What it does and when to use it, 1 to 1,024 characters.
    pub description: String,
    /// Its licence, or the file that has it.
    pub license: Option<String>,
    /// What it needs of the machine, at most 500 characters.
    pub compatibility: Option<String>,
    /// Whatever else its author says, at most 64 entries.
    pub metadata: BTreeMap<String, String>,
    /// The tools that its author would have it use. Roost shows them and grants nothing by them.
    pub allowed_tools: Vec<String>,
}

/// Why a frontmatter is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAbout {
    /// A field is missing.
    #[error("SKILL.md says no {0}; its frontmatter must have one")]
    Missing(&'static str),
    /// The name is none.
    #[error("SKILL.md: name: {0}")]
    Name(#[from] InvalidSkillId),
    /// A field is too long.
    #[error("SKILL.md: {field} has {length} characters; at most {most} are allowed")]
    TooLong {
        /// Which field.
        field: String,
        /// How long it is.
        length: usize,
        /// How long it may be.
        most: usize,
    },
    /// A field has characters that no text has.
    #[error("SKILL.md: {0} has control characters")]
    Control(String),
    /// There is too much metadata.
    #[error("SKILL.md: metadata has {0} entries; at most 64 are allowed")]
    TooMuch(usize),
}

impl About {
    /// Checks what a frontmatter says.
    ///
    /// # Errors
    ///
    /// [`InvalidAbout`] names the field.
    pub fn check(self) -> Result<Self, InvalidAbout> {
        const METADATA: usize = 64;
        if self.description.trim().is_empty() {
            return Err(InvalidAbout::Missing("description"));
        }
        text("description", &self.description, 1_024)?;
        text("license", self.license.as_deref().unwrap_or_default(), 500)?;
        text("compatibility", self.compatibility.as_deref().unwrap_or_default(), 500)?;
        if self.metadata.len() > METADATA {
            return Err(InvalidAbout::TooMuch(self.metadata.len()));
        }
        for (key, value) in &self.metadata {
            text("a key of metadata", key, 100)?;
            text(&format!("metadata.{key}"), value, 4_000)?;
        }
        if self.allowed_tools.len() > METADATA {
            return Err(InvalidAbout::TooMuch(self.allowed_tools.len()));
        }
        self.allowed_tools.iter().try_for_each(|tool| text("allowed-tools", tool, 200))?;
        Ok(self)
    }

    /// Returns an entry of the metadata that is not empty.
    pub fn meta(&self, key: &str) -> Option<&str> {
        self.metadata.get(key).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    /// Returns an entry of the metadata that is a list, with its parts.
    pub fn list(&self, key: &str, separator: char) -> Vec<String> {
        let parts = self.meta(key).unwrap_or_default().split(separator);
        parts.map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
    }
}

fn text(field: &str, text: &str, most: usize) -> Result<(), InvalidAbout> {
    let length = text.chars().count();
    if length > most {
        return Err(InvalidAbout::TooLong { field: field.to_owned(), length, most });
    }
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t' | '\r')) {
        return Err(InvalidAbout::Control(field.to_owned()));
    }
    Ok(())
}
