use std::fmt;
use std::str::FromStr;

use globset::{Glob, GlobBuilder, GlobMatcher};

/// Tools by name: `send_email`, or a glob such as `delete_*`.
#[derive(Clone)]
pub struct ToolPattern {
    text: String,
    glob: Option<GlobMatcher>,
}

/// A text that is no tool pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPattern {
    /// It is empty or too long.
    #[error("must be the name of a tool, or a glob such as delete_*, of 1 to 200 characters")]
    Length,
    /// The glob is broken.
    #[error("is no glob: {0}")]
    Glob(String),
}

impl ToolPattern {
    /// Tells whether it is about a tool.
    pub fn matches(&self, tool: &str) -> bool {
        match &self.glob {
            Some(glob) => glob.is_match(tool),
            None => self.text == tool,
        }
    }

    /// Returns its text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Tells whether it names exactly one tool.
    pub const fn is_literal(&self) -> bool {
        self.glob.is_none()
    }

    /// Returns the glob, for sets of them.
    pub(super) fn glob(&self) -> Option<&Glob> {
        self.glob.as_ref().map(GlobMatcher::glob)
    }

    /// Tells whether it is surely about every tool that `other` is about. `false` where that is hard to tell.
    pub fn covers(&self, other: &Self) -> bool {
        if self.text == other.text || self.text == "*" {
            return true;
        }
        if other.is_literal() {
            return self.matches(&other.text);
        }
        let plain = |text: &str| !text.contains(['*', '?', '[', '{', '\\', '!']);
        let literal_start = other.text.find(['*', '?', '[', '{', '\\']).map_or("", |end| &other.text[..end]);
        self.text.strip_suffix('*').is_some_and(|start| plain(start) && literal_start.starts_with(start))
    }
}

impl FromStr for ToolPattern {
    type Err = InvalidPattern;

    fn from_str(text: &str) -> Result<Self, InvalidPattern> {
        if !(1..=200).contains(&text.chars().count()) || text.trim() != text {
            return Err(InvalidPattern::Length);
        }
        let glob = if text.contains(['*', '?', '[', '{', '\\']) {
            let glob = GlobBuilder::new(text).literal_separator(false).build();
            Some(glob.map_err(|error| InvalidPattern::Glob(error.kind().to_string()))?.compile_matcher())
        } else {
            None
        };
        Ok(Self { text: text.to_owned(), glob })
    }
}

impl fmt::Display for ToolPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for ToolPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ToolPattern({:?})", self.text)
    }
}

impl PartialEq for ToolPattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for ToolPattern {}
