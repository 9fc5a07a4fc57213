//! Which files of a workspace may be touched: path rules, and what several layers of them come to.
//!
//! All of it is about names. A file that has two names in the workspace (a hard link made while that was allowed)
//! is judged by the one it is asked for.

use std::fmt;

mod rule;

pub use rule::{InvalidPathRule, PathRule};

/// Which files of a workspace may be touched. The default restricts nothing.
///
/// `deny` wins over everything. An empty `read` (`write`) leaves reading (writing) unrestricted; one with rules
/// allows only what they cover. Who may write a file by a rule may read it too.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FileRules {
    /// What may be read, besides what `write` names.
    pub read: Vec<PathRule>,
    /// What may be written, and read.
    pub write: Vec<PathRule>,
    /// What may not be touched at all. A rule that covers a directory covers all that is below it.
    pub deny: Vec<PathRule>,
    /// Rules of the layers above (the account's, the swarm's), each of which must allow as well.
    pub within: Vec<FileRules>,
}

/// Why a file may not be touched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Denied {
    /// What decided: `file_denied`, `file_not_listed` or `file_outside`.
    pub rule: String,
    /// A sentence that names the path and the rule.
    pub why: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Read,
    Write,
}

impl FileRules {
    /// Puts layers together, each of which must allow: denials unite, and of the lists none is widened.
    #[must_use]
    pub fn merge(layers: impl IntoIterator<Item = Self>) -> Self {
        let mut merged = Self::default();
        for mut layer in layers {
            for rule in std::mem::take(&mut layer.deny) {
                if !merged.deny.contains(&rule) {
                    merged.deny.push(rule);
                }
            }
            if !layer.is_unrestricted() {
                merged.within.push(layer);
            }
        }
        merged
    }

    /// Tells whether every file may be read and written.
    pub fn is_unrestricted(&self) -> bool {
        self.read.is_empty()
            && self.write.is_empty()
            && self.deny.is_empty()
            && self.within.iter().all(Self::is_unrestricted)
    }

    /// Tells whether a file may be read. The path is relative to the workspace or absolute below `/workspace`.
    ///
    /// # Errors
    ///
    /// [`Denied`] with the reason.
    pub fn may_read(&self, path: &str) -> Result<(), Denied> {
        self.check(path, Use::Read)
    }

    /// Tells whether a file may be written, made or removed.
    ///
    /// # Errors
    ///
    /// [`Denied`] with the reason.
    pub fn may_write(&self, path: &str) -> Result<(), Denied> {
        self.check(path, Use::Write)
    }

    /// Tells whether a directory may be looked through: what is found there is judged entry by entry.
    ///
    /// # Errors
    ///
    /// [`Denied`] if nothing in it could be read.
    pub fn may_look(&self, path: &str) -> Result<(), Denied> {
        let inner = normal(path).ok_or_else(|| outside(path))?;
        match self.check(&inner, Use::Read) {
            Err(denied) if denied.rule == NOT_LISTED && self.reads_below(&inner) => Ok(()),
            checked => checked,
        }
    }

    fn check(&self, path: &str, wanted: Use) -> Result<(), Denied> {
        let inner = normal(path).ok_or_else(|| outside(path))?;
        if let Some(rule) = self.denies(&inner) {
            return Err(Denied {
                rule: "file_denied".to_owned(),
                why: format!("{inner:?} may not be touched: it is denied by \"{rule}\""),
            });
        }
        if self.listed(&inner, wanted) {
            return Ok(());
        }
        let verb = if wanted == Use::Read { "read" } else { "written" };
        Err(Denied { rule: NOT_LISTED.to_owned(), why: format!("{inner:?} is not among what may be {verb}") })
    }

    fn listed(&self, inner: &str, wanted: Use) -> bool {
        let covered = |rules: &[PathRule]| rules.iter().any(|rule| rule.covers(inner));
        let here = match wanted {
            Use::Read => self.read.is_empty() || covered(&self.read) || covered(&self.write),
            Use::Write => self.write.is_empty() || covered(&self.write),
        };
        here && self.within.iter().all(|layer| layer.listed(inner, wanted))
    }

    /// Returns the rule that denies a path, itself or a directory above it. Takes a path as [`normal`] makes it,
    /// as do the functions below.
    pub fn denies(&self, inner: &str) -> Option<&PathRule> {
        let here = self.deny.iter().find(|rule| rule.covers_above(inner));
        here.or_else(|| self.within.iter().find_map(|layer| layer.denies(inner)))
    }

    /// Tells whether some entry below a directory might be denied.
    pub fn denies_below(&self, inner: &str) -> bool {
        self.deny.iter().any(|rule| rule.may_cover_below(inner))
            || self.within.iter().any(|layer| layer.denies_below(inner))
    }

    /// Tells whether all that is or will be below a directory may be read, but for what is denied.
    pub fn reads_all_below(&self, inner: &str) -> bool {
        let here = || self.read.iter().chain(&self.write).any(|rule| rule.covers_all_below(inner));
        (self.read.is_empty() || here()) && self.within.iter().all(|layer| layer.reads_all_below(inner))
    }

    /// Tells whether all that is or will be below a directory may be written, but for what is denied.
    pub fn writes_all_below(&self, inner: &str) -> bool {
        let here = || self.write.iter().any(|rule| rule.covers_all_below(inner));
        (self.write.is_empty() || here()) && self.within.iter().all(|layer| layer.writes_all_below(inner))
    }

    /// Tells whether some entry below a directory might be readable.
    pub fn reads_below(&self, inner: &str) -> bool {
        let here = || self.read.iter().chain(&self.write).any(|rule| rule.may_cover_below(inner));
        (self.read.is_empty() || here()) && self.within.iter().all(|layer| layer.reads_below(inner))
    }

    /// Tells whether some entry below a directory might be writable.
    pub fn writes_below(&self, inner: &str) -> bool {
        let here = || self.write.iter().any(|rule| rule.may_cover_below(inner));
        (self.write.is_empty() || here()) && self.within.iter().all(|layer| layer.writes_below(inner))
    }

    /// Returns the directories that rules to write name outright, whether they exist or not.
    pub fn writable_directories(&self) -> Vec<&str> {
        let here = self.write.iter().filter_map(PathRule::directory);
        here.chain(self.within.iter().flat_map(Self::writable_directories)).collect()
    }
}

const NOT_LISTED: &str = "file_not_listed";

fn outside(path: &str) -> Denied {
    let path: String = path.chars().take(200).collect();
    Denied { rule: "file_outside".to_owned(), why: format!("{path:?} is outside the workspace") }
}

/// Turns a path into one relative to the workspace, without `.`, `..` and empty parts; the workspace itself is
/// empty. `None` if it leads outside. No file system is asked, so links are not followed.
pub fn normal(path: &str) -> Option<String> {
    let inner = match path.strip_prefix('/') {
        None => path,
        Some(absolute) => {
            let rest = absolute.trim_start_matches('/').strip_prefix("workspace")?;
            if !rest.is_empty() && !rest.starts_with('/') {
                return None;
            }
            rest
        }
    };
    let mut parts = Vec::new();
    for part in inner.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

impl fmt::Display for FileRules {
    /// Prints the layer's own lists on one line, for logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |rules: &[PathRule]| rules.iter().map(PathRule::as_str).collect::<Vec<_>>().join(" ");
        write!(f, "read [{}] write [{}] deny [{}]", list(&self.read), list(&self.write), list(&self.deny))?;
        self.within.iter().try_for_each(|layer| write!(f, " within {layer}"))
    }
}

#[cfg(test)]
mod tests;
